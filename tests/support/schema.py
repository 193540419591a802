"""A SQLite file that has of a migrated database what the health check asks for."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from bootstrap_project.database.pending_migrations import Migration, migrations_of_this_release


def make_migrated(file: Path, *, without: frozenset[Migration] = frozenset()) -> None:
    """Write the tables and the list of migrations, some of them left out."""
    with contextlib.closing(sqlite3.connect(file)) as made, made:
        for table in ("configs_config", "profiles_profile", "enrollments_bindingsnapshot"):
            made.execute(f"CREATE TABLE {table} (id integer)")
        made.execute("CREATE TABLE django_migrations (id integer primary key, app text, name text, applied text)")
        add_migrations(file, set(migrations_of_this_release()) - without, made)


def add_migrations(file: Path, migrations: set[Migration], made: sqlite3.Connection | None = None) -> None:
    """Note migrations as applied, as another instance would that applies them."""
    with contextlib.nullcontext(made) if made else contextlib.closing(sqlite3.connect(file)) as connection:
        rows = [(app, name, "2026-01-01") for app, name in sorted(migrations)]
        connection.executemany("INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, ?)", rows)
        connection.commit()
