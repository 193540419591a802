"""The benchmarks' templates written by hand with str.format: what the bare formatting costs in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_PI: Final = """{{
 "device": {{
 "id": "{Device[ID]}",
 "external_id": "{Device[ExternalID]}",
 "site": "{Vars[site]}",
 "sensor": "{Vars[sensor]}",
 "sample_interval_seconds": {Vars[sample_interval_seconds]}
 }},
 "mqtt": {{
 "host": "{Vars[mqtt_host]}",
 "port": {Vars[mqtt_port]},
 "client_id": "{Bindings[mqtt_client][Snapshot][identity]}",
 "client_secret": "{Bindings[mqtt_client][Secret][secret]}",
 "telemetry_channel_id": "{Bindings[telemetry][ID]}"
 }}
}}"""
_YAML_START: Final = """# {Vars[site]} / {Device[ExternalID]}
version: 2
device:
  id: {Device[ID]}
  external_id: {Device[ExternalID]}
  domain: {Device[DomainID]}
  site: {Vars[site]}
  region: {Vars[region]}
mqtt:
  host: {Vars[mqtt_host]}
  port: {Vars[mqtt_port]}
{tls}
  client_id: {Bindings[mqtt_client][Snapshot][identity]}
  username: {Bindings[mqtt_client][ID]}
  password: "{Bindings[mqtt_client][Secret][secret]}"
  keepalive: {keepalive}
  qos: {Vars[qos]}
channels:
  telemetry: {Bindings[telemetry][ID]}
  commands: {Bindings[commands][ID]}
agent:
  interval: {Vars[sample_interval_seconds]}
  buffer: 1000
  retry:
    min: 1
    max: 300
  labels:
    sensor: {Vars[sensor]}
    site: {Vars[site]}
logging:
  level: {Vars[log_level]}
  format: json
points:"""
_YAML_POINT: Final = "\n  - name: {0[name]}\n    index: {1}\n    address: {0[address]}\n    scale: {0[scale]}"
_ROW: Final = "{0}: {1[name]}={1[value]}\n"


def pi(data: dict[str, Any]) -> str:
    """Return the Raspberry Pi's profile."""
    return _PI.format(**data)


def yaml(data: dict[str, Any]) -> str:
    """Return the profile in YAML."""
    variables = data["Vars"]
    tls = "  tls: true\n  ca_file: /etc/agent/ca.pem" if variables["tls"] else "  tls: false"
    keepalive = variables["keepalive"]
    parts = [_YAML_START.format(**data, tls=tls, keepalive=60 if keepalive in (None, "") else keepalive)]
    for number, point in enumerate(variables["points"]):
        parts.append(_YAML_POINT.format(point, number))
        if point["unit"]:
            parts.append("\n    unit: {[unit]}".format(point))  # noqa: UP032 - It is str.format that is measured.
        if point["kind"] == "counter":
            parts.append("\n    reset: daily")
    parts.append("\n# end of profile\n")
    return "".join(parts)


def range1000(data: dict[str, Any]) -> str:
    """Return one line for each item."""
    form = _ROW.format
    return "".join([form(number, item) for number, item in enumerate(data["Vars"]["items"])])


BY_CASE: Final[dict[str, Callable[[dict[str, Any]], str]]] = {"pi": pi, "yaml": yaml, "range1000": range1000}
