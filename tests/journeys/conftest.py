"""Real processes: our service under its production server, the sandbox as the platform, and a database of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from bootstrap_project.magistrala.sandbox import seed
from tests.support.database import Database, provide_database
from tests.support.sandbox import SandboxProcess
from tests.support.server import ServerProcess

TRANSPORT_KEY = b"0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database of the kind that the run is about: PostgreSQL or a SQLite file."""
    with provide_database(tmp_path_factory.mktemp("journeys")) as made:
        yield made


@pytest.fixture(scope="session")
def server(database: Database, sandbox_process: SandboxProcess) -> Iterator[ServerProcess]:
    environment = {
        "DATABASE_URL": database.url,
        "MG_BOOTSTRAP_ENCRYPT_KEY": TRANSPORT_KEY.decode(),
        "MG_BOOTSTRAP_OPERATOR_CACHE_SECONDS": "0",
        "MG_READ_TIMEOUT_SECONDS": "3",
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
            method, f"{self.base}/{self.domain_id}{path}", headers=headers, timeout=120, allow_redirects=False, **more
        )

    def device(self, path: str, key: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Client {key}"}
        return self.http.get(f"{self.base}/clients/bootstrap/{path}", headers=headers, timeout=120, **more)


@pytest.fixture
def operator(server: ServerProcess, database: Database, platform: SandboxProcess) -> Iterator[Caller]:
    database.clear()
    caller = Caller(server.url, platform.token())
    yield caller
    caller.http.close()
