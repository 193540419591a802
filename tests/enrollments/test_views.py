"""The four calls over HTTP: statuses, bodies, refusals."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.api import told
from tests.support.enrollments import (
    COMMANDS,
    MQTT_CLIENT,
    TELEMETRY,
    Operator,
    make_config,
    make_profile,
    rows,
)
from tests.support.sandbox import SandboxProcess

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def call(operator: Operator, name: str, config: Config | str) -> Any:
    """Make one of the four calls with a body that is good for the Raspberry Pi."""
    if name == "assign":
        profile = Profile.objects.first()
        return operator.assign(config, {"profile_id": str(profile.pk) if profile else UNKNOWN})
    if name == "bind":
        return operator.bind(config, MQTT_CLIENT)
    return getattr(operator, name)(config)


CALLS = ("assign", "bind", "bindings", "refresh")


@pytest.mark.parametrize("name", CALLS)
def test_every_call_succeeds_as_the_sdk_wants_it(operator, config, name):
    response = call(operator, name, config)

    assert response.status_code == (200 if name == "bindings" else 204)
    assert response["Content-Type"] == "application/json"
    assert name == "bindings" or response.content == b""


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("config_id", [UNKNOWN, "not-a-uuid", "%7B3094cf29-e73f-4be1-a4d2-b5c5d7a827ec%7D"])
def test_an_unknown_config_is_not_found(operator, profile, name, config_id):
    response = call(operator, name, config_id)

    assert response.status_code == 404
    assert "entity not found" in told(response)


@pytest.mark.parametrize("name", CALLS)
def test_a_config_of_another_domain_is_not_found(sandbox, config, name):
    outsider = Operator(sandbox.token("outsider"), seed.OTHER_DOMAIN_ID)

    response = call(outsider, name, config)

    assert response.status_code == 404
    assert rows(config) == {}


@pytest.mark.parametrize("name", CALLS)
def test_who_is_no_member_is_refused(sandbox, config, name):
    assert call(Operator(""), name, config).status_code == 401
    assert call(Operator("forged"), name, config).status_code == 401
    assert call(Operator(sandbox.token("outsider")), name, config).status_code == 403
    assert rows(config) == {}


@pytest.mark.parametrize("rest", ["profile", "bindings", "bindings/refresh"])
def test_a_slash_at_the_end_is_taken(operator, config, rest):
    path = operator.path(config, rest) + "/"
    body = {"profile_id": str(config.profile_id), "bindings": [MQTT_CLIENT]}
    method = {"profile": "patch", "bindings": "put", "bindings/refresh": "post"}[rest]

    response = getattr(operator.http, method)(path, body, content_type="application/json", headers=operator.headers)

    assert response.status_code == 204


@pytest.mark.parametrize(
    ("method", "rest"), [("get", "profile"), ("post", "bindings"), ("delete", "bindings"), ("get", "bindings/refresh")]
)
def test_another_method_is_not_allowed(operator, config, method, rest):
    response = getattr(operator.http, method)(operator.path(config, rest), headers=operator.headers)

    assert response.status_code == 405
    assert told(response)


@pytest.mark.parametrize("name", ["assign", "put"])
def test_a_body_of_another_kind_is_refused(operator, config, name):
    response = getattr(operator, name)(config, "a=b", content_type="text/plain")

    assert response.status_code == 415


@pytest.mark.parametrize("name", ["assign", "put"])
@pytest.mark.parametrize(
    "body", [" ", "{", "[]", "null", b"\xff", '{"bindings": 7}', '{"profile_id": 7, "bindings": [7]}']
)
def test_a_body_that_is_no_such_document_is_refused(operator, config, name, body):
    response = getattr(operator, name)(config, body)

    assert response.status_code == 400
    assert told(response)


# Assigning a profile.


def test_a_profile_is_assigned_and_assigned_again(operator, config, profile):
    second = make_profile(slots=[])

    assert operator.assign(config, {"profile_id": str(second.pk)}).status_code == 204
    config.refresh_from_db()
    assert config.profile_id == second.pk
    assert operator.assign(config, {"profile_id": str(profile.pk).upper(), "extra": 1}).status_code == 204
    config.refresh_from_db()
    assert config.profile_id == profile.pk


@pytest.mark.parametrize("body", [{}, {"profile_id": ""}, {"profile_id": None}])
def test_a_missing_profile_id_is_a_mistake(operator, config, body):
    response = operator.assign(config, body)

    assert response.status_code == 400
    assert "profile_id" in told(response)


def test_a_profile_that_the_domain_does_not_have_is_not_found(operator, config, profile):
    foreign = make_profile(domain_id=seed.OTHER_DOMAIN_ID)

    for profile_id in (str(foreign.pk), UNKNOWN, "not-a-uuid"):
        response = operator.assign(config, {"profile_id": profile_id})
        assert response.status_code == 404
        assert "profile" in told(response)

    config.refresh_from_db()
    assert config.profile_id == profile.pk


def test_assigning_moves_the_configs_date_and_leaves_its_bindings(operator, config):
    operator.bind(config, MQTT_CLIENT)
    before, bound = config.updated_at, rows(config)

    operator.assign(config, {"profile_id": str(make_profile(slots=[]).pk)})

    config.refresh_from_db()
    assert config.updated_at > before
    assert rows(config).keys() == bound.keys()


# Listing.


def test_no_bindings_are_an_empty_list(operator, config):
    assert operator.bindings(config).json() == {"bindings": []}


def test_bindings_are_listed_by_slot_without_their_secrets(operator, config):
    operator.bind(config, TELEMETRY, MQTT_CLIENT)

    response = operator.bindings(config)

    listed = response.json()["bindings"]
    assert [binding["slot"] for binding in listed] == ["mqtt_client", "telemetry"]
    assert listed[0] == {
        "config_id": str(config.pk),
        "slot": "mqtt_client",
        "type": "client",
        "resource_id": seed.CLIENT_ID,
        "snapshot": {
            "id": seed.CLIENT_ID,
            "name": seed.CLIENT_NAME,
            "identity": seed.CLIENT_IDENTITY,
            "domain_id": seed.DOMAIN_ID,
        },
        "updated_at": listed[0]["updated_at"],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", listed[0]["updated_at"])
    assert seed.CLIENT_SECRET.encode() not in response.content
    assert b"secret" not in response.content


def test_a_list_takes_two_statements_however_long_it_is(operator, config, django_assert_num_queries):
    for number in range(30):
        BindingSnapshot.objects.create(
            config=config, slot=f"s{number}", type="client", resource_id="x", updated_at=config.updated_at
        )

    with django_assert_num_queries(2) as captured:
        assert len(operator.bindings(config).json()["bindings"]) == 30

    assert "secret_sealed" not in captured.captured_queries[1]["sql"]


# What is refused before the platform is asked (docs/contract.md#e1).


def service_calls(sandbox: SandboxProcess) -> list[str]:
    return [call["path"] for service in ("clients", "channels") for call in sandbox.calls(service)]


@pytest.mark.parametrize("body", [{}, {"bindings": []}, {"bindings": None}])
def test_an_empty_list_is_refused(sandbox, operator, config, body):
    response = operator.put(config, body)

    assert response.status_code == 400
    assert response.json()["message"] == "empty list provided"
    assert service_calls(sandbox) == []


@pytest.mark.parametrize("name", ["slot", "type", "resource_id"])
@pytest.mark.parametrize("value", ["", None, "absent"])
def test_an_empty_member_is_refused(sandbox, operator, config, name, value):
    broken: dict[str, Any] = dict(TELEMETRY) | {name: value}
    if value == "absent":
        del broken[name]

    response = operator.bind(config, MQTT_CLIENT, broken)

    assert response.status_code == 400
    assert response.json()["message"] == "missing entity id"
    assert "bindings[1]" in told(response)
    assert name in told(response)
    assert name == "slot" or "telemetry" in told(response)
    assert service_calls(sandbox) == []


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        pytest.param(COMMANDS | {"slot": "nowhere"}, ["slot 'nowhere'", "not declared", "telemetry"], id="undeclared"),
        pytest.param(COMMANDS | {"slot": "x" * 5000}, ["not declared"], id="undeclared and endless"),
        pytest.param(COMMANDS | {"type": "client"}, ["slot 'commands'", "for a channel"], id="other type"),
        pytest.param(
            COMMANDS | {"type": "cert"}, ["slot 'commands'", "client, channel"], id="type that cannot be bound"
        ),
        pytest.param(MQTT_CLIENT, ["slot 'mqtt_client'", "twice"], id="twice the same"),
        pytest.param(MQTT_CLIENT | {"resource_id": "other"}, ["slot 'mqtt_client'", "twice"], id="twice, differently"),
        pytest.param(COMMANDS | {"resource_id": "r" * 256}, ["slot 'commands'", "255"], id="endless id"),
        pytest.param(COMMANDS | {"resource_id": 7}, ["bindings", "resource_id"], id="id that is no text"),
    ],
)
def test_a_request_that_does_not_fit_the_profile_is_refused_whole(sandbox, operator, config, broken, words):
    response = operator.bind(config, MQTT_CLIENT, broken)

    assert response.status_code == 400
    assert all(word in told(response) for word in words)
    assert len(response.content) < 1000
    assert rows(config) == {}
    assert service_calls(sandbox) == []
    assert operator.bind(config, MQTT_CLIENT).status_code == 204


@pytest.mark.parametrize("wishes", [[None], [MQTT_CLIENT, None]])
def test_null_is_no_wish(sandbox, operator, config, wishes):
    response = operator.put(config, {"bindings": wishes})

    assert response.status_code == 400
    assert f"bindings[{len(wishes) - 1}]: must be an object" in told(response)
    assert rows(config) == {}


def test_a_profile_without_slots_binds_nothing(operator, profile, config):
    operator.assign(config, {"profile_id": str(make_profile(slots=[]).pk)})

    response = operator.bind(config, MQTT_CLIENT)

    assert response.status_code == 400
    assert "slot 'mqtt_client'" in told(response)


def test_a_config_without_a_profile_binds_nothing(sandbox, operator, db):
    config = make_config()

    response = operator.bind(config, MQTT_CLIENT)

    assert response.status_code == 400
    assert "assign a profile" in told(response)
    assert service_calls(sandbox) == []


def test_a_required_slot_may_be_bound_later(operator, config):
    assert operator.bind(config, COMMANDS).status_code == 204
    assert operator.bind(config, MQTT_CLIENT).status_code == 204
    assert rows(config).keys() == {"commands", "mqtt_client"}


def test_members_that_are_not_known_are_ignored(operator, config):
    response = operator.put(config, {"bindings": [MQTT_CLIENT | {"config_id": str(uuid.uuid4()), "x": 1}], "y": 2})

    assert response.status_code == 204
    assert rows(config).keys() == {"mqtt_client"}
