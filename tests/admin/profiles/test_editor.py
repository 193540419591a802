"""What the editor of profiles asks while somebody writes: previews, places of problems, devices; nothing is stored."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from profiles.models import Profile
from tests.admin.profiles.forms import ADD
from tests.support.pages import change_url, page_text
from tests.support.people import Person, make_person
from tests.support.rows import BINDING_SECRET, DOMAIN, SLOTS, make_config

pytestmark = pytest.mark.sqlite

CHECK = "/admin/profiles/profile/check/"
DEVICES = "/admin/profiles/profile/devices/"
BOUND = "/admin/profiles/profile/bound/"
NOBODY = "00000000-0000-4000-8000-000000000000"


def ask(person: Person, status: int = 200, **values: Any) -> dict[str, Any]:
    """Post what stands in the boxes; every answer is searched for secrets."""
    body = {
        "profile": "",
        "domain": DOMAIN,
        "template_format": "go-template",
        "content_template": "",
        "defaults": "",
        "slots": [],
        "device": "",
        "sample": None,
    } | values
    response = person.client.post(CHECK, json.dumps(body), content_type="application/json")
    assert response.status_code == status, response.content
    answer: dict[str, Any] = person._checked(response).json()
    return answer


def places(answer: dict[str, Any], box: str = "template") -> list[tuple[str, int, int]]:
    return [
        (problem["rule"] or problem["kind"], problem["line"], problem["column"])
        for problem in answer["markers"]
        if problem["box"] == box
    ]


def text_of(html: str) -> str:
    """What a person reads of a piece of the page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


def names(answer: dict[str, Any]) -> list[str]:
    """What a click puts into the template."""
    pieces = "".join(answer["html"]["names"].values())
    return [unescape(text) for text in re.findall(r'data-insert="\{\{ toJSON ([^}]*) \}\}"', pieces)]


def row(name: str, type_: str = "client", fields: str = "", *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "type": type_, "required": required, "fields": fields}


def writer_of(*domains: str, permissions: tuple[str, ...] = ("view_profile", "change_profile")) -> Person:
    return make_person(f"writer {len(domains)} {len(permissions)}", *permissions, domains=domains)


def test_sample_data_is_made_up_for_the_slots_and_can_be_changed(admin):
    template = "{{ .Vars.site }} {{ .Bindings.mqtt.Secret.secret }} {{ .Bindings.data.Snapshot.topic }}"
    slots = [row("mqtt"), row("data", "channel")]

    answer = ask(admin, content_template=template, defaults='{"site": "lab"}', slots=slots)
    sample = json.loads(answer["sample"])
    sample["Vars"]["site"] = "attic"
    sample["Bindings"]["mqtt"]["Secret"]["secret"] = "typed"
    changed = ask(admin, content_template=template, defaults="{}", slots=slots, sample=json.dumps(sample))

    assert (answer["output"], answer["is_bad"]) == ("lab sample-secret sample/topic/2", False)
    assert changed["output"] == "attic typed sample/topic/2"
    assert ".Bindings.mqtt.Secret.secret" in names(answer)
    assert text_of(answer["html"]["state"]).startswith("What the sample device would get, rendered in ")
    assert answer["html"]["verdict"] == "Nothing is wrong"
    assert not Profile.objects.exists()


def test_slot_fields_limit_the_sample_and_the_names(admin):
    answer = ask(admin, slots=[row("m", fields="id, name"), row("a-b", "channel", "topic")], defaults='{"x y": 1}')

    bindings = json.loads(answer["sample"])["Bindings"]
    assert set(bindings["m"]["Snapshot"]) == {"id", "name"}
    assert "Secret" not in bindings["m"]
    assert names(answer) == [
        '(index .Vars "x y")',
        ".Bindings.m.ID",
        ".Bindings.m.Snapshot.name",
        '(index .Bindings "a-b").ID',
        '(index .Bindings "a-b").Snapshot.topic',
    ]


