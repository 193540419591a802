"""Create, view, PATCH and remove profiles (docs/contract.md#a3, #a4, #k3, #k8 and #k13)."""

from __future__ import annotations

import re
import uuid

import pytest

from bootstrap_project.magistrala.sandbox.seed import OTHER_DOMAIN_ID
from profiles.models import Profile
from tests.support.api import UNKNOWN, Api, told
from tests.support.rows import make_config, make_profile

PROFILES = "/clients/bootstrap/profiles"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
SLOTS = [
    {"name": "mqtt_client", "type": "client", "required": True, "fields": ["id", "name"]},
    {"name": "telemetry", "type": "channel", "required": False},
]


def without_warnings(document):
    """What is stored of an answer to a save; tests/profiles/test_warnings.py is about the rest."""
    return {name: member for name, member in document.items() if name != "warnings"}


def test_the_answer_is_the_whole_profile(api):
    sent = {
        "name": "mqtt sensor profile",
        "description": "Renders MQTT settings",
        "template_format": "json",
        "content_template": '{"id": "{{ .Device.ID }}"}',
        "defaults": {"qos": 1, "region": "nairobi"},
        "binding_slots": SLOTS,
    }

    answer = api.post(PROFILES, sent)

    assert answer.status_code == 201
    created = answer.json()
    assert created == sent | {
        "id": created["id"],
        "domain_id": api.domain_id,
        "content_format": "json",
        "version": 1,
        "created_at": created["created_at"],
        "updated_at": created["updated_at"],
        "warnings": created["warnings"],
    }
    assert uuid.UUID(created["id"]).version == 4
    assert RFC_3339.fullmatch(created["created_at"])
    assert RFC_3339.fullmatch(created["updated_at"])
    assert answer["Location"] == f"/{api.domain_id}{PROFILES}/{created['id']}"
    assert api.get(answer["Location"].removeprefix(f"/{api.domain_id}")).json() == without_warnings(created)


def test_what_is_empty_is_left_out(api):
    created = without_warnings(api.create_profile().json())

    assert list(created) == [
        "id",
        "domain_id",
        "name",
        "template_format",
        "content_format",
        "version",
        "created_at",
        "updated_at",
    ]
    assert created["template_format"] == created["content_format"] == "go-template"


@pytest.mark.parametrize(
    "empty",
    [
        {"description": "", "content_template": "", "defaults": {}, "binding_slots": []},
        dict.fromkeys(["description", "content_template", "defaults", "binding_slots", "template_format"]),
    ],
)
def test_null_and_empty_members_mean_nothing(api, empty):
    assert len(without_warnings(api.create_profile(**empty).json())) == 8


def test_what_only_the_service_decides_is_ignored(api):
    sdk = {
        "id": UNKNOWN,
        "domain_id": OTHER_DOMAIN_ID,
        "version": 41,
        "status": "disabled",
        "created_at": "0001-01-01T00:00:00Z",
        "updated_at": "0001-01-01T00:00:00Z",
    }

    created = api.create_profile(**sdk).json()

    assert created["id"] != UNKNOWN
    assert created["domain_id"] == api.domain_id
    assert created["version"] == 1
    assert not created["created_at"].startswith("0001")


@pytest.mark.parametrize("name", ["", None, "absent"])
def test_a_profile_needs_a_name(api, name):
    answer = api.post(PROFILES, {} if name == "absent" else {"name": name})

    assert "missing identity name" in told(answer, 400)


def test_a_name_has_up_to_1024_characters_of_any_width(api):
    longest = "\U0001f600" * 1024

    assert api.create_profile(name=longest).json()["name"] == longest
    assert "name" in told(api.create_profile(name=longest), 409)
    assert "name" in told(api.create_profile(name=longest + "x"), 400)


def test_a_name_is_unique_within_its_domain(api):
    make_profile(domain_id=OTHER_DOMAIN_ID, name="pump")

    assert api.create_profile(name="pump").status_code == 201
    assert "entity already exists" in told(api.create_profile(name="pump"), 409)
    assert api.create_profile(name="Pump").status_code == 201
    assert Profile.objects.count() == 3


@pytest.mark.parametrize("name", ["name", "description", "template_format", "content_format", "content_template"])
@pytest.mark.parametrize("value", [7, True, [], {"a": 1}], ids=repr)
def test_a_text_of_another_type_is_refused_by_its_name(api, name, value):
    assert f"{name}:" in told(api.create_profile(**{name: value}), 400)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("defaults", []),
        ("defaults", "x"),
        ("defaults", 1),
        ("binding_slots", {}),
        ("binding_slots", "x"),
        ("binding_slots", 1),
    ],
)
def test_defaults_are_an_object_and_slots_a_list(api, name, value):
    assert name in told(api.create_profile(**{name: value}), 400)


# Formats.


