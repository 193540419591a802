"""Everything that the sandbox can break, over bind and refresh (docs/contract.md#k15)."""

from __future__ import annotations

from typing import Any

import pytest

from bootstrap_project.magistrala.sandbox.faults import KINDS
from tests.support.api import told
from tests.support.enrollments import COMMANDS, MQTT_CLIENT, TELEMETRY, stored

STATUS_OF_FAULT: list[tuple[dict[str, Any], int]] = [
    ({"kind": "down"}, 502),
    ({"kind": "reset"}, 502),
    ({"kind": "slow"}, 504),
    ({"kind": "trickle", "seconds": 0.05}, 504),
    ({"kind": "garbage"}, 502),
    ({"kind": "truncated"}, 502),
    ({"kind": "oversized"}, 502),
    ({"kind": "redirect"}, 502),
    ({"kind": "wrong_type"}, 502),
    ({"kind": "status", "status": 401}, 401),
    ({"kind": "status", "status": 403}, 403),
    ({"kind": "status", "status": 404}, 404),
    ({"kind": "status", "status": 418}, 502),
    ({"kind": "status", "status": 429}, 502),
    ({"kind": "status", "status": 500}, 502),
    ({"kind": "status", "status": 502}, 502),
    ({"kind": "status", "status": 503}, 502),
    ({"kind": "status", "status": 504}, 502),
]


def name(fault: dict[str, Any]) -> str:
    return f"{fault['kind']} {fault.get('status', '')}".strip()


def test_no_fault_is_forgotten():
    assert {fault["kind"] for fault, _status in STATUS_OF_FAULT} == set(KINDS)


@pytest.mark.parametrize(
    ("fault", "status"), [pytest.param(fault, status, id=name(fault)) for fault, status in STATUS_OF_FAULT]
)
@pytest.mark.parametrize(("service", "slot"), [("clients", "mqtt_client"), ("channels", "telemetry")])
def test_a_broken_platform_stores_nothing(sandbox, operator, config, fault, status, service, slot):
    assert operator.bind(config, MQTT_CLIENT, TELEMETRY).status_code == 204
    before = stored(config)
    sandbox.change_everything()
    sandbox.faults(fault | {"match": {"service": service, "method": "GET"}})

    bound = operator.bind(config, COMMANDS, MQTT_CLIENT, TELEMETRY)
    refreshed = operator.refresh(config)

    assert (bound.status_code, refreshed.status_code) == (status, status)
    assert f"slot '{slot}'" in told(refreshed)
    assert "slot '" in told(bound)
    assert service in told(refreshed)
    assert stored(config) == before

    sandbox.faults()
    assert operator.refresh(config).status_code == 204
    assert stored(config) != before


def test_a_platform_that_cannot_say_who_asks_is_unavailable(sandbox, operator, config):
    sandbox.faults({"kind": "down", "match": {"service": "domains"}})

    assert operator.refresh(config).status_code == 503
    assert operator.bind(config, MQTT_CLIENT).status_code == 503