@pytest.mark.parametrize(
    ("values", "box", "expected"),
    [
        ({"content_template": "x\n  {{ foo }}"}, "template", [("error", 2, 6)]),
        ({"content_template": "{{ .Vars.a }}\n{{ .Vars.b }}"}, "template", [("error", 1, 4), ("error", 2, 4)]),
        ({"content_template": "{{ index 1 2 }}"}, "template", [("error", 1, 4)]),
        ({"defaults": '{"a": 1,\n}'}, "defaults", [("error", 2, 1)]),
        ({"defaults": "[]"}, "defaults", [("error", 0, 0)]),
        ({"sample": "{\n  1}"}, "sample", [("error", 2, 3)]),
        ({"sample": '{"Bindings": []}'}, "sample", [("error", 0, 0)]),
        ({"slots": [row("a"), row(""), row("a")]}, "slots", [("error", 3, 0)]),
        ({"slots": [row("a", "cert")]}, "slots", [("error", 1, 0)]),
        ({"content_template": '{\n"a": 1,\n}', "template_format": "json"}, "output", [("error", 2, 7)]),
        ({"content_template": "a: b: c", "template_format": "yaml"}, "output", [("error", 1, 5)]),
        ({"content_template": "a = \nb = 1", "template_format": "toml"}, "output", [("error", 1, 5)]),
    ],
)
def test_every_problem_has_its_box_and_place(admin, values, box, expected):
    answer = ask(admin, **values)

    found = [place for place in places(answer, box) if place[0] == "error"]
    if box == "output":
        assert answer["output"] == values["content_template"]
        assert [place[0] for place in found] == ["error"]
        assert found[0][1] in {expected[0][1], expected[0][1] + 1}
    else:
        assert found == expected
        assert answer["output"] is None
    assert answer["is_bad"]


def test_warnings_come_with_the_same_answer_once_slots_and_defaults_are_valid(admin):
    values: dict[str, Any] = {"content_template": "{{ .Vars.sitee }}", "defaults": '{"site": 1}'}

    assert ("required-variable", 1, 4) in places(ask(admin, **values))
    assert ("unused-default", 0, 0) in places(ask(admin, **values))
    assert places(ask(admin, **(values | {"defaults": "{"}))) == []


def test_what_is_wrong_comes_as_html_errors_first_and_what_was_typed_is_escaped(admin):
    found = ask(admin, content_template="{{ .Vars.a }}\n{{ `<b>` | toJSON | nope }}")
    assert text_of(found["html"]["problems"]).startswith('Line 2, column 21 error Function "nope" not defined.')
    assert "There is no function <code>nope</code>" in found["html"]["problems"]
    assert (found["html"]["verdict"], text_of(found["html"]["state"])[:32]) == (
        "Found 1 error",
        "The template does not parse. Lin",
    )

    warned = ask(admin, content_template="{{ .Vars.sitee }}", defaults='{"site": 1, "<i>": 2}')
    assert warned["html"]["verdict"] == "Found 1 error, 3 warnings"
    assert '<li class="error">' in warned["html"]["problems"].split("</li>")[0]
    assert "<i>" not in json.dumps(warned["html"])


def test_a_real_device_gives_its_own_values_and_no_secret(admin, device):
    device.render_context = {"site": "roof"}
    device.save()
    template = "{{ .Device.ExternalID }} {{ .Vars.site }} {{ .Bindings.mqtt.Secret.secret }}"
    slots = [row(str(slot["name"]), str(slot["type"])) for slot in SLOTS]
    known: dict[str, Any] = {
        "profile": str(device.profile_id),
        "device": str(device.pk),
        "slots": slots,
        "domain": "ignored",
    }

    answer = ask(admin, content_template=template, **known)
    quoted = ask(admin, content_template="{{ index .Vars .Bindings.mqtt.Secret.secret 1 }}", **known)

    assert (answer["output"], answer["sample"]) == ("pi-0004 roof masked00", None)
    state = text_of(answer["html"]["state"])
    assert state.startswith("What pi 4 would get, ")
    assert state.endswith("It gets nothing before these slots are bound: data.")
    assert quoted["output"] is None
    assert BINDING_SECRET not in json.dumps([answer, quoted])
    stored = Profile.objects.get()
    assert (stored.content_template, stored.version) == ("{{ .Vars.site }}", 1)


def test_hostile_templates_end_within_their_budgets(admin):
    endless = '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}'
    loop = "{{ range $a := .Vars.x }}" * 6 + "x" + "{{ end }}" * 6

    for template in (endless, loop, "{{ if }}" * 10_000):
        answer = ask(admin, content_template=template, defaults=json.dumps({"x": list(range(100))}))
        assert answer["output"] is None
        assert answer["is_bad"]


def test_long_outputs_are_cut(admin):
    answer = ask(admin, content_template="é" * 150_000)

    assert len(answer["output"]) == 100_000
    assert "Only the beginning is shown." in text_of(answer["html"]["state"])


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{",
        '{"content_template": 1}',
        '{"slots": {}}',
        '{"slots": [1]}',
        '{"device": "nonsense"}',
        '"\\ud800"',
    ],
)
def test_bad_bodies_are_refused_with_words(admin, body):
    response = admin.client.post(CHECK, body, content_type="application/json")

    assert response.status_code == 400
    assert response.json()["message"]
    assert admin.client.post(CHECK, "{}", content_type="text/plain").status_code == 415
    assert admin.client.post(CHECK, b"x" * 1_100_000, content_type="application/json").status_code == 413
    assert admin.client.get(CHECK).status_code == 405


