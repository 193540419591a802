"""Behind a pooler that hands each transaction another connection: with the setting, and without, which is told."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.db import connection

from tests.support.database import Database, provide_database
from tests.support.pgbouncer import PROGRAM, pgbouncer
from tests.support.server import ROOT, ServerProcess

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has poolers"),
    pytest.mark.skipif(PROGRAM is None, reason="no pgbouncer on this machine"),
]
SENTENCE = "a pooler hands out other connections: set MG_BOOTSTRAP_DB_PREPARED_STATEMENTS=false"
WITH_SETTING = {"MG_BOOTSTRAP_DB_PREPARED_STATEMENTS": "false"}
CALLERS = 8

Answer = tuple[int, dict[str, str], str | None]


@dataclass(frozen=True)
class Pooled:
    """A database, where it is reached through the pooler, and the ids and keys of its devices."""

    database: Database
    url: str
    devices: list[tuple[str, str]]

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.database.environment() | WITH_SETTING | {"DATABASE_URL": self.url},
            capture_output=True,
            text=True,
            check=False,
        )

    def server(self, **settings: str) -> ServerProcess:
        return ServerProcess({"DATABASE_URL": self.url, "MG_BOOTSTRAP_WORKERS": "2"} | settings)


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pooled]:
    folder = tmp_path_factory.mktemp("pooler")
    with provide_database(folder, migrated=False) as database, pgbouncer(database.url, folder) as url:
        pooled = Pooled(database, url, [])
        with ThreadPoolExecutor(2) as executor:
            both = list(executor.map(lambda _: pooled.manage("migrate", "--noinput", "-v", "0"), range(2)))
        assert [one.returncode for one in both] == [0, 0], both[0].stderr + both[1].stderr
        keys = folder / "keys"
        made = pooled.manage("make_fleet", "--configs=8", "--profiles=2", "--domains=1", f"--keys-file={keys}")
        assert made.returncode == 0, made.stderr
        pairs = [line.partition(",") for line in keys.read_text().splitlines()]
        pooled.devices.extend((external_id, key) for external_id, _, key in pairs)
        yield pooled


def get(server: ServerProcess, path: str, key: str = "") -> Answer:
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Client {key}"} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer), None
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), error.headers["Retry-After"]


def call_all(server: ServerProcess, devices: list[tuple[str, str]]) -> list[Answer]:
    with ThreadPoolExecutor(CALLERS) as executor:
        calls = [executor.submit(get, server, f"/clients/bootstrap/{name}", key) for name, key in devices * 8]
        return [call.result() for call in calls]


def test_with_the_setting_devices_and_health_work(pooled):
    with pooled.server(**WITH_SETTING) as server:
        answers = call_all(server, pooled.devices)
        health = get(server, "/health")
        log = server.log()

    assert {status for status, *_ in answers} == {200}
    assert health[0] == 200
    assert SENTENCE not in log


COMMANDS = [
    "migrate --noinput",
    "prune_attempts",
    "reseal_secrets",
    "renew_key_digests",
    "worker --once",
    "prune_logins",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_with_the_setting_commands_work(pooled, command):
    done = pooled.manage(*command.split())

    assert (done.returncode, done.stderr) == (0, "")


def test_without_the_setting_one_line_names_it_and_nobody_is_told_500(pooled):
    with pooled.server() as server:
        answers = call_all(server, pooled.devices)
        health = get(server, "/health")
        log = server.log()

    assert {status for status, *_ in answers} <= {200, 503}
    refused = [(retry_after, body["error"]) for status, body, retry_after in answers if status == 503]
    assert refused
    assert all(retry_after and "its pooler" in error for retry_after, error in refused)
    assert (health[0], health[1]["output"]) == (503, SENTENCE)
    assert log.count(f'"message": "{SENTENCE}"') == 1
    assert "Traceback" not in log
