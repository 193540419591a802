"""A platform that takes its time: those who need nothing of it are answered meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import requests

from bootstrap_project.magistrala.sandbox import seed
from tests.journeys.conftest import TRANSPORT_KEY, Caller
from tests.support.database import Database
from tests.support.sandbox import SandboxProcess
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

#: More than the process has connections to the database.
CALLERS = 12


@pytest.fixture
def small_server(database: Database, sandbox_process) -> Iterator[ServerProcess]:
    environment = {
        "DATABASE_URL": database.url,
        "MG_BOOTSTRAP_ENCRYPT_KEY": TRANSPORT_KEY.decode(),
        "MG_BOOTSTRAP_OPERATOR_CACHE_SECONDS": "0",
        "MG_BOOTSTRAP_WORKERS": "1",
        "MG_BOOTSTRAP_DEVICES_AT_ONCE": "1",
        "MG_BOOTSTRAP_DB_POOL_SIZE": "4",
        "MG_READ_TIMEOUT_SECONDS": "20",
    }
    with ServerProcess(environment | sandbox_process.settings()) as process:
        yield process


def tokens(platform: SandboxProcess, number: int) -> list[str]:
    """As many tokens, all different: who asks the same at the same time is answered by one call."""
    return [platform.token(lifetime=3600 + one) for one in range(number)]


def test_callers_who_wait_for_the_platform_keep_nobody_from_the_database(small_server, operator, platform):
    callers = [Caller(small_server.url, token) for token in tokens(platform, CALLERS)]
    platform.faults({"kind": "slow", "seconds": 3})
    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(caller.call, "GET", "/clients/configs") for caller in callers]
        # At first one of them asks for the signing keys and the others wait for those, later all ask about themselves.
        for under_way in (1, CALLERS):
            while platform.report()["most_in_flight"] < under_way:
                assert not any(call.done() for call in calls)

            page = requests.get(f"{small_server.url}/admin/login/", timeout=60)

            assert page.status_code == 200
            assert not any(call.done() for call in calls)
    assert {call.result().status_code for call in calls} == {200}


#: More binds than a process has connections to a service, and to the database.
BINDS = 200
KEY = "the-key-of-the-device"


@pytest.fixture
def hanging_binds(small_server, operator, platform) -> Iterator[list[Future[requests.Response]]]:
    """Binds that wait for the clients service, which hangs, while everything on the platform has one address."""
    here = Caller(small_server.url, operator.token)
    slots = [{"name": "mqtt", "type": "client", "required": False}]
    profile = {"name": "hangs", "content_template": "{}", "content_format": "json", "binding_slots": slots}
    made = here.call("POST", "/clients/bootstrap/profiles", profile)
    assert made.status_code == 201, made.text
    config = {"external_id": "d-1", "external_key": KEY, "profile_id": made.json()["id"]}
    made = here.call("POST", "/clients/configs", config)
    assert made.status_code == 201, made.text
    path = f"/clients/bootstrap/enrollments/{made.json()['id']}/bindings"
    wish = {"bindings": [{"slot": "mqtt", "type": "client", "resource_id": seed.CLIENT_ID}]}
    platform.faults({"kind": "slow", "seconds": 60, "match": {"service": "clients"}})
    platform.forget_calls()
    with ThreadPoolExecutor(BINDS) as pool:
        callers = [Caller(small_server.url, token) for token in tokens(platform, BINDS)]
        binds = [pool.submit(caller.call, "PUT", path, wish) for caller in callers]
        try:
            # All callers are known, and as many as have connections are being waited for.
            eventually(lambda: len(platform.calls("domains")) >= BINDS)
            eventually(lambda: platform.admin("GET", "faults")[0]["hits"] >= 16)
            yield binds
        finally:
            # Nobody waits for what hangs.
            small_server.halt(signal.SIGKILL)


def test_operators_are_let_in_while_binds_hang_on_another_service_of_the_same_address(
    small_server, operator, hanging_binds
):
    newcomer = Caller(small_server.url, operator.token)

    answers = [newcomer.call("GET", "/clients/configs") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert not any(bind.done() for bind in hanging_binds)


def test_devices_do_not_notice_binds_that_hang(small_server, operator, hanging_binds):
    device = Caller(small_server.url, "")

    answers = [device.device("d-1", KEY) for _ in range(50)]

    assert {answer.status_code for answer in answers} == {200}
    assert not any(bind.done() for bind in hanging_binds)
