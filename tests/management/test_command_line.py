"""What ends a command because of its database is one sentence with what mends it, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError, connection
from django.db.migrations.exceptions import MigrationSchemaMissing

from bootstrap_project.database import complaint as complaint_module
from bootstrap_project.database.complaint import complaint
from tests.support.database import Database, provide_database
from tests.support.server import ROOT

postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server")
ROLE = "bs_without_rights"


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    with provide_database(tmp_path, migrated=False) as database:
        yield database


@postgresql
def test_a_role_that_may_not_create_tables_is_told_how_to_get_the_right(empty: Database):
    name = empty.rows("SELECT current_database()")[0][0]
    empty.rows(f"DROP ROLE IF EXISTS {ROLE}")
    empty.rows(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'x'")
    host = psycopg.conninfo.conninfo_to_dict(empty.url)
    limited = empty.environment() | {"DATABASE_URL": f"postgres://{ROLE}:x@{host['host']}:{host['port']}/{name}"}
    try:
        refused = run(limited, "migrate", "--noinput")
        mend = refused.stderr.partition("`")[2].partition("`")[0]
        empty.rows(mend)
        mended = run(limited, "migrate", "--noinput", "-v", "0")
    finally:
        empty.rows(f"ALTER DATABASE {name} OWNER TO CURRENT_USER")
        empty.rows(f"REASSIGN OWNED BY {ROLE} TO CURRENT_USER")
        empty.rows(f"DROP ROLE {ROLE}")

    assert refused.returncode == 1
    assert refused.stderr == (
        f"bootstrap: the role {ROLE} may not create tables in the schema public of {name}: "
        f"`ALTER DATABASE {name} OWNER TO {ROLE}`\n"
    )
    assert (
        refused.stdout.splitlines()[0] == f"Migrating the PostgreSQL database {name} at {host['host']}:{host['port']}."
    )
    assert (mended.returncode, mended.stderr) == (0, "")


COMMANDS = {
    "refresh_bindings": ["--all"],
    "prune_attempts": [],
    "reseal_secrets": [],
    "renew_key_digests": [],
    "prune_logins": [],
    "createsuperuser": ["--noinput", "--username", "a", "--email", "a@example.com"],
    "worker": ["--once"],
    "make_fleet": ["--configs", "1", "--profiles", "1", "--domains", "1"],
}


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_on_a_database_that_was_never_migrated_says_so(empty: Database, command: str):
    extra = {"DJANGO_SUPERUSER_PASSWORD": "pw", "MG_BOOTSTRAP_TOKEN": "t"}

    done = run(empty.environment() | extra, command, *COMMANDS[command])

    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if "lacks what this version needs" in line]
    assert "run `manage.py migrate`" in sentence


def test_a_server_that_is_not_there_is_named():
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DATABASE"))}
    settings = {
        "MG_BOOTSTRAP_SECRET_KEY": "s" * 50,
        "MG_BOOTSTRAP_ENCRYPT_KEY": "k" * 16,
        "DATABASE_URL": "postgres://u:s3cret@127.0.0.1:9/boot",
    }

    done = run(environment | settings, "prune_attempts")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(
        "bootstrap: the database cannot be used: the PostgreSQL database boot at 127.0.0.1:9: "
    )
    assert "s3cret" not in done.stderr


# The sentences.


class StateError(psycopg.Error):
    def __init__(self, state: str) -> None:
        super().__init__()
        self.sqlstate = state


@pytest.fixture
def role_of_database(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"ENGINE": "postgresql", "NAME": "d", "USER": "R-1", "HOST": "h", "PORT": "", "GIVEN_BY": ""}
    fake = SimpleNamespace(connection=None, settings_dict=settings)
    monkeypatch.setattr(complaint_module, "connections", {"default": fake})


def caused(error: Exception, state: str) -> Exception:
    error.__cause__ = StateError(state)
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            caused(ProgrammingError("permission denied for schema public\nLINE 1: CREATE"), "42501"),
            'the role R-1 may not create tables in the schema public of d: `ALTER DATABASE d OWNER TO "R-1"`',
        ),
        (
            caused(MigrationSchemaMissing("Unable (permission denied for schema app\nLINE 1)"), "42501"),
            'the role R-1 may not create tables in the schema app of d: `ALTER DATABASE d OWNER TO "R-1"`',
        ),
        (
            caused(ProgrammingError("permission denied for table configs_config"), "42501"),
            '`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "R-1"`',
        ),
        (
            caused(ProgrammingError("permission denied for sequence x_id_seq"), "42501"),
            '`GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "R-1"`',
        ),
        (caused(ProgrammingError("must be owner of table configs_config"), "42501"), "run the command as the owner"),
        (caused(ProgrammingError("keine Berechtigung für Schema public"), "42501"), "lacks a right in d"),
        (caused(ProgrammingError('relation "x" does not exist'), "42P01"), "run `manage.py migrate`"),
        (caused(ProgrammingError('column "x" does not exist'), "42703"), "run `manage.py migrate`"),
        (OperationalError('connection failed: FATAL:  database "d" does not exist'), '`CREATE DATABASE d OWNER "R-1"`'),
        (caused(ProgrammingError("prepared statement exists"), "42P05"), "MG_BOOTSTRAP_DB_PREPARED_STATEMENTS=false"),
        (caused(ProgrammingError("prepared statement is not"), "26000"), "MG_BOOTSTRAP_DB_PREPARED_STATEMENTS=false"),
        (
            OperationalError("connection refused\n\tIs the server running?"),
            "PostgreSQL database d at h: connection",
        ),
        (IntegrityError("violates a constraint\nDETAIL:  Key (id)=(s3cret)"), "IntegrityError: violates a constraint"),
        (DataError(""), "DataError"),
    ],
)
@pytest.mark.usefixtures("role_of_database")
def test_a_cause_that_is_known_comes_with_what_mends_it(error, words):
    sentence = complaint(error)

    assert words in sentence
    assert "s3cret" not in sentence
    assert len(sentence.splitlines()) == 1
