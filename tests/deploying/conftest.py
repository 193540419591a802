"""A PostgreSQL whose roles are a test's own, and the folder that is a machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploying.database import Deployed
from tests.deploying.world import World
from tests.support.postgres import DATABASE, PostgresServer, find_installation
from tests.support.sandbox import SandboxProcess

PROGRAMS = ("nginx", "psql", "openssl", "curl")


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server of its own, as roles belong to all databases; all but its superuser have to give a password."""
    with PostgresServer() as server:
        (server.data / "pg_hba.conf").write_text(
            "local all all trust\nhost all postgres all trust\nhost all all all scram-sha-256\n"
        )
        with server.connect("postgres") as connection:
            connection.execute("SELECT pg_reload_conf()")
            # The page makes it.
            connection.execute(f"DROP DATABASE {DATABASE}")
        yield server


@pytest.fixture
def world(tmp_path: Path, postgres: PostgresServer, sandbox_process: SandboxProcess) -> Iterator[World]:
    missing = [name for name in PROGRAMS if shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin") is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    sandbox_process.reset()
    with World(tmp_path, postgres, sandbox_process) as made:
        yield made


@pytest.fixture(scope="module")
def deployed(postgres: PostgresServer) -> Deployed:
    """The database of the deployment's scripts, migrated by its owner."""
    if not (find_installation().bin / "psql").exists():
        pytest.skip("this PostgreSQL has no psql")
    made = Deployed(postgres)
    made.migrate()
    return made


@pytest.fixture(scope="module")
def platform(sandbox_process: SandboxProcess) -> SandboxProcess:
    """The platform as seeded."""
    sandbox_process.reset()
    return sandbox_process
