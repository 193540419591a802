"""Each `curl` of the documentation's "Endpoint Examples", sent as it is written there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.journeys.cipher import IV, cfb
from tests.journeys.conftest import TRANSPORT_KEY
from tests.support import pi
from tests.support.waiting import eventually

JSON = "application/json"
CONFIGS = "/clients/configs"
PROFILES = "/clients/bootstrap/profiles"
ENROLLMENT = "/clients/bootstrap/enrollments/{config}"
UPLOADED = """\
name: uploaded profile
content_template: |
  device_id: {{ .Device.ID }}
"""


@dataclass(frozen=True)
class Example:
    """One command: what it sends and what comes back."""

    title: str
    method: str
    path: str
    status: int
    body: Any = None
    content_type: str = JSON
    members: frozenset[str] = field(default_factory=frozenset)


CONFIG_MEMBERS = frozenset(
    {
        *("id", "domain_id", "external_id", "name", "status", "profile_id", "render_context"),
        *("content", "client_cert", "client_key", "ca_cert"),
    }
)
#: What answers have beyond the specification; older clients ignore it.
ADDED = frozenset(
    {
        *("warnings", "first_bootstrap_at", "last_bootstrap_at"),
        *("last_bootstrap_outcome", "last_bootstrap_profile_version"),
    }
)
BARE_PROFILE = frozenset(
    {"id", "domain_id", "name", "template_format", "content_format", "version", "created_at", "updated_at"}
)
SLOT = {"name": "mqtt_client", "type": "client", "required": True}
EXAMPLES = [
    Example(
        "Create a config",
        "POST",
        CONFIGS,
        201,
        {
            "external_id": "01:6:0:sb:sa",
            "external_key": "device-bootstrap-key",
            "name": "warehouse sensor config",
            "render_context": {"site": "warehouse-1"},
        },
        members=CONFIG_MEMBERS,
    ),
    Example("List configs", "GET", f"{CONFIGS}?offset=0&limit=10", 200),
    Example("List all configs", "GET", f"{CONFIGS}?offset=0&limit=10&status=all", 200),
    Example("View a config", "GET", f"{CONFIGS}/{{config}}", 200, members=CONFIG_MEMBERS),
    Example(
        "Update a config",
        "PATCH",
        f"{CONFIGS}/{{config}}",
        200,
        {"name": "updated warehouse config", "render_context": {"site": "warehouse-2"}},
        members=CONFIG_MEMBERS,
    ),
    Example(
        "Update config certificates",
        "PATCH",
        f"{CONFIGS}/certs/{{config}}",
        200,
        {
            "client_cert": "PEM client certificate",
            "client_key": "PEM client key",
            "ca_cert": "PEM CA certificate",
        },
        members=frozenset({"id", "client_cert", "client_key", "ca_cert"}),
    ),
    Example("Enable a config", "POST", f"{CONFIGS}/{{config}}/enable", 200, members=CONFIG_MEMBERS),
    Example("Disable a config", "POST", f"{CONFIGS}/{{config}}/disable", 200, members=CONFIG_MEMBERS),
    Example("Delete a config", "DELETE", f"{CONFIGS}/{{config}}", 204),
    Example(
        "Create a profile",
        "POST",
        PROFILES,
        201,
        {
            "name": "mqtt profile",
            "template_format": "json",
            "defaults": {"qos": 1},
            "binding_slots": [SLOT],
            "content_template": '{ "device_id": "{{ .Device.ID }}", '
            '"client_id": "{{ (index .Bindings "mqtt_client").ID }}" }',
        },
        members=BARE_PROFILE | {"defaults", "binding_slots", "content_template"},
    ),
    Example(
        "Upload a profile",
        "POST",
        f"{PROFILES}/upload",
        201,
        UPLOADED,
        "application/yaml",
        members=BARE_PROFILE | {"content_template"},
    ),
    Example("List profiles", "GET", f"{PROFILES}?offset=0&limit=10", 200),
    Example("View a profile", "GET", f"{PROFILES}/{{profile}}", 200),
    Example("List profile slots", "GET", f"{PROFILES}/{{profile}}/slots", 200, members=frozenset({"binding_slots"})),
    Example(
        "Render preview",
        "POST",
        f"{PROFILES}/{{profile}}/render-preview",
        200,
        {
            "config": {
                "id": "preview-config",
                "external_id": "01:6:0:sb:sa",
                "render_context": {"site": "warehouse-1"},
            },
            "bindings": [
                {
                    "slot": "mqtt_client",
                    "type": "client",
                    "resource_id": "client-id",
                    "snapshot": {"id": "client-id", "name": "sensor-client"},
                }
            ],
        },
        members=frozenset({"content"}),
    ),
    Example(
        "Update a profile",
        "PATCH",
        f"{PROFILES}/{{profile}}",
        200,
        {
            "name": "updated mqtt profile",
            "template_format": "json",
            "content_template": '{ "device_id": "{{ .Device.ID }}" }',
        },
    ),
    Example("Delete a profile", "DELETE", f"{PROFILES}/{{unused}}", 204),
    Example("Assign a profile", "PATCH", f"{ENROLLMENT}/profile", 204, {"profile_id": "{profile}"}),
    Example(
        "Bind resources",
        "PUT",
        f"{ENROLLMENT}/bindings",
        204,
        {"bindings": [{"slot": "mqtt_client", "type": "client", "resource_id": pi.CLIENT}]},
    ),
    Example("List bindings", "GET", f"{ENROLLMENT}/bindings", 200, members=frozenset({"bindings"})),
    Example("Refresh bindings", "POST", f"{ENROLLMENT}/bindings/refresh", 204),
]


@pytest.fixture
def ids(operator):
    profile = {
        "name": "documented",
        "template_format": "json",
        "binding_slots": [SLOT],
        "content_template": '{"id": "{{ .Device.ID }}", "m": "{{ (index .Bindings "mqtt_client").ID }}"}',
    }
    profile_id = operator.call("POST", PROFILES, profile).json()["id"]
    unused = operator.call("POST", PROFILES, {"name": "unused"}).json()["id"]
    config = {"external_id": "documented", "external_key": "documented-key", "profile_id": profile_id}
    config_id = operator.call("POST", CONFIGS, config).json()["id"]
    bindings = {"bindings": [{"slot": "mqtt_client", "type": "client", "resource_id": pi.CLIENT}]}
    assert operator.call("PUT", ENROLLMENT.format(config=config_id) + "/bindings", bindings).status_code == 204
    return {"config": config_id, "profile": profile_id, "unused": unused}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_the_documented_call_is_answered(operator, ids, example):
    body = example.body
    if body == {"profile_id": "{profile}"}:
        body = {"profile_id": ids["profile"]}
    headers = {} if body is None else {"Content-Type": example.content_type}

    answer = operator.call(example.method, example.path.format(**ids), body, headers=headers)

    assert answer.status_code == example.status, answer.text
    assert answer.headers["Content-Type"] == JSON
    if example.status == 204:
        assert answer.content == b""
    if example.members:
        assert answer.json().keys() - ADDED == example.members
    if example.title.startswith("List"):
        assert isinstance(next(value for value in answer.json().values() if isinstance(value, list)), list)


def test_the_documented_preview_answers_the_rendered_text(operator, ids):
    example = next(example for example in EXAMPLES if example.title == "Render preview")

    answer = operator.call("POST", example.path.format(**ids), example.body)

    assert answer.json()["content"] == '{"id": "preview-config", "m": "client-id"}'


@pytest.mark.parametrize("path", ["", "documented", "secure/documented"])
def test_the_documented_device_calls_are_answered(operator, ids, path):
    if path.startswith("secure"):
        answer = operator.device(path, (IV + cfb(TRANSPORT_KEY, IV, b"documented-key")).hex())
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert len(answer.content) > 100
    else:
        answer = operator.device(path, "documented-key")
        assert answer.json()["id"] == ids["config"]

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/health", "/metrics"])
def test_the_documented_operational_calls_are_answered_without_a_token(operator, path):
    answer = operator.http.get(operator.base + path, timeout=60)

    assert answer.status_code == 200


def test_metrics_count_the_calls_of_programs(operator):
    assert operator.call("GET", CONFIGS).status_code == 200

    # What is shown may be a second old.
    eventually(lambda: "bootstrap_api_request_count" in operator.http.get(f"{operator.base}/metrics", timeout=60).text)


def test_the_documented_first_config_is_answered_as_shown(operator):
    profile = operator.call("POST", PROFILES, {"name": "shown"}).json()["id"]
    sent = {
        "external_id": "01:6:0:sb:sa",
        "external_key": "device-bootstrap-key",
        "name": "warehouse sensor config",
        "profile_id": profile,
        "render_context": {"site": "warehouse-1", "region": "nairobi"},
    }

    created = operator.call("POST", CONFIGS, sent)
    again = operator.call("POST", CONFIGS, sent | {"external_id": "another"})

    shown = {name: value for name, value in sent.items() if name != "external_key"} | {"status": "enabled"}
    assert shown.items() <= created.json().items()
    assert "device-bootstrap-key" not in created.text
    assert again.status_code == 409


def test_the_documented_sensor_profile_is_answered_with_its_slots(operator):
    sent = {
        "name": "mqtt sensor profile",
        "description": "Renders MQTT settings for a sensor",
        "template_format": "json",
        "defaults": {"qos": 1, "region": "nairobi"},
        "binding_slots": [
            {"name": "mqtt_client", "type": "client", "required": True, "fields": ["id", "name"]},
            {"name": "telemetry", "type": "channel", "required": True, "fields": ["id", "name"]},
        ],
        "content_template": '{\n  "device_id": "{{ .Device.ID }}",\n  "external_id": "{{ .Device.ExternalID }}",\n'
        '  "site": "{{ .Vars.site }}",\n  "client_id": "{{ (index .Bindings "mqtt_client").ID }}",\n'
        '  "telemetry_channel": "{{ (index .Bindings "telemetry").ID }}",\n  "qos": {{ .Vars.qos }}\n}',
    }

    created = operator.call("POST", PROFILES, sent)
    slots = operator.call("GET", f"{PROFILES}/{created.json()['id']}/slots")

    assert created.status_code == 201
    assert sent.items() <= created.json().items()
    assert created.json()["version"] == 1
    assert slots.json() == {"binding_slots": sent["binding_slots"]}


def test_bindings_are_listed_as_documented(operator, ids):
    listed = operator.call("GET", ENROLLMENT.format(config=ids["config"]) + "/bindings").json()["bindings"]

    assert [binding.keys() for binding in listed] == [
        {"config_id", "slot", "type", "resource_id", "snapshot", "updated_at"}
    ]
    assert listed[0]["config_id"] == ids["config"]
    assert listed[0]["snapshot"]["name"] == "raspberry-pi-warehouse-1"
