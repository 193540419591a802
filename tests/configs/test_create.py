"""POST /{domain}/clients/configs (docs/contract.md#a1, #a2, #k6, #k10 and #k16)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from bootstrap_project.magistrala.sandbox.seed import OTHER_DOMAIN_ID
from configs.models import Config
from tests.support.api import UNKNOWN, Api, told
from tests.support.attempts import NEVER_CALLED
from tests.support.rows import make_config, make_profile

CONFIGS = "/clients/configs"
MEMBERS = [
    "id",
    "domain_id",
    "external_id",
    "name",
    "status",
    "profile_id",
    "render_context",
    "content",
    "client_cert",
    "client_key",
    "ca_cert",
    *NEVER_CALLED,
]


def test_the_answer_is_the_created_config_with_every_member(api):
    profile = make_profile()

    answer = api.create_config(
        external_id="01:6:0:sb:sa",
        external_key="device-bootstrap-key",
        name="warehouse sensor config",
        profile_id=str(profile.pk),
        render_context={"site": "warehouse-1", "region": "nairobi"},
        content="static",
        client_cert="CERT",
        client_key="KEY",
        ca_cert="CA",
    )

    assert answer.status_code == 201
    created = answer.json()
    assert list(created) == MEMBERS
    assert uuid.UUID(created["id"]).version == 4
    assert created | {"id": ""} == {
        "id": "",
        "domain_id": api.domain_id,
        "external_id": "01:6:0:sb:sa",
        "name": "warehouse sensor config",
        "status": "enabled",
        "profile_id": str(profile.pk),
        "render_context": {"site": "warehouse-1", "region": "nairobi"},
        "content": "static",
        "client_cert": "CERT",
        "client_key": "",
        "ca_cert": "CA",
        **NEVER_CALLED,
    }


def test_what_was_not_given_is_empty_and_there(api):
    created = api.create_config().json()

    assert list(created) == MEMBERS
    assert created["render_context"] == {}
    assert {created[name] for name in ("name", "profile_id", "content", "client_cert", "client_key", "ca_cert")} == {""}


def test_the_location_is_exactly_what_the_sdk_cuts_the_id_from(api):
    answer = api.create_config()

    assert answer["Location"] == f"/clients/configs/{answer.json()['id']}"
    assert answer["Content-Type"] == "application/json"
    assert answer.content.endswith(b"\n")


def test_null_and_empty_members_mean_nothing(api):
    empty: dict[str, Any] = {
        "name": "",
        "content": "",
        "profile_id": "",
        "client_cert": "",
        "client_key": "",
        "ca_cert": "",
    }

    bodies: tuple[dict[str, Any], ...] = (empty | {"render_context": {}}, dict.fromkeys([*empty, "render_context"]))
    for number, members in enumerate(bodies):
        answer = api.create_config(external_id=f"e{number}", **members)
        assert answer.status_code == 201
        assert answer.json()["render_context"] == {}
        assert answer.json()["profile_id"] == ""


def test_what_only_the_service_decides_is_ignored(api):
    sent: dict[str, Any] = {
        "id": UNKNOWN,
        "domain_id": OTHER_DOMAIN_ID,
        "status": "disabled",
        "created_at": "0001-01-01T00:00:00Z",
        "updated_at": "0001-01-01T00:00:00Z",
        "external_key_hash": "x",
        "version": 7,
        "channels": ["a"],
    }

    created = api.create_config(**sent).json()

    assert created["id"] != UNKNOWN
    assert created["domain_id"] == api.domain_id
    assert created["status"] == "enabled"
    assert not created.keys() & {"created_at", "version", "channels", "external_key_hash"}


@pytest.mark.parametrize("status", ["disabled", 1, "1", "bogus", None, [], 0])
def test_a_config_is_enabled_whatever_status_is_sent(api, status):
    assert api.create_config(status=status).json()["status"] == "enabled"


def test_the_key_is_shown_nowhere_and_stored_as_a_hash(api):
    answer = api.create_config(external_key="the-device-secret", client_key="PRIVATE KEY")

    row = Config.objects.get()
    stored = " ".join(str(value) for value in Config.objects.values_list().get())
    assert b"the-device-secret" not in answer.content
    assert b"external_key" not in answer.content
    assert row.external_key_hash.encode() not in answer.content
    assert "the-device-secret" not in stored
    assert row.external_key_hash.startswith("$scrypt$")
    assert len(row.external_key_digest) == 64


def test_the_private_key_is_encrypted_in_its_column_and_bound_to_its_row(api):
    first = Config.objects.get(pk=api.create_config(external_id="1", client_key="PRIVATE KEY").json()["id"])
    second = Config.objects.get(pk=api.create_config(external_id="2", client_key="PRIVATE KEY").json()["id"])

    assert "PRIVATE" not in first.client_key_sealed
    assert first.client_key_sealed != second.client_key_sealed
    assert first.client_key == "PRIVATE KEY"
    second.client_key_sealed = first.client_key_sealed
    with pytest.raises(Exception, match="belongs to another row"):
        _ = second.client_key


@pytest.mark.parametrize("name", ["external_id", "external_key"])
@pytest.mark.parametrize("value", ["", None, "absent"])
def test_a_missing_id_or_key_is_a_mistake_of_the_body(api, name, value):
    body = {"external_id": "e", "external_key": "k", name: value}
    if value == "absent":
        del body[name]

    answer = api.post(CONFIGS, body)

    assert name in told(answer, 400)
    assert "WWW-Authenticate" not in answer
    assert not Config.objects.exists()


TEXTS = ("external_id", "external_key", "name", "content", "profile_id", "client_cert", "client_key", "ca_cert")


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", [7, 1.5, True, [], {}, ["a"], {"a": 1}], ids=repr)
def test_a_text_of_another_type_is_refused_by_its_name(api, name, value):
    answer = api.create_config(**{name: value})

    assert f"{name}:" in told(answer, 400)
    assert not Config.objects.exists()


@pytest.mark.parametrize("value", ["{}", 7, [], [{}], True], ids=repr)
def test_a_render_context_that_is_no_object_is_refused(api, value):
    assert "render_context" in told(api.create_config(render_context=value), 400)


def test_text_is_kept_to_the_letter(api):
    text = " \t<b>&amp;\u2028 \U0001f600 e\u0301 \u00e9 \x7f\r\n "

    created = api.create_config(content=text, client_cert=text, render_context={"a": {text: text}}).json()
    read = api.get(f"{CONFIGS}/{created['id']}").json()

    assert created["content"] == created["client_cert"] == text
    assert created["render_context"] == {"a": {text: text}}
    assert read == created


def test_variables_keep_their_types_and_their_values(api):
    context: dict[str, Any] = {
        "int": 9007199254740993,
        "huge": 10**307,
        "negative": -(2**63) - 1,
        "float": 1.0,
        "large float": 1e16,
        "tiny": 5e-324,
        "largest": 1.7976931348623157e308,
        "null": None,
        "bools": [True, False, 1, 0],
        "nested": {"a": [{"b": [[]]}], "": {}},
    }

    created = api.create_config(render_context=context).json()
    read = api.get(f"{CONFIGS}/{created['id']}").json()["render_context"]

    assert read == context
    assert [type(value) for value in read.values()] == [type(context[name]) for name in read]
    assert [type(value) for value in read["bools"]] == [bool, bool, int, int]


def test_html_characters_are_escaped_as_go_does(api):
    answer = api.create_config(name="<a> & b")

    assert rb'"\u003ca\u003e \u0026 b"' in answer.content


# Limits.


@pytest.mark.parametrize("character", ["a", "\U0001f600", "\u00e9"])
def test_ids_and_names_have_up_to_1024_characters_of_any_width(api, character):
    longest = character * 1024

    created = api.create_config(external_id=longest, name=longest)

    assert created.status_code == 201
    assert created.json()["external_id"] == created.json()["name"] == longest
    assert "external_id" in told(api.create_config(external_id=longest, name="other"), 409)
    assert "name" in told(api.create_config(external_id="other", name=longest), 409)
    assert "external_id" in told(api.create_config(external_id=longest + "x"), 400)
    assert "name" in told(api.create_config(external_id="other", name=longest + "x"), 400)


@pytest.mark.parametrize("external_id", ["a/b", "/", "a\nb", "a\x00b", "a\tb", "\x7f", "a\x85b", "\x1b[0m"])
def test_an_external_id_that_no_path_can_hold_is_refused(api, external_id):
    told(api.create_config(external_id=external_id), 400)
    assert not Config.objects.exists()


@pytest.mark.parametrize(
    "external_id", ["a b", "a?b#c", "100%", "%2F", "ümläut", "secure", "a\\b", ";", "\U0001f600", "0"]
)
def test_any_other_external_id_is_taken_and_its_device_finds_it(api, external_id):
    from urllib.parse import quote  # noqa: PLC0415 - one test's need.

    assert api.create_config(external_id=external_id, content="here").status_code == 201

    found = api.http.get(f"/clients/bootstrap/{quote(external_id, safe='')}", headers={"Authorization": "Client a key"})

    assert found.status_code == 200
    assert found.json()["content"] == "here"


def test_a_key_of_any_length_that_a_header_can_carry_is_taken(api):
    for number, key in enumerate(["k" * 73, "k" * 4096, "two words", "$dollar", "x:y"]):
        assert api.create_config(external_id=f"e{number}", external_key=key).status_code == 201
        found = api.http.get(f"/clients/bootstrap/e{number}", headers={"Authorization": f"Client {key}"})
        assert found.status_code == 200


@pytest.mark.parametrize("key", ["k" * 4097, " k", "k ", "a\nb", "a\tb", "\u00a0k"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_quoted(api, key):
    answer = api.create_config(external_key=key)

    assert "external_key" in told(answer, 400)
    assert key not in answer.content.decode()


def test_two_devices_may_have_the_same_key(api):
    assert api.create_config(external_id="1").status_code == 201
    assert api.create_config(external_id="2").status_code == 201


# Uniqueness.


def test_an_external_id_is_unique_over_all_domains(api, sandbox):
    make_config(domain_id=OTHER_DOMAIN_ID, external_id="taken")

    answer = api.create_config(external_id="taken", name="elsewhere")

    assert "entity already exists" in told(answer, 409)
    assert "external_id" in told(answer)
    assert OTHER_DOMAIN_ID not in answer.content.decode()
    assert Config.objects.count() == 1


def test_a_name_is_unique_within_its_domain_unless_it_is_empty(api, sandbox):
    make_config(domain_id=OTHER_DOMAIN_ID, name="pump")

    assert api.create_config(external_id="1", name="pump").status_code == 201
    answer = api.create_config(external_id="2", name="pump")
    assert "entity already exists" in told(answer, 409)
    assert "name" in told(answer)
    assert api.create_config(external_id="3", name="").status_code == 201
    assert api.create_config(external_id="4", name="").status_code == 201
    assert api.create_config(external_id="5", name="Pump").status_code == 201


def test_external_ids_that_only_look_alike_are_different(api):
    for external_id in ("é", "e\u0301", "É", "a", "A", "a b", "a  b"):
        assert api.create_config(external_id=external_id).status_code == 201


# The profile.


@pytest.mark.parametrize("profile_id", [UNKNOWN, "not-a-uuid", "urn:uuid:" + UNKNOWN, "{" + UNKNOWN + "}", "0" * 32])
def test_an_unknown_profile_is_not_found(api, profile_id):
    assert "profile" in told(api.create_config(profile_id=profile_id), 404)
    assert not Config.objects.exists()


def test_a_profile_of_another_domain_is_not_found(api):
    foreign = make_profile(domain_id=OTHER_DOMAIN_ID)

    assert "entity not found" in told(api.create_config(profile_id=str(foreign.pk)), 404)
    assert not Config.objects.exists()


def test_creating_takes_two_statements_a_savepoint_one_for_the_tag_and_three_for_near_ids(
    api, django_assert_num_queries
):
    profile = make_profile()

    with django_assert_num_queries(8) as captured:
        assert api.create_config(profile_id=str(profile.pk)).status_code == 201

    assert sum("SAVEPOINT" in query["sql"] for query in captured.captured_queries) == 2


def test_a_config_belongs_to_the_domain_of_the_path(sandbox, db):
    outsider = Api(sandbox.token("outsider"), OTHER_DOMAIN_ID)

    created = outsider.create_config(domain_id="b2f1c6de-0a55-4c3e-9d10-7a6f0c1d2e3f").json()

    assert created["domain_id"] == OTHER_DOMAIN_ID
    assert Config.objects.get().domain_id == OTHER_DOMAIN_ID
