"""A streaming replica that devices read from: what it lags in, what it does not decide, and what its end costs."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import requests

from tests.instances.cluster import FEW, prepare, settings_of
from tests.journeys.conftest import Caller
from tests.support.instances import Devices, instances, manage, statuses
from tests.support.postgres import PostgresReplica, PostgresServer
from tests.support.sandbox import SandboxProcess
from tests.support.server import ServerProcess
from tests.support.waiting import eventually


@dataclass
class Pair:
    """A primary and its replica, and an instance that uses both."""

    primary: PostgresServer
    replica: PostgresReplica
    instance: ServerProcess

    def connections(self) -> int:
        """Return how many connections the instance has to the replica."""
        with self.replica.connect() as asking:
            row = asking.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'bootstrap%'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def health(self) -> tuple[int, dict[str, object]]:
        answer = requests.get(f"{self.instance.url}/health", timeout=60)
        return answer.status_code, json.loads(answer.text)

    def status_of(self, number: int) -> str:
        return next(iter(statuses(self.instance.port, FEW, [number])))


@pytest.fixture(scope="module")
def pair(sandbox_process: SandboxProcess) -> Iterator[Pair]:
    with ExitStack() as stack:
        primary = stack.enter_context(PostgresServer())
        replica = stack.enter_context(PostgresReplica(primary))
        settings = {**settings_of(primary.url, sandbox_process), "DATABASE_REPLICA_URL": replica.url}
        manage(settings, "migrate", "--noinput")
        prepare(settings, FEW)
        replica.wait()
        (instance,) = stack.enter_context(instances(1, settings))
        yield Pair(primary, replica, instance)


@pytest.fixture
def operator(pair: Pair, sandbox_process: SandboxProcess) -> Caller:
    return Caller(pair.instance.url, sandbox_process.token())


def test_a_device_is_refused_once_the_replica_knows_and_served_as_soon_as_the_primary_does(
    pair: Pair, operator: Caller
):
    assert statuses(pair.instance.port, FEW, range(FEW.configs)) == {"200": FEW.configs}
    assert pair.connections() > 0

    with pair.replica.connect() as replica:
        replica.execute("SELECT pg_wal_replay_pause()")
    try:
        assert operator.call("POST", f"/clients/configs/{FEW.config_id(1)}/disable").status_code == 200
        lagging = pair.status_of(1)
        body = {"external_id": "just enrolled", "external_key": "k" * 12, "content": "x"}
        assert operator.call("POST", "/clients/configs", body).status_code == 201
        enrolled = operator.device("just%20enrolled", "k" * 12)
    finally:
        with pair.replica.connect() as replica:
            replica.execute("SELECT pg_wal_replay_resume()")
    pair.replica.wait()

    assert (lagging, pair.status_of(1)) == ("200", "403")
    assert enrolled.status_code == 200
    # Nobody is refused on the replica's word.
    assert operator.call("POST", f"/clients/configs/{FEW.config_id(1)}/enable").status_code == 200
    assert pair.status_of(1) == "200"


def test_devices_are_answered_from_the_primary_while_the_replica_is_away(pair: Pair):
    with Devices(pair.instance.port, FEW, range(FEW.configs)) as devices:
        devices.wait()
        pair.replica.halt(signal.SIGQUIT)
        devices.wait()
        status, told = pair.health()
        pair.replica.start()
        eventually(lambda: pair.connections() > 0)
        devices.wait()

    assert devices.failures == []
    assert (status, told["status"]) == (200, "pass")
    assert "replica" in str(told["notes"])
    eventually(lambda: "notes" not in pair.health()[1])


def test_devices_are_answered_from_the_replica_while_the_primary_is_away(pair: Pair):
    pair.primary.halt()
    try:
        served = statuses(pair.instance.port, FEW, range(2, FEW.configs))
        unhealthy, _told = pair.health()
    finally:
        pair.primary.start()

    assert served == {"200": FEW.configs - 2}
    assert unhealthy == 503
    eventually(lambda: pair.health()[0] == 200)