@pytest.mark.parametrize("template_format", ["go-template", "json", "yaml", "toml", "raw"])
@pytest.mark.parametrize("member", ["template_format", "content_format"])
def test_a_format_goes_by_two_names_and_both_are_answered(api, member, template_format):
    created = api.create_profile(**{member: template_format}).json()

    assert created["template_format"] == created["content_format"] == template_format


def test_two_names_that_agree_are_fine_and_two_that_disagree_are_refused(api):
    agreeing = api.create_profile(template_format="toml", content_format="toml")
    one_empty = api.create_profile(name="2", template_format="", content_format="yaml")

    assert agreeing.json()["template_format"] == "toml"
    assert one_empty.json()["template_format"] == "yaml"
    assert "disagree" in told(api.create_profile(name="3", template_format="json", content_format="yaml"), 400)


@pytest.mark.parametrize("template_format", ["xml", "JSON", "json ", "go_template", "text", "\u0000"[:0] + "?"])
def test_an_unknown_format_is_refused_at_once(api, template_format):
    answer = api.create_profile(template_format=template_format)

    assert "go-template, json, yaml, toml, raw" in told(answer, 400)
    assert not Profile.objects.exists()


# Templates.


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("{{ .Vars.site ", "1"),
        ("a\nb\n{{ if }}", "3"),
        ("{{ nosuchfunction 1 }}", "nosuchfunction"),
        ("{{ end }}", "1"),
        ("{{ range .Vars }}", "1"),
        ("{{ $x }}", "$x"),
        ("{{", "1"),
    ],
)
@pytest.mark.parametrize("template_format", ["go-template", "json", "yaml", "toml"])
def test_a_template_that_does_not_parse_is_refused_with_its_place(api, template, place, template_format):
    answer = api.create_profile(content_template=template, template_format=template_format)

    assert "content_template" in told(answer, 400)
    assert place in told(answer)
    assert not Profile.objects.exists()


def test_a_raw_profile_is_not_parsed(api):
    created = api.create_profile(content_template="{{ if", template_format="raw").json()

    assert created["content_template"] == "{{ if"
    assert api.preview(created["id"], {}).json()["content"] == "{{ if"


def test_a_template_is_not_tried_out_when_it_is_stored(api):
    assert (
        api.create_profile(content_template="{{ .Vars.unknown }} not json", template_format="json").status_code == 201
    )


def test_a_template_is_kept_to_the_letter(api):
    template = "  \t{{- /* c */ -}}\r\n<a> & \u2028 \U0001f600 {{ .Device.ID }} \n\n"

    created = api.create_profile(content_template=template).json()

    assert created["content_template"] == template
    assert api.get(f"{PROFILES}/{created['id']}").json()["content_template"] == template


# Slots.


def test_slots_are_answered_with_all_that_was_declared(api):
    created = api.create_profile(
        binding_slots=[
            {"name": "a", "type": "client", "x": 1},
            {"name": "b", "type": "channel", "required": None, "fields": []},
        ]
    ).json()

    assert created["binding_slots"] == [
        {"name": "a", "type": "client", "required": False},
        {"name": "b", "type": "channel", "required": False},
    ]


GOOD = {"name": "a", "type": "client"}


@pytest.mark.parametrize(
    ("slot", "words"),
    [
        ({"type": "client"}, "name"),
        (GOOD | {"name": ""}, "name"),
        (GOOD | {"name": 7}, "name"),
        (GOOD | {"name": "x" * 257}, "name"),
        ({"name": "b"}, "type"),
        (GOOD | {"name": "b", "type": ""}, "type"),
        (GOOD | {"name": "b", "type": "cert"}, "client, channel"),
        (GOOD | {"name": "b", "type": "Client"}, "client, channel"),
        (GOOD | {"name": "b", "type": ["client"]}, "client, channel"),
        (GOOD | {"name": "b", "type": {"client": 1}}, "client, channel"),
        (GOOD | {"name": "b", "required": "yes"}, "required"),
        (GOOD | {"name": "b", "required": 1}, "required"),
        (GOOD | {"name": "b", "fields": "id"}, "fields"),
        (GOOD | {"name": "b", "fields": [1]}, "fields"),
        (GOOD | {"name": "b", "fields": {"id": 1}}, "fields"),
        (GOOD, "'a'"),
        ("b", "object"),
        (None, "object"),
        ([], "object"),
    ],
)
def test_a_slot_that_cannot_be_is_refused_with_its_place(api, slot, words):
    answer = api.create_profile(binding_slots=[GOOD, slot])

    assert "binding_slots" in told(answer, 400)
    assert words in told(answer)
    assert not Profile.objects.exists()


def test_more_slots_than_anyone_needs_are_refused(api):
    slots = [{"name": f"s{number}", "type": "client"} for number in range(257)]

    assert "256" in told(api.create_profile(binding_slots=slots), 400)
    assert api.create_profile(binding_slots=slots[:256]).status_code == 201


