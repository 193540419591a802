"""`manage.py migrate`: it can be repeated after any end, waits for locks in short tries, and runs once at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from bootstrap_project.management import locks
from bootstrap_project.management.commands import migrate as command_module
from tests.support.database import Database, provide_database
from tests.support.server import ROOT

postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server")

PUBLIC = "'public'::regnamespace ORDER BY 1, 2"
SCHEMA = {
    "postgresql": (
        f"""SELECT attrelid::regclass::text, attname, atttypid::regtype::text, atttypmod, attnotnull, attidentity::text
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE attnum > 0 AND NOT attisdropped AND relnamespace = {PUBLIC}""",
        f"""SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = {PUBLIC}""",
        f"SELECT relname, relkind::text, reloptions FROM pg_class WHERE relnamespace = {PUBLIC}",
        f"SELECT proname, prosrc FROM pg_proc WHERE pronamespace = {PUBLIC}",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
    ),
    "sqlite": ("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2",),
}
CONTENT = (
    "SELECT app, name FROM django_migrations ORDER BY 1, 2",
    "SELECT codename FROM auth_permission ORDER BY 1",
    "SELECT app_label, model FROM django_content_type ORDER BY 1, 2",
)


def schema(database: Database) -> list[list[tuple[object, ...]]]:
    return [database.rows(statement) for statement in (*SCHEMA[connection.vendor], *CONTENT)]


def run(database: Database, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=database.environment(), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with provide_database(tmp_path_factory.mktemp("clean")) as database:
        yield database


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    with provide_database(tmp_path, migrated=False) as database:
        yield database


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.parametrize("how", [[], ["--as-django"]], ids=["by us", "by an earlier release"])
def test_a_run_that_ends_at_any_migration_is_taken_up_by_the_next_one(empty: Database, clean: Database, how: list[str]):
    done = run(empty, "-m", "tests.support.interrupted", *how)

    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) == len(MigrationLoader(None).disk_migrations)
    assert schema(empty) == schema(clean)


@pytest.mark.sqlite
def test_a_table_that_somebody_else_made_is_left_alone_and_told(empty: Database):
    empty.rows("CREATE TABLE profiles_profile (id integer)")

    done = run(empty, "manage.py", "migrate", "--no-input")

    assert done.returncode == 1
    assert "profiles.0001_initial makes is there already, and not all of it" in done.stderr
    assert "Traceback" not in done.stderr
    assert ("profiles", "0001_initial") not in empty.rows("SELECT app, name FROM django_migrations")


@pytest.mark.slow
@pytest.mark.sqlite
def test_two_at_once_go_one_after_the_other(empty: Database, clean: Database):
    with ThreadPoolExecutor(2) as executor:
        both = list(executor.map(lambda _: run(empty, "manage.py", "migrate", "--no-input"), range(2)))

    assert [one.returncode for one in both] == [0, 0], [one.stderr[-2000:] for one in both]
    assert schema(empty) == schema(clean)


@pytest.mark.slow
@postgresql
def test_a_lock_is_waited_for_in_tries_that_leave_others_room_and_its_holder_is_named(empty: Database):
    empty.migrate()
    empty.migrate("configs", "0006")
    with psycopg.connect(empty.url, application_name="nightly dump") as holder:
        holder.execute("LOCK TABLE configs_config IN ACCESS SHARE MODE")
        pid = holder.info.backend_pid
        process = subprocess.Popen(
            [sys.executable, "manage.py", "migrate", "--no-input"],
            cwd=ROOT,
            env=empty.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        told = [process.stderr.readline(), process.stderr.readline()]
        # It waits for its next try, and nobody waits behind it.
        with psycopg.connect(empty.url) as reader:
            reader.execute("SET lock_timeout = '20s'")
            reader.execute("SELECT 1 FROM configs_config LIMIT 1")
        holder.rollback()
    rest = process.communicate(timeout=120)[1]

    assert process.returncode == 0, rest
    for line in told:
        assert line.startswith("configs.0007_profile_served waits for a lock held by "), told
        assert f"pid {pid} (nightly dump, " in line
        assert "LOCK TABLE" not in line
    assert ("configs", "0007_profile_served") in empty.rows("SELECT app, name FROM django_migrations")


@postgresql
@pytest.mark.django_db(transaction=True)
def test_it_gives_up_with_a_sentence_when_the_lock_stays(monkeypatch, capsys):
    monkeypatch.setattr(locks, "LOCK_SECONDS", 1)
    monkeypatch.setattr(command_module, "PAUSE_SECONDS", 0)
    locked, over = threading.Event(), threading.Event()

    def hold() -> None:
        own = connection.copy()
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("LOCK TABLE django_content_type IN ACCESS EXCLUSIVE MODE")
        locked.set()
        over.wait(60)
        own.rollback()
        own.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(60)
    try:
        with pytest.raises(CommandError, match=r"held by pid .* run migrate again"):
            call_command("migrate", lock_wait=0, verbosity=0)
    finally:
        over.set()
        holder.join()
        connection.close()