def test_devices_are_found_by_name_those_of_the_profile_first(admin, device, django_assert_num_queries):
    other = make_config(name="pi other", external_id="other-1")
    make_config(name="pi elsewhere", domain_id="elsewhere")
    scope = {"profile": str(device.profile_id)}

    found = admin.get(DEVICES, q="PI", **scope).json()["devices"]
    assert [(one["id"], one["uses_it"]) for one in found] == [(str(device.pk), True), (str(other.pk), False)]
    assert [one["name"] for one in admin.get(DEVICES, q="pi-0004", **scope).json()["devices"]] == ["pi 4"]
    assert len(admin.get(DEVICES, **scope).json()["devices"]) == 2
    assert [one["name"] for one in admin.get(DEVICES, domain="elsewhere").json()["devices"]] == ["pi elsewhere"]
    assert admin.get(DEVICES, q="x" * 5000 + "\\%_'", **scope).json()["devices"] == []
    with django_assert_num_queries(4):
        admin.client.get(DEVICES, {"q": "pi", **scope})


def test_who_may_not_preview_devices_writes_with_sample_data(device):
    writer = writer_of(DOMAIN)
    known: dict[str, Any] = {"profile": str(device.profile_id)}

    assert ask(writer, content_template="x", **known)["output"] == "x"
    assert ask(writer, 403, device=str(device.pk), **known)
    assert writer.client.get(DEVICES, known).status_code == 403
    assert "data-device>" not in page_text(writer.get(change_url(device.profile)))


def test_other_domains_look_as_if_they_did_not_exist(device):
    permissions = ("view_profile", "change_profile", "add_profile", "preview_enrollment")
    stranger = writer_of("elsewhere", permissions=permissions)
    known: dict[str, Any] = {"profile": str(device.profile_id)}

    unknown = stranger.client.get(DEVICES, {"profile": NOBODY})
    for scope in (known, {"profile": NOBODY}, {"domain": DOMAIN}):
        answer = stranger.client.get(DEVICES, scope)
        assert (answer.status_code, answer.json()["message"]) == (404, unknown.json()["message"])
    ask(stranger, 404, device=str(device.pk), **known)
    ask(stranger, 404, device=str(device.pk))
    gone = ask(stranger, device=str(device.pk), domain="elsewhere")
    assert (gone["output"], text_of(gone["html"]["state"])) == (None, "The domain has no such device any more.")
    assert stranger.client.get(BOUND, known | {"slot": "mqtt"}).status_code == 404


def test_a_viewer_may_try_and_who_sees_no_profiles_may_not(viewer, device):
    known: dict[str, Any] = {"profile": str(device.profile_id)}

    assert ask(viewer, content_template="x", **known)["output"] == "x"
    ask(viewer, 403)
    ask(make_person("nora", "view_config"), 403)
    assert viewer.client.post("/admin/logout/").status_code == 200
    assert viewer.client.post(CHECK, "{}", content_type="application/json").status_code == 302


def test_the_call_needs_its_token(admin):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(admin.user)

    assert careful.post(CHECK, "{}", content_type="application/json").status_code == 403


def test_bound_devices_are_counted(admin, device):
    known: dict[str, Any] = {"profile": str(device.profile_id)}

    assert admin.get(BOUND, slot="mqtt", **known).json() == {"devices": 1, "is_more": False}
    assert admin.get(BOUND, slot="data", **known).json()["devices"] == 0
    assert admin.get(BOUND, slot="x", **known).json()["devices"] == 0
    assert admin.get(BOUND, slot="mqtt").json()["devices"] == 0


def test_a_new_profile_starts_from_one_that_works(admin):
    form = admin.get(ADD).context["adminform"].form
    start = {name: form[name].value() for name in ("template_format", "content_template", "defaults")}

    answer = ask(admin, **start)

    assert json.loads(answer["output"])["site"] == "lab"
    assert answer["markers"] == []


def test_the_page_asks_the_same_number_of_questions_for_1_and_100_devices(admin, device, django_assert_num_queries):
    url = change_url(device.profile)
    admin.get(url)
    with django_assert_num_queries(4):
        admin.client.get(url)
    for _ in range(99):
        make_config(profile=device.profile)

    with django_assert_num_queries(4):
        assert "100 devices</a>" in admin.client.get(url).content.decode()


def test_the_page_has_no_inline_script_or_style(admin, device):
    for url in (ADD, change_url(device.profile)):
        text = admin.get(url).content.decode()
        assert not re.search(r"<script(?![^>]*(\bsrc=|application/json))", text)
        assert not re.search(r"<[^>]*\s(style|on[a-z]+)=", text)
        assert "<style" not in text
