"""The documentation's real-world example, step by step, and what an operator does with that Pi later."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bootstrap_project.magistrala.sandbox import seed
from tests.journeys.cipher import IV, cfb
from tests.journeys.conftest import TRANSPORT_KEY
from tests.support import pi


def test_the_walk_of_the_documentation(operator, platform, database):
    profile = operator.call("POST", "/clients/bootstrap/profiles", pi.PROFILE)
    assert profile.status_code == 201
    profile_id = profile.json()["id"]

    config = operator.call("POST", "/clients/configs", pi.CONFIG | {"profile_id": profile_id})
    assert config.status_code == 201
    config_id = config.json()["id"]
    assert config.headers["Location"] == f"/clients/configs/{config_id}"

    # Not ready yet: the required slots have nothing.
    assert operator.device(pi.EXTERNAL_ID, pi.EXTERNAL_KEY).status_code == 422

    bound = operator.call("PUT", f"/clients/bootstrap/enrollments/{config_id}/bindings", pi.BINDINGS)
    assert (bound.status_code, bound.content) == (204, b"")
    assert connections(platform) == {
        pi.TELEMETRY: {"publish", "subscribe"},
        pi.COMMANDS: {"publish", "subscribe"},
    }

    preview = operator.call(
        "POST", f"/clients/bootstrap/profiles/{profile_id}/render-preview", pi.preview_body(config_id)
    )
    assert preview.status_code == 200
    assert json.loads(preview.json()["content"]) == pi.received(config_id)

    enabled = operator.call("POST", f"/clients/configs/{config_id}/enable")
    assert enabled.status_code == 200

    answer = operator.device(pi.EXTERNAL_ID, pi.EXTERNAL_KEY)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert list(body) == ["id", "content", "client_cert", "client_key", "ca_cert"]
    assert body | {"content": ""} == {
        "id": config_id,
        "content": "",
        "client_cert": "",
        "client_key": "",
        "ca_cert": "",
    }
    assert json.loads(body["content"]) == pi.received(config_id)
    assert body["content"] == preview.json()["content"]

    # Neither the device's key nor the client's secret stands in the database.
    stored = database.dump()
    assert pi.EXTERNAL_KEY not in stored
    assert "example-client-secret" not in stored


def connections(platform):
    """The channels of the Pi's client and what it may do there, as the platform tells."""
    found = platform.platform("GET", f"/{seed.DOMAIN_ID}/channels?client={pi.CLIENT}", platform.token()).json()
    return {channel["id"]: {kind.lower() for kind in channel["connection_types"]} for channel in found["channels"]}


def test_a_device_is_refused_while_disabled_and_served_again(operator):
    config_id = pi.enrol(operator)

    operator.call("POST", f"/clients/configs/{config_id}/disable")
    refused = operator.device(pi.EXTERNAL_ID, pi.EXTERNAL_KEY)
    operator.call("POST", f"/clients/configs/{config_id}/enable")
    served = operator.device(pi.EXTERNAL_ID, pi.EXTERNAL_KEY)

    assert refused.status_code == 403
    assert refused.json()["message"] == "bootstrap configuration is disabled"
    assert served.status_code == 200


def test_a_wrong_key_and_an_unknown_device_look_alike(operator):
    pi.enrol(operator)

    wrong = operator.device(pi.EXTERNAL_ID, "wrong")
    unknown = operator.device("no-such-device", pi.EXTERNAL_KEY)

    assert (wrong.status_code, unknown.status_code) == (403, 403)
    assert wrong.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}
    assert {*wrong.headers} == {*unknown.headers}
    assert wrong.json()["request_id"] == wrong.headers["X-Request-ID"]


def test_a_rotated_secret_reaches_the_device_after_a_refresh(operator, platform):
    config_id = pi.enrol(operator)
    secret = rotate_secret(platform)

    before = json.loads(operator.device(pi.EXTERNAL_ID, pi.EXTERNAL_KEY).json()["content"])
    refreshed = operator.call("POST", f"/clients/bootstrap/enrollments/{config_id}/bindings/refresh")
    after = json.loads(operator.device(pi.EXTERNAL_ID, pi.EXTERNAL_KEY).json()["content"])

    assert refreshed.status_code == 204
    assert before["mqtt"]["client_secret"] == "example-client-secret"
    assert after["mqtt"]["client_secret"] == secret != "example-client-secret"


