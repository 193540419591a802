"""The `warnings` of answers about profiles: a list wherever a profile is saved or previewed, nowhere else."""

from __future__ import annotations

import json

import pytest

from profiles.models import Profile
from tests.support import pi
from tests.support.rows import make_config, make_profile

PROFILES = "/clients/bootstrap/profiles"
FLAWED = '{"site": {{ toJSON .Vars.site }}}'
SOUND = '{"id": "{{ .Device.ID }}"}'
WARNING = {
    "rule": "required-variable",
    "message": (
        "`.Vars.site` must be set on every device: the defaults do not have it, and without it the render fails."
    ),
    "hint": "Set it in the profile's defaults or in every device's render_context.",
    "line": 1,
    "column": 20,
    "expression": ".Vars.site",
}


@pytest.fixture
def send(api):
    """Send a profile in each of the ways that save one, or preview it; the answer's body."""

    def sending(way, template):
        members = {"content_template": template, "template_format": "json"}
        if way == "create":
            answer = api.create_profile(**members)
        elif way == "upload":
            answer = api.post(f"{PROFILES}/upload", {"name": "uploaded"} | members)
        elif way == "update":
            answer = api.patch(f"{PROFILES}/{make_profile().pk}", members)
        elif way == "preview":
            body = {"config": {"id": "x", "render_context": {"site": "north"}}}
            answer = api.preview(make_profile(**members).pk, body)
        else:
            config = make_config(render_context={"site": "north"})
            answer = api.preview(make_profile(**members).pk, {"config_id": str(config.pk)})
        assert answer.status_code in {200, 201}, answer.content
        return answer.json()

    return sending


WAYS = ["create", "upload", "update", "preview", "preview of a stored config"]


@pytest.mark.parametrize("way", WAYS)
def test_a_flawed_template_is_answered_with_its_warnings(send, way):
    assert send(way, FLAWED)["warnings"] == [WARNING]


@pytest.mark.parametrize("way", WAYS)
def test_a_sound_template_is_answered_with_an_empty_list(send, way):
    assert send(way, SOUND)["warnings"] == []


@pytest.mark.parametrize("way", ["create", "upload", "update"])
def test_a_profile_without_a_template_is_answered_with_an_empty_list(send, way):
    assert send(way, "")["warnings"] == []


def test_reading_a_profile_gives_no_warnings(api):
    profile = make_profile(content_template=FLAWED)

    viewed = api.get(f"{PROFILES}/{profile.pk}").json()
    (listed,) = api.get(PROFILES).json()["profiles"]

    assert "warnings" not in viewed
    assert "warnings" not in listed


def test_warnings_stand_beside_everything_else(api):
    answer = api.create_profile(content_template=FLAWED)

    profile = answer.json()
    assert profile.pop("warnings") == [WARNING]
    assert profile == api.get(f"{PROFILES}/{profile['id']}").json()


def test_warnings_know_the_profile_as_it_becomes(api):
    profile = make_profile(content_template=FLAWED, template_format="json")

    answer = api.patch(f"{PROFILES}/{profile.pk}", {"defaults": {"site": "north"}})

    assert answer.json()["warnings"] == []


def test_slots_count(api):
    answer = api.create_profile(**pi.PROFILE)

    assert "unused-slot" in {warning["rule"] for warning in answer.json()["warnings"]}


def test_a_raw_profile_has_no_warnings(api):
    answer = api.create_profile(content_template="{{ .Vars.site }} {{", template_format="raw")

    assert answer.status_code == 201
    assert answer.json()["warnings"] == []


def test_a_caller_cannot_set_warnings(api):
    answer = api.create_profile(content_template=SOUND, warnings=[WARNING])

    assert answer.json()["warnings"] == []


def test_a_template_that_is_refused_has_no_warnings(api):
    answer = api.create_profile(content_template="{{ nope }}")

    assert answer.status_code == 400
    assert "warnings" not in answer.json()
    assert not Profile.objects.exists()


@pytest.mark.parametrize("defaults", [{}, {"site": None}, {"a": [{}, [], None]}, {"": "", "\u00e9 \U0001f600": 1e300}])
def test_odd_defaults_do_not_break_a_save(api, defaults):
    template = "{{ range .Vars.a }}{{ .b }}{{ end }}{{ printf `%d` .Vars.site }}{{ index .Vars ``}}"

    answer = api.create_profile(content_template=template, defaults=defaults)

    assert answer.status_code == 201, answer.content
    assert json.dumps(answer.json()["warnings"])
