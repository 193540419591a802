"""The database that the deployment's scripts make, and the commands of an operator on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.deploying.facts import DEPLOY, ROOT
from tests.support.postgres import PostgresServer, find_installation
from tests.support.server import DEFAULTS

OWNER, SERVICE = "bootstrap_owner", "bootstrap"
SCRIPTS = DEPLOY / "postgresql"


class Deployed:
    """Both roles and the database on one server, made by `roles.sql`."""

    def __init__(self, postgres: PostgresServer) -> None:
        self.postgres = postgres
        self.program(
            *("psql", "-q", "-v", f"owner_password={OWNER}", "-v", f"service_password={SERVICE}"),
            *("-f", str(SCRIPTS / "roles.sql")),
        )

    def url(self, role: str = SERVICE, database: str = "bootstrap", port: int | None = None) -> str:
        """Return the address for a role, whose password is its name."""
        return f"postgres://{role}:{role}@127.0.0.1:{port or self.postgres.port}/{database}"

    def program(self, *command: str, stdin: Path | None = None) -> str:
        """Run one of PostgreSQL's programs as its superuser."""
        environment = os.environ | {"PGHOST": "127.0.0.1", "PGPORT": str(self.postgres.port), "PGUSER": "postgres"}
        done = subprocess.run(
            [str(find_installation().bin / command[0]), *command[1:]],
            env=environment,
            stdin=stdin.open("rb") if stdin else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def manage(
        self, *command: str, role: str = SERVICE, settings: Mapping[str, str] | None = None, code: int = 0
    ) -> str:
        """Run a command of the service; it must end with `code`. Return what it printed."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DJANGO_", "DATABASE_"))
        }
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=inherited | DEFAULTS | {"DATABASE_URL": self.url(role)} | dict(settings or {}),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, f"{command}: {done.returncode} {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def migrate(self) -> None:
        """Migrate as the owner."""
        self.manage("migrate", "--noinput", "-v", "0", role=OWNER)
