"""Every way in which the sandbox breaks, over every endpoint: what the caller hears, and that nothing moved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from bootstrap_project.api.operators import forget_decisions
from bootstrap_project.magistrala.factory import reset_client
from bootstrap_project.magistrala.sandbox.faults import KINDS
from bootstrap_project.magistrala.sandbox.seed import CLIENT_ID, OTHER_DOMAIN_ID, TELEMETRY_CHANNEL_ID
from bootstrap_project.security import transport_cipher
from configs.models import Config
from tests.api.routes import OPEN_ROUTES, WALKED, Rows, everything, success_of, undone
from tests.support.api import Api, told
from tests.support.rows import EXTERNAL_KEY, make_binding, make_config, make_profile
from tests.support.sandbox import SandboxProcess

#: A fault; what an operator hears when the domains service has it; what when a resource's service has it.
FAULTS: list[tuple[dict[str, Any], int, int]] = [
    ({"kind": "down"}, 503, 502),
    ({"kind": "reset"}, 503, 502),
    ({"kind": "slow"}, 503, 504),
    ({"kind": "trickle", "seconds": 0.02}, 503, 504),
    ({"kind": "garbage"}, 503, 502),
    ({"kind": "truncated"}, 503, 502),
    ({"kind": "oversized"}, 503, 502),
    ({"kind": "redirect"}, 503, 502),
    ({"kind": "wrong_type"}, 503, 502),
    ({"kind": "status", "status": 400}, 503, 400),
    ({"kind": "status", "status": 401}, 401, 401),
    ({"kind": "status", "status": 403}, 403, 403),
    ({"kind": "status", "status": 404}, 503, 404),
    ({"kind": "status", "status": 418}, 503, 502),
    ({"kind": "status", "status": 429}, 503, 502),
    ({"kind": "status", "status": 500}, 503, 502),
    ({"kind": "status", "status": 502}, 503, 502),
    ({"kind": "status", "status": 503}, 503, 502),
    ({"kind": "status", "status": 504}, 503, 502),
]
#: The only calls that ask for resources.
ASKING = {"bind", "refresh bindings"}


def name(fault: dict[str, Any]) -> str:
    return f"{fault['kind']} {fault.get('status', '')}".strip()


each_fault = pytest.mark.parametrize(
    ("fault", "of_domains", "of_resources"), [pytest.param(*row, id=name(row[0])) for row in FAULTS]
)


@pytest.fixture
def rows(sandbox: SandboxProcess, settings: Any, db: None) -> Rows:
    return Rows()


def test_no_fault_is_forgotten():
    assert {fault["kind"] for fault, _, _ in FAULTS} == set(KINDS)


@each_fault
def test_whatever_the_domains_service_does_every_endpoint_says_the_same(
    sandbox: SandboxProcess, rows: Rows, fault: dict[str, Any], of_domains: int, of_resources: int
) -> None:
    caller, before = Api(sandbox.token()), everything()
    sandbox.faults(fault | {"match": {"service": "domains"}})

    # Nothing is read before the caller is known, so threads, which would not see this test's rows, may ask.
    with ThreadPoolExecutor(len(WALKED)) as executor:
        answers = list(executor.map(lambda walked: rows.send(walked[1], Api(caller.token)), WALKED))
    for answer in answers:
        said = told(answer, of_domains)
        if of_domains == 503:
            assert int(answer["Retry-After"]) >= 1
            assert "Magistrala domains service" in answer.json()["message"]
            assert "WWW-Authenticate" not in answer
        assert caller.token not in said

    assert everything() == before
    sandbox.faults()
    assert caller.get("/clients/configs").status_code == 200


@each_fault
def test_whatever_the_key_set_does_no_operator_is_locked_out(
    sandbox: SandboxProcess, rows: Rows, fault: dict[str, Any], of_domains: int, of_resources: int
) -> None:
    caller = Api(sandbox.token())
    sandbox.faults(fault | {"match": {"service": "auth"}})

    # Waiting for keys is the same everywhere; it happens before a few calls alone.
    every = 7 if fault["kind"] in {"slow", "trickle"} else 1
    for number, (_route, endpoint) in enumerate(WALKED):
        if number % every == 0:
            forget_decisions()
        with undone():
            assert rows.send(endpoint, caller).status_code == success_of(endpoint), endpoint.name

    assert sandbox.admin("GET", "faults")[0]["hits"] == len(WALKED[::every])


@each_fault
def test_only_those_calls_fail_that_need_the_resource(
    sandbox: SandboxProcess, rows: Rows, fault: dict[str, Any], of_domains: int, of_resources: int
) -> None:
    caller, before = Api(sandbox.token()), everything()
    sandbox.faults(fault | {"match": {"service": "clients"}}, fault | {"match": {"service": "channels"}})

    for _route, endpoint in WALKED:
        with undone():
            answer = rows.send(endpoint, caller)
            if endpoint.name in ASKING:
                assert "slot 's'" in told(answer, of_resources)
                assert "Magistrala clients service" in told(answer)
                assert everything() == before
            else:
                assert answer.status_code == success_of(endpoint), endpoint.name


@pytest.mark.parametrize("fault", [{"kind": "slow"}, {"kind": "trickle", "seconds": 0.1}], ids=name)
def test_at_the_deadline_those_calls_fail_that_ask_for_more_and_nothing_is_stored(
    sandbox: SandboxProcess, rows: Rows, settings: Any, fault: dict[str, Any]
) -> None:
    caller, before = Api(sandbox.token()), everything()
    settings.MG_READ_TIMEOUT_SECONDS = 60
    reset_client()
    sandbox.faults(fault | {"match": {"service": "clients"}})

    for _route, endpoint in WALKED:
        if endpoint.name not in ASKING:
            continue
        with undone():
            assert caller.get("/clients/configs").status_code == 200
            settings.PLATFORM_DEADLINE_SECONDS = 1
            answer = rows.send(endpoint, caller)
            settings.PLATFORM_DEADLINE_SECONDS = 60
            said = told(answer, 504)
            assert "slot 's'" in said
            assert "nothing was stored" in said
            assert everything() == before


@each_fault
def test_a_stranger_stays_one_when_nobody_can_tell_whether_there_is_such_a_domain(
    sandbox: SandboxProcess, rows: Rows, fault: dict[str, Any], of_domains: int, of_resources: int
) -> None:
    caller = Api(sandbox.token(), OTHER_DOMAIN_ID)
    sandbox.faults(fault | {"match": {"service": "domains", "path_prefix": "/domains/"}})

    # The same two questions come before every call, so a few calls stand for all.
    for _route, endpoint in WALKED[::7]:
        # Here 404 is the platform's own word: there is no such domain.
        forget_decisions()
        expected = 404 if fault.get("status") == 404 else 403
        told(rows.send(endpoint, caller), expected)


def test_the_platforms_wish_when_to_come_back_is_passed_on(sandbox: SandboxProcess, rows: Rows) -> None:
    sandbox.faults({"kind": "status", "status": 429, "retry_after": 17, "match": {"service": "domains"}})

    for _route, endpoint in WALKED:
        assert rows.send(endpoint, Api(sandbox.token()))["Retry-After"] == "17"


# Devices.


@pytest.fixture
def device(db: None) -> Config:
    slots = [{"name": "mqtt", "type": "client", "required": True}, {"name": "t", "type": "channel", "required": True}]
    profile = make_profile(content_template="{{ .Bindings.mqtt.Secret.secret }}", binding_slots=slots)
    config = make_config(profile=profile, external_id="pi-1")
    make_binding(config=config, slot="mqtt", resource_id=CLIENT_ID, secret={"secret": "as stored"})
    make_binding(config=config, slot="t", type="channel", resource_id=TELEMETRY_CHANNEL_ID)
    return config


def open_calls(transport_key: bytes) -> dict[str, tuple[str, dict[str, str]]]:
    """Path and headers of every route that needs no operator."""
    plain = {"Authorization": f"Client {EXTERNAL_KEY}"}
    secure = {"Authorization": f"Client {transport_cipher.encrypt(transport_key, EXTERNAL_KEY.encode()).hex()}"}
    return {
        "device-bootstrap": (reverse("device-bootstrap", args=["pi-1"]), plain),
        "device-bootstrap-by-key": (reverse("device-bootstrap-by-key"), plain),
        "device-bootstrap-by-key-bare": (reverse("device-bootstrap-by-key-bare"), plain),
        "device-bootstrap-secure": (reverse("device-bootstrap-secure", args=["pi-1"]), secure),
        "device-bootstrap-spare-slashes": ("/clients/bootstrap//pi-1/", plain),
        "device-bootstrap-secure-spare-slashes": ("/clients/bootstrap/secure//pi-1", secure),
        "health": (reverse("health"), {}),
        "live": (reverse("live"), {}),
        "metrics": (reverse("metrics"), {}),
        "openapi": (reverse("openapi"), {}),
        "openapi-yaml": (reverse("openapi-yaml"), {}),
        "api-docs": (reverse("api-docs"), {}),
    }


@each_fault
def test_devices_never_notice(
    sandbox: SandboxProcess, device: Config, settings: Any, fault: dict[str, Any], of_domains: int, of_resources: int
) -> None:
    calls = open_calls(settings.TRANSPORT_KEY)
    if fault["kind"] != "down":
        # The pages about the service have nothing to do with kinds of faults; once is enough.
        calls = {route: call for route, call in calls.items() if route.startswith("device")}
    sandbox.faults(fault)
    sandbox.forget_calls()

    for path, headers in calls.values():
        assert Client().get(path, headers=headers).status_code == 200, path

    assert sandbox.calls() == []


def test_every_route_without_an_operator_is_walked(settings: Any) -> None:
    # But for the one that says that there is nothing.
    assert set(open_calls(settings.TRANSPORT_KEY)) == OPEN_ROUTES - {"no-such-file"}