def rotate_secret(platform):
    """Give every client a new secret and return the Pi's."""
    platform.change_everything()
    found = platform.platform("GET", f"/{seed.DOMAIN_ID}/clients/{pi.CLIENT}", platform.token())
    return found.json()["credentials"]["secret"]


FAULTS: list[tuple[dict[str, Any], int]] = [
    ({"kind": "down"}, 502),
    ({"kind": "garbage"}, 502),
    ({"kind": "truncated"}, 502),
    ({"kind": "status", "status": 500}, 502),
    ({"kind": "oversized", "bytes": 3_000_000}, 502),
    ({"kind": "redirect"}, 502),
    ({"kind": "slow", "seconds": 30}, 504),
]


@pytest.mark.parametrize(("fault", "status"), FAULTS, ids=[fault["kind"] for fault, _ in FAULTS])
@pytest.mark.parametrize("call", ["bind", "refresh"])
def test_an_outage_of_the_platform_stores_nothing_and_devices_go_on(operator, platform, database, fault, status, call):
    config_id = pi.enrol(operator)
    before = database.dump()
    platform.faults(fault | {"match": {"service": "clients"}})

    path = f"/clients/bootstrap/enrollments/{config_id}/bindings"
    calls = {"bind": ("PUT", path, pi.BINDINGS), "refresh": ("POST", f"{path}/refresh")}
    answer = operator.call(*calls[call])
    # Before the device calls: a second later its config says so.
    after = database.dump()
    device = operator.device(pi.EXTERNAL_ID, pi.EXTERNAL_KEY)

    assert answer.status_code == status
    assert "mqtt_client" in answer.json()["message"]
    assert after == before
    assert device.status_code == 200
    platform.faults()
    assert operator.call("PUT", path, pi.BINDINGS).status_code == 204


def test_devices_are_served_while_the_whole_platform_is_down(operator, platform):
    pi.enrol(operator)
    platform.faults({"kind": "down"})
    platform.forget_calls()

    assert operator.device(pi.EXTERNAL_ID, pi.EXTERNAL_KEY).status_code == 200
    assert platform.calls() == []
    # A process goes on with reads of those whom it has confirmed lately; changes need the platform's word.
    management = operator.call("POST", "/clients/configs", {"external_id": "d-2", "external_key": "k"})
    assert management.status_code == 503
    assert int(management.headers["Retry-After"]) > 0


# The secure variant, encrypted as the documentation's Go sample does it: AES in CFB with full feedback.


@pytest.mark.parametrize("spell", [str.lower, str.upper])
def test_the_secure_variant_works_as_the_documentations_sample_does(operator, spell):
    config_id = pi.enrol(operator)
    encrypted = spell((IV + cfb(TRANSPORT_KEY, IV, pi.EXTERNAL_KEY.encode())).hex())

    first = operator.device(f"secure/{pi.EXTERNAL_ID}", encrypted)
    second = operator.device(f"secure/{pi.EXTERNAL_ID}", encrypted)

    assert first.status_code == 200
    assert first.headers["Content-Type"] == "application/octet-stream"
    assert first.content[:16] != second.content[:16]
    for answer in (first, second):
        opened = cfb(TRANSPORT_KEY, answer.content[:16], answer.content[16:], decrypt=True)
        assert not opened.endswith(b"\n")
        assert json.loads(json.loads(opened)["content"]) == pi.received(config_id)


def test_the_vector_of_the_secure_variant_holds():
    expected = "000102030405060708090a0b0c0d0e0f3738aa9cf5aa1b066e53f33ef1fbda5139fa2ad6"

    assert (IV + cfb(TRANSPORT_KEY, IV, b"device-bootstrap-key")).hex() == expected


def test_the_secure_variant_refuses_what_it_cannot_decrypt(operator):
    pi.enrol(operator)
    encrypted = (IV + cfb(TRANSPORT_KEY, IV, pi.EXTERNAL_KEY.encode())).hex()

    assert operator.device(f"secure/{pi.EXTERNAL_ID}", pi.EXTERNAL_KEY).status_code == 403
    assert operator.device(f"secure/{pi.EXTERNAL_ID}", encrypted[:-2]).status_code == 403
    assert operator.device(f"secure/{pi.EXTERNAL_ID}", "ab" * 8).status_code == 403
    assert operator.device(pi.EXTERNAL_ID, encrypted).status_code == 403
    assert operator.device("secure/", encrypted).status_code == 404


