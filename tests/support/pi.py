"""The Raspberry Pi of the service documentation, as data."""

from __future__ import annotations

from typing import Any

EXTERNAL_ID = "rpi-warehouse-1-temp-001"
EXTERNAL_KEY = "rpi-temp-001-bootstrap-key"
CLIENT = "6b5f5f74-f3b1-4b78-9d9a-4b7d9b0f2d11"
TELEMETRY = "0df6c6a5-0dc7-4bb7-8298-0e3c8a89d913"
COMMANDS = "f9b6b1d2-66a1-4d9d-a509-75e6ddc3a2c8"

TEMPLATE = """{
  "device": {
    "id": "{{ .Device.ID }}",
    "external_id": "{{ .Device.ExternalID }}",
    "site": "{{ .Vars.site }}",
    "sensor": "{{ .Vars.sensor }}",
    "sample_interval_seconds": {{ .Vars.sample_interval_seconds }}
  },
  "mqtt": {
    "host": "{{ .Vars.mqtt_host }}",
    "port": {{ .Vars.mqtt_port }},
    "client_id": "{{ index (index .Bindings "mqtt_client").Snapshot "identity" }}",
    "client_secret": "{{ index (index .Bindings "mqtt_client").Secret "secret" }}",
    "telemetry_channel_id": "{{ (index .Bindings "telemetry").ID }}"
  }
}"""
PROFILE: dict[str, Any] = {
    "name": "raspberry-pi-temperature-profile",
    "description": "MQTT config for Raspberry Pi temperature sensors",
    "template_format": "json",
    "defaults": {"mqtt_host": "localhost", "mqtt_port": 8883, "sample_interval_seconds": 30, "sensor": "DHT22"},
    "binding_slots": [
        {"name": "mqtt_client", "type": "client", "required": True, "fields": ["id", "identity", "secret"]},
        {"name": "telemetry", "type": "channel", "required": True, "fields": ["id", "name"]},
        {"name": "commands", "type": "channel", "required": False, "fields": ["id", "name"]},
    ],
    "content_template": TEMPLATE,
}
CONFIG: dict[str, Any] = {
    "external_id": EXTERNAL_ID,
    "external_key": EXTERNAL_KEY,
    "name": "Raspberry Pi warehouse 1 temperature sensor",
    "render_context": {"site": "warehouse-1", "sample_interval_seconds": 15},
}
BINDINGS: dict[str, Any] = {
    "bindings": [
        {"slot": "mqtt_client", "type": "client", "resource_id": CLIENT},
        {"slot": "telemetry", "type": "channel", "resource_id": TELEMETRY},
        {"slot": "commands", "type": "channel", "resource_id": COMMANDS},
    ]
}


def preview_body(config_id: str) -> dict[str, Any]:
    return {
        "config": {
            "id": config_id,
            "external_id": EXTERNAL_ID,
            "render_context": {"site": "warehouse-1", "sample_interval_seconds": 15},
        },
        "bindings": [
            {
                "slot": "mqtt_client",
                "type": "client",
                "resource_id": CLIENT,
                "snapshot": {"id": CLIENT, "identity": "raspberry-pi-warehouse-1"},
                "secret_snapshot": {"secret": "example-client-secret"},
            },
            {
                "slot": "telemetry",
                "type": "channel",
                "resource_id": TELEMETRY,
                "snapshot": {"id": TELEMETRY, "name": "warehouse-1-temperature"},
            },
        ],
    }


def received(config_id: str) -> dict[str, Any]:
    """What the documentation says that the Pi gets."""
    return {
        "device": {
            "id": config_id,
            "external_id": EXTERNAL_ID,
            "site": "warehouse-1",
            "sensor": "DHT22",
            "sample_interval_seconds": 15,
        },
        "mqtt": {
            "host": "localhost",
            "port": 8883,
            "client_id": "raspberry-pi-warehouse-1",
            "client_secret": "example-client-secret",
            "telemetry_channel_id": TELEMETRY,
        },
    }


def enrol(operator: Any) -> str:
    """Walk steps 2 to 4 and return the config's id."""
    profile = operator.call("POST", "/clients/bootstrap/profiles", PROFILE).json()["id"]
    config: str = operator.call("POST", "/clients/configs", CONFIG | {"profile_id": profile}).json()["id"]
    bound = operator.call("PUT", f"/clients/bootstrap/enrollments/{config}/bindings", BINDINGS)
    assert bound.status_code == 204, bound.text
    return config
