"""Real processes: our service under its production server, the sandbox as the platform, and a database of their own."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import requests
from django.conf import settings as django_settings

from bootstrap_project.magistrala.sandbox import seed
from tests.magistrala.sandbox_process import SandboxProcess
from tests.services.server import DEFAULTS, ROOT, ServerProcess, database_url

TABLES = ("enrollments_bindingsnapshot", "configs_config", "profiles_profile")
TRANSPORT_KEY = b"0123456789abcdef0123456789abcdef"


class Database:
    """An empty, migrated database that other processes can use; asked with plain SQL."""

    def __init__(self, url: str, connect: Any) -> None:
        self.url = url
        self._connect = connect

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        connection = self._connect()
        try:
            cursor = connection.execute(statement)
            found = cursor.fetchall() if cursor.description else []
            connection.commit()
        finally:
            connection.close()
        return found

    def dump(self) -> str:
        """Everything that is stored, as text."""
        return repr([self.rows(f"SELECT * FROM {table} ORDER BY id") for table in TABLES])

    def clear(self) -> None:
        for table in TABLES:
            self.rows(f"DELETE FROM {table}")

    def migrate(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DJANGO_"))}
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--no-input", "-v", "0"],
            cwd=ROOT,
            env=inherited | DEFAULTS | {"DATABASE_URL": self.url},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database of the kind that the run is about: PostgreSQL or a SQLite file."""
    chosen = dict(django_settings.DATABASES["default"])
    if chosen["ENGINE"].endswith("sqlite3"):
        path = Path(tmp_path_factory.mktemp("journeys")) / "bootstrap.sqlite3"
        database = Database(f"sqlite:///{quote(str(path))}", lambda: sqlite3.connect(path, timeout=20))
        database.migrate()
        yield database
        return
    name = f"journeys_{uuid.uuid4().hex[:12]}"
    url = database_url(chosen | {"NAME": name})
    maintenance = database_url(chosen | {"NAME": "postgres"})
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        database = Database(url, lambda: psycopg.connect(url))
        database.migrate()
        yield database
    finally:
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def server(database: Database, sandbox_process: SandboxProcess) -> Iterator[ServerProcess]:
    environment = {
        "DATABASE_URL": database.url,
        "MG_BOOTSTRAP_ENCRYPT_KEY": TRANSPORT_KEY.decode(),
        "MG_BOOTSTRAP_OPERATOR_CACHE_SECONDS": "0",
        "MG_READ_TIMEOUT_SECONDS": "0.5",
        "MG_RETRIES": "0",
    }
    with ServerProcess(environment | sandbox_process.settings()) as process:
        yield process


@pytest.fixture
def platform(sandbox_process: SandboxProcess) -> Iterator[SandboxProcess]:
    """The platform as seeded, and working again afterwards."""
    sandbox_process.reset()
    yield sandbox_process
    sandbox_process.reset()


class Caller:
    """What sends requests to the service: an operator with his token, or a device with its key."""

    def __init__(self, base: str, token: str) -> None:
        self.base = base
        self.token = token
        self.domain_id = seed.DOMAIN_ID
        self.http = requests.Session()
        self.http.trust_env = False

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        if isinstance(body, dict):
            more["json"] = body
        elif body is not None:
            more["data"] = body
        return self.http.request(
            method, f"{self.base}/{self.domain_id}{path}", headers=headers, timeout=20, allow_redirects=False, **more
        )

    def device(self, path: str, key: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Client {key}"}
        return self.http.get(f"{self.base}/clients/bootstrap/{path}", headers=headers, timeout=20, **more)


@pytest.fixture
def operator(server: ServerProcess, database: Database, platform: SandboxProcess) -> Iterator[Caller]:
    database.clear()
    caller = Caller(server.url, platform.token())
    yield caller
    caller.http.close()
