"""An empty, migrated database for tests of real processes, of the kind that the run is about."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings as django_settings

from tests.support.server import DEFAULTS, ROOT, database_url

TABLES = ("enrollments_bindingsnapshot", "configs_config", "profiles_profile")


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

    def environment(self) -> dict[str, str]:
        """What a command on this database is started with."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DJANGO_"))}
        return inherited | DEFAULTS | {"DATABASE_URL": self.url}

    def migrate(self, *target: str) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", *target, "--no-input", "-v", "0"],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]


@contextmanager
def provide_database(folder: Path, *, migrated: bool = True) -> Iterator[Database]:
    """Make a database for the block: on the run's PostgreSQL, or a SQLite file in `folder`."""
    chosen = dict(django_settings.DATABASES["default"])
    if chosen["ENGINE"].endswith("sqlite3"):
        path = folder / "bootstrap.sqlite3"
        database = Database(f"sqlite:///{quote(str(path))}", lambda: sqlite3.connect(path, timeout=20))
        if migrated:
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
        if migrated:
            database.migrate()
        yield database
    finally:
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
