"""The Raspberry Pi of the specification, "Real-World Example": its ids, its requests and its expected configuration."""

from __future__ import annotations

from typing import Any

DOMAIN_ID = "b2f1c6de-0a55-4c3e-9d10-7a6f0c1d2e3f"
OPERATOR, OPERATOR_PASSWORD = "operator@example.com", "operator-password"

CLIENT_ID = "6b5f5f74-f3b1-4b78-9d9a-4b7d9b0f2d11"
TELEMETRY_CHANNEL_ID = "0df6c6a5-0dc7-4bb7-8298-0e3c8a89d913"
COMMANDS_CHANNEL_ID = "f9b6b1d2-66a1-4d9d-a509-75e6ddc3a2c8"

EXTERNAL_ID = "rpi-warehouse-1-temp-001"
EXTERNAL_KEY = "rpi-temp-001-bootstrap-key"
RENDER_CONTEXT = {"site": "warehouse-1", "sample_interval_seconds": 15}

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
    "content_template": """{
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
}""",
}

BINDINGS: list[dict[str, Any]] = [
    {"slot": "mqtt_client", "type": "client", "resource_id": CLIENT_ID},
    {"slot": "telemetry", "type": "channel", "resource_id": TELEMETRY_CHANNEL_ID},
    {"slot": "commands", "type": "channel", "resource_id": COMMANDS_CHANNEL_ID},
]


def config(profile_id: str) -> dict[str, Any]:
    """Return the body that creates the Pi's config."""
    return {
        "external_id": EXTERNAL_ID,
        "external_key": EXTERNAL_KEY,
        "name": "Raspberry Pi warehouse 1 temperature sensor",
        "profile_id": profile_id,
        "render_context": RENDER_CONTEXT,
    }


def preview(config_id: str) -> dict[str, Any]:
    """Return the body that previews the profile with sample snapshots."""
    return {
        "config": {"id": config_id, "external_id": EXTERNAL_ID, "render_context": RENDER_CONTEXT},
        "bindings": [
            {
                **BINDINGS[0],
                "snapshot": {"id": CLIENT_ID, "identity": "raspberry-pi-warehouse-1"},
                "secret_snapshot": {"secret": "example-client-secret"},
            },
            {**BINDINGS[1], "snapshot": {"id": TELEMETRY_CHANNEL_ID, "name": "warehouse-1-temperature"}},
        ],
    }


def expected_configuration(config_id: str) -> dict[str, Any]:
    """Return the JSON that the Pi must receive."""
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
            "telemetry_channel_id": TELEMETRY_CHANNEL_ID,
        },
    }