def test_the_slots_alone_can_be_read(api, django_assert_num_queries):
    bare, full = make_profile(), make_profile(binding_slots=SLOTS)

    with django_assert_num_queries(1):
        answer = api.get(f"{PROFILES}/{full.pk}/slots")

    assert answer.json() == {"binding_slots": SLOTS}
    assert api.get(f"{PROFILES}/{bare.pk}/slots").json() == {"binding_slots": []}


# PATCH.


@pytest.fixture
def profile(db):
    return make_profile(
        name="name",
        description="description",
        template_format="json",
        content_template='{"a": {{ .Vars.a }}}',
        defaults={"a": 1, "deep": {"b": 2}},
        binding_slots=SLOTS,
    )


@pytest.fixture
def path(profile):
    return f"{PROFILES}/{profile.pk}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", "other"),
        ("description", "other"),
        ("template_format", "yaml"),
        ("content_template", "other"),
        ("defaults", {"a": 2}),
        ("binding_slots", [{"name": "z", "type": "channel", "required": True}]),
    ],
)
def test_patch_replaces_what_it_names_and_raises_the_version(api, path, name, value):
    before = api.get(path).json()

    answer = api.patch(path, {name: value})

    after = without_warnings(answer.json())
    expected = before | {name: value, "version": 2, "updated_at": after["updated_at"]}
    if name == "template_format":
        expected["content_format"] = value
    assert answer.status_code == 200
    assert after == expected
    assert after["updated_at"] > before["updated_at"]
    assert api.get(path).json() == after


@pytest.mark.parametrize("name", ["description", "content_template", "defaults", "binding_slots"])
@pytest.mark.parametrize("null", [True, False])
def test_patch_clears_with_an_empty_value_or_null(api, path, name, null):
    empty = {"description": "", "content_template": "", "defaults": {}, "binding_slots": []}[name]

    assert name not in api.patch(path, {name: None if null else empty}).json()
    assert name not in api.get(path).json()


@pytest.mark.parametrize("name", ["", None])
def test_a_name_cannot_be_cleared(api, path, name):
    assert "missing identity name" in told(api.patch(path, {"name": name}), 400)
    assert api.get(path).json()["name"] == "name"


def test_every_accepted_update_counts(api, path):
    versions = [api.patch(path, body).json()["version"] for body in ({}, {"name": "name"}, {"version": 77, "id": "x"})]

    assert versions == [2, 3, 4]


@pytest.mark.parametrize(
    "body",
    [
        {"content_template": "{{ if"},
        {"template_format": "xml"},
        {"template_format": "json", "content_format": "yaml"},
        {"binding_slots": [{"name": "a"}]},
        {"name": ""},
        {"name": 7},
        {"defaults": []},
    ],
    ids=str,
)
def test_a_refused_update_changes_nothing(api, path, body):
    before = api.get(path).json()

    told(api.patch(path, {"description": "lost"} | body), 400)

    assert api.get(path).json() == before


def test_the_profile_as_it_will_be_is_what_is_checked(api):
    raw = make_profile(template_format="raw", content_template="{{ if")
    path = f"{PROFILES}/{raw.pk}"

    assert "content_template" in told(api.patch(path, {"template_format": "json"}), 400)
    assert api.patch(path, {"template_format": "json", "content_template": "{}"}).status_code == 200
    assert "content_template" in told(api.patch(path, {"content_template": "{{ if"}), 400)
    assert api.patch(path, {"template_format": "raw", "content_template": "{{ if"}).status_code == 200


def test_a_name_that_another_profile_has_is_a_conflict(api, path):
    make_profile(name="taken")
    before = api.get(path).json()

    assert "entity already exists" in told(api.patch(path, {"name": "taken", "description": "lost"}), 409)
    assert api.get(path).json() == before


# Remove.


def test_removing_is_idempotent(api, path):
    for _ in range(2):
        answer = api.delete(path)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer["Content-Type"] == "application/json"
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(("users", "words"), [(1, "1 config uses it"), (3, "3 configs use it")])
def test_a_profile_in_use_stays_and_the_answer_says_how_many_use_it(api, profile, path, users, words):
    configs = [make_config(profile=profile) for _ in range(users)]

    assert words in told(api.delete(path), 409)
    assert api.get(path).status_code == 200

    for config in configs:
        api.delete(f"/clients/configs/{config.pk}")
    assert api.delete(path).status_code == 204


def test_somebody_else_cannot_remove_it_and_is_not_told_that_it_exists(sandbox, profile):
    outsider = Api(sandbox.token("outsider"), OTHER_DOMAIN_ID)

    assert outsider.delete(f"{PROFILES}/{profile.pk}").status_code == 204
    assert Profile.objects.filter(pk=profile.pk).exists()


def test_a_name_that_is_too_long_is_no_broken_json(api):
    words = told(api.post(PROFILES, {"name": "n" * 1025}), 400)

    assert words == "invalid name | name: ensure this field has no more than 1024 characters"
