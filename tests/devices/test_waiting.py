"""Devices are answered within seconds of their arrival, whatever the database does; over HTTP."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import psycopg
import pytest
from django.db import connections

from configs.models import Config
from configs.services import set_external_key
from devices.wsgi import DEVICE_SECONDS
from tests.devices.conftest import ALIAS
from tests.support.postgres import PostgresServer
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.alone, pytest.mark.slow]
CROWD = 150
#: What a busy machine may take longer than a device is promised.
PATIENCE_SECONDS = 40.0
KEY = "a-key-that-is-long-enough"


@dataclass(frozen=True)
class Answer:
    status: int
    retry_after: str | None
    seconds: float
    body: dict[str, str]


@pytest.fixture(scope="module")
def service(postgres: PostgresServer) -> Iterator[ServerProcess]:
    with ServerProcess({"DATABASE_URL": postgres.url}) as process:
        yield process


@pytest.fixture(autouse=True)
def device(postgres: PostgresServer, django_db_blocker) -> None:
    with django_db_blocker.unblock():
        Config.objects.using(ALIAS).all().delete()
        config = Config(domain_id="d", external_id="pi", content="x")
        set_external_key(config, KEY)
        config.save(using=ALIAS)
        connections[ALIAS].close()


def ask(service: ServerProcess, path: str = "/clients/bootstrap/pi") -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=120)
    started = time.monotonic()
    try:
        connection.request("GET", path, headers={"Authorization": f"Client {KEY}"})
        response = connection.getresponse()
        body = json.loads(response.read())
    finally:
        connection.close()
    return Answer(response.status, response.getheader("Retry-After"), time.monotonic() - started, body)


@contextmanager
def locked(postgres: PostgresServer, table: str = "configs_config") -> Iterator[None]:
    """Hold a table, the one that every device's statement reads, as a change does that waits for a long reader."""
    with psycopg.connect(postgres.url) as holder:
        holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        holder.rollback()


def crowd(service: ServerProcess, executor: ThreadPoolExecutor) -> list[Answer]:
    futures: list[Future[Answer]] = [executor.submit(ask, service) for _ in range(CROWD)]
    return [future.result() for future in futures]


def require_told(answers: list[Answer]) -> None:
    assert Counter(answer.status for answer in answers) == {503: len(answers)}
    assert all(int(answer.retry_after or 0) > 0 for answer in answers)
    assert max(answer.seconds for answer in answers) < DEVICE_SECONDS + PATIENCE_SECONDS
    print(f"slowest of {len(answers)}: {max(answer.seconds for answer in answers):.1f} s")  # noqa: T201 - with -s.


def require_served_again(service: ServerProcess) -> None:
    # Of several processes each finds out for itself.
    eventually(lambda: all(ask(service).status == 200 for _ in range(8)))
    eventually(lambda: all(ask(service, "/health").status == 200 for _ in range(8)))
    assert "Traceback" not in service.log()


def test_a_crowd_before_a_locked_table_is_told_while_it_is_locked(postgres, service):
    assert ask(service).status == 200
    with locked(postgres), ThreadPoolExecutor(CROWD) as executor:
        answers = crowd(service, executor)
        late = crowd(service, executor)
        health = [ask(service, "/health") for _ in range(8)]

    require_told(answers + late)
    assert {answer.status for answer in health} == {503}
    assert {answer.body["output"] for answer in health} == {"another change to the same data takes too long; try again"}
    require_served_again(service)


def test_a_crowd_before_a_paused_server_is_told_while_it_is_paused(postgres, service):
    assert ask(service).status == 200
    with postgres.silent(), ThreadPoolExecutor(CROWD) as executor:
        answers = crowd(service, executor)
        health = [ask(service, "/health") for _ in range(8)]

    require_told(answers)
    assert {answer.status for answer in health} == {503}
    require_served_again(service)


def take_all_connections(postgres: PostgresServer, stack: ExitStack) -> None:
    with suppress(psycopg.OperationalError):
        while True:
            stack.enter_context(psycopg.connect(postgres.url))


def test_a_crowd_before_a_server_without_connections_is_told(postgres):
    with ServerProcess({"DATABASE_URL": postgres.url}) as service, ExitStack() as stack:
        # Those that the start has opened are of no use to the devices.
        with psycopg.connect(postgres.url, autocommit=True) as admin:
            take_all_connections(postgres, stack)
            others = "FROM pg_stat_activity WHERE application_name = 'bootstrap'"
            admin.execute(f"SELECT pg_terminate_backend(pid, 5000) {others}")
            take_all_connections(postgres, stack)
            with ThreadPoolExecutor(CROWD) as executor:
                answers = crowd(service, executor)

        require_told(answers)
        assert {answer.body["error"] for answer in answers} == {"the database takes no more connections; try again"}
        stack.close()
        require_served_again(service)


def test_statements_that_are_slow_are_ended_in_time(postgres, django_db_blocker):
    """A reader that is kept waiting by no lock_timeout of its own stands for every slow statement."""
    with ServerProcess({"DATABASE_URL": postgres.url, "MG_BOOTSTRAP_DB_LOCK_TIMEOUT_SECONDS": "0"}) as service:
        assert ask(service).status == 200
        with locked(postgres), ThreadPoolExecutor(CROWD) as executor:
            require_told(crowd(service, executor))
        require_served_again(service)
        with django_db_blocker.unblock():
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            with connections[ALIAS].cursor() as cursor:
                cursor.execute(waiting)
                assert cursor.fetchone() == (0,)
            connections[ALIAS].close()


def test_a_health_probe_is_answered_though_its_own_statement_would_wait_for_ever(postgres):
    with ServerProcess({"DATABASE_URL": postgres.url, "MG_BOOTSTRAP_DB_LOCK_TIMEOUT_SECONDS": "0"}) as service:
        with locked(postgres, "django_migrations"):
            assert ask(service, "/health").status == 503
        require_served_again(service)
