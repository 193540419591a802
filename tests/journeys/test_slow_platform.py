"""A platform that takes its time: those who need nothing of it are answered meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.journeys.conftest import TRANSPORT_KEY, Caller
from tests.services.database import Database
from tests.services.server import ServerProcess

#: More than one process with one thread has places for (see `places`).
CALLERS = 12


@pytest.fixture
def small_server(database: Database, sandbox_process) -> Iterator[ServerProcess]:
    environment = {
        "DATABASE_URL": database.url,
        "MG_BOOTSTRAP_ENCRYPT_KEY": TRANSPORT_KEY.decode(),
        "MG_BOOTSTRAP_OPERATOR_CACHE_SECONDS": "0",
        "MG_BOOTSTRAP_WORKERS": "1",
        "MG_BOOTSTRAP_THREADS": "1",
        "MG_READ_TIMEOUT_SECONDS": "20",
    }
    with ServerProcess(environment | sandbox_process.settings()) as process:
        yield process


def test_callers_who_wait_for_the_platform_keep_nobody_from_the_database(small_server, operator, platform):
    callers = [Caller(small_server.url, operator.token) for _ in range(CALLERS)]
    platform.faults({"kind": "slow", "seconds": 3})
    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(caller.call, "GET", "/clients/configs") for caller in callers]
        # At first one of them asks for the signing keys and the others wait for those, later all ask about themselves.
        for under_way in (1, CALLERS):
            while platform.report()["most_in_flight"] < under_way:
                assert not any(call.done() for call in calls)

            page = requests.get(f"{small_server.url}/admin/login/", timeout=20)

            assert page.status_code == 200
            assert not any(call.done() for call in calls)
    assert {call.result().status_code for call in calls} == {200}
