"""A SQLite file that has of a migrated database what the health check asks for."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from bootstrap_project.database.pending_migrations import Migration, migrations_of_this_release


def make_migrated(file: Path, *, without: frozenset[Migration] = frozenset()) -> None:
    """Write the tables and the list of migrations, some of them left out."""
    with contextlib.closing(sqlite3.connect(file)) as made:
        for table in ("configs_config", "profiles_profile", "enrollments_bindingsnapshot"):
            made.execute(f"CREATE TABLE {table} (id integer)")
        made.execute("CREATE TABLE django_migrations (id integer primary key, app text, name text, applied text)")
        add_migrations(made, set(migrations_of_this_release()) - without)


def add_migrations(database: sqlite3.Connection, migrations: set[Migration]) -> None:
    """Note migrations as applied, as another instance does that applies them."""
    rows = [(app, name, "2026-01-01") for app, name in sorted(migrations)]
    database.executemany("INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, ?)", rows)
    database.commit()