# The device agent parses `content` as JSON and looks for these members (it refuses to start without the channels).

AGENT_TEMPLATE = """{
  "domain_id": {{ toJSON .Device.DomainID }},
  "mqtt": {
    "url": "{{ .Vars.mqtt_url }}",
    "client_id": "{{ (index .Bindings "mqtt_client").ID }}",
    "secret": "{{ index (index .Bindings "mqtt_client").Secret "secret" }}"
  },
  "telemetry": {
    "channel_id": "{{ (index .Bindings "telemetry").ID }}",
    "topic": "{{ index (index .Bindings "telemetry").Snapshot "topic" }}"
  },
  "commands": {
    "channel_id": "{{ (index .Bindings "commands").ID }}",
    "topic": "{{ index (index .Bindings "commands").Snapshot "topic" }}"
  }
}"""
AGENT_SLOTS = [
    {"name": "mqtt_client", "type": "client", "required": True},
    {"name": "telemetry", "type": "channel", "required": True},
    {"name": "commands", "type": "channel", "required": True},
]


def test_the_agents_provisioning_script_runs_twice_and_the_agent_understands_the_answer(operator, platform):
    operator.token, _ = platform.pat()
    connect = f"/{operator.domain_id}/channels/connect"
    for channel, kinds in ((pi.TELEMETRY, ["publish"]), (pi.COMMANDS, ["publish", "subscribe"])):
        made = platform.platform(
            "POST",
            connect,
            operator.token,
            {"channel_ids": [channel], "client_ids": [pi.CLIENT], "types": kinds},
        )
        assert made.status_code == 201

    ids = {provision(operator) for _ in range(2)}

    assert len(ids) == 1
    content = json.loads(operator.device("agent-1", "agent-key").json()["content"])
    assert content == {
        "domain_id": operator.domain_id,
        "mqtt": {"url": "ssl://mqtt:8883", "client_id": pi.CLIENT, "secret": "example-client-secret"},
        "telemetry": {"channel_id": pi.TELEMETRY, "topic": "warehouse-1-temperature"},
        "commands": {"channel_id": pi.COMMANDS, "topic": "warehouse-1-pi-commands"},
    }


def provision(operator):
    """What the script does: reuse by name or create, and bind in any case."""
    listed = operator.call("GET", "/clients/bootstrap/profiles?limit=100").json()["profiles"]
    profile_id = next((profile["id"] for profile in listed if profile["name"] == "agent"), None)
    if profile_id is None:
        profile = {
            "name": "agent",
            "content_format": "json",
            "content_template": AGENT_TEMPLATE,
            "defaults": {"mqtt_url": "ssl://mqtt:8883"},
            "binding_slots": AGENT_SLOTS,
        }
        created = operator.call("POST", "/clients/bootstrap/profiles", profile)
        assert created.status_code == 201
        profile_id = created.json()["id"]
    listed = operator.call("GET", "/clients/configs?offset=0&limit=100").json()["configs"]
    config_id = next((config["id"] for config in listed if config["external_id"] == "agent-1"), None)
    if config_id is None:
        config = {
            "external_id": "agent-1",
            "external_key": "agent-key",
            "name": "agent 1",
            "status": "enabled",
            "profile_id": profile_id,
            "client_cert": "",
            "client_key": "",
            "ca_cert": "",
        }
        created = operator.call("POST", "/clients/configs", config)
        assert created.status_code == 201
        config_id = created.headers["Location"].rsplit("/", 1)[-1]
    bound = operator.call("PUT", f"/clients/bootstrap/enrollments/{config_id}/bindings", pi.BINDINGS)
    assert bound.status_code == 204
    return config_id


def test_a_channel_without_a_topic_still_renders_for_the_agent(operator, platform):
    made = platform.platform("POST", f"/{operator.domain_id}/channels", operator.token, {"name": "routeless"})
    assert made.status_code == 201, made.text
    provision(operator)
    config_id = operator.call("GET", "/clients/configs").json()["configs"][0]["id"]
    binding = {"slot": "telemetry", "type": "channel", "resource_id": made.json()["id"]}

    bound = operator.call("PUT", f"/clients/bootstrap/enrollments/{config_id}/bindings", {"bindings": [binding]})

    assert bound.status_code == 204
    content = json.loads(operator.device("agent-1", "agent-key").json()["content"])
    assert content["telemetry"] == {"channel_id": made.json()["id"], "topic": ""}
