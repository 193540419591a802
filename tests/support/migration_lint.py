"""Refuses migrations that lock tables for long, or break the release before, which runs on the newer schema meanwhile.

`python -m tests.support.migration_lint` (a part of `make check`) applies all migrations to an empty PostgreSQL and has
squawk judge what they send to it, so that what their code does is judged, too. Whoever needs what is refused spreads it
over two releases, or says in `LOOKED_AT` why it does no harm.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.db.migrations import Migration

from tests.benchmarks.__main__ import new_database
from tests.support.postgres import PostgresError, PostgresServer
from tests.support.server import DEFAULTS

_FIRST_RELEASE = "is in the first release: it runs before there is anybody to wait for it"
_WITH_ITS_TABLE = "came in one release with its table: no release before it uses that"
#: Migrations with findings that do no harm, each with the reason. Those without a finding have no place here.
LOOKED_AT: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "auth.0002_alter_permission_name_max_length",
            "auth.0003_alter_user_email_max_length",
            "auth.0005_alter_user_last_login_null",
            "auth.0008_alter_user_username_max_length",
            "auth.0009_alter_user_last_name_max_length",
            "auth.0010_alter_group_name_max_length",
            "auth.0012_alter_user_first_name_max_length",
            "axes.0005_remove_accessattempt_trusted",
            "axes.0006_remove_accesslog_trusted",
            "axes.0007_alter_accessattempt_unique_together",
            "axes.0009_add_session_hash",
            "configs.0002_name_search",
            "configs.0005_newest_first",
            "configs.0006_totals",
            "contenttypes.0002_remove_content_type_name",
        ),
        _FIRST_RELEASE,
    ),
    **dict.fromkeys(
        (
            "django_tasks_database.0003_dbtaskresult_enqueued_at_dbtaskresult_finished_at",
            "django_tasks_database.0005_alter_dbtaskresult_priority_and_more",
            "django_tasks_database.0009_remove_results_field",
            "django_tasks_database.0010_alter_dbtaskresult_status",
            "django_tasks_database.0012_add_separate_exception_fields",
            "django_tasks_database.0014_remove_dbtaskresult_exception_data",
            "django_tasks_database.0016_remove_dbtaskresult_django_task_new_ordering_idx_and_more",
            "django_tasks_database.0017_dbtaskresult_metadata",
            "django_tasks_database.0018_rename_succeeded_status",
            "django_tasks_database.0019_rename_django_task_new_ordering_idx_tasks_db_new_ordering_idx_and_more",
            "django_tasks_database.0020_update_db_task_result_ordering",
            "django_tasks_database.0021_conditional_partial_index_ordering",
        ),
        _WITH_ITS_TABLE,
    ),
}

#: Rules of style, which Django's SQL does not keep; time-outs, which `manage.py migrate` sets by itself; and a
#: constraint that is gone, which no release misses.
_NOT_ASKED: Final = (
    "ban-char-field",
    "ban-drop-constraint",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-robust-stmts",
    "prefer-text-field",
    "prefer-timestamp-tz",
    "require-timeout-settings",
)
#: What harms only by the time that it takes, and statements on tables that stay small: it is over at once there.
_LOCKS: Final = frozenset(
    {
        "adding-foreign-key-constraint",
        "constraint-missing-not-valid",
        "require-concurrent-index-creation",
        "require-concurrent-index-deletion",
    }
)
_SMALL: Final = re.compile(r'"?(adminsite|auth|axes)_')
_TARGET: Final = re.compile(r"(?:ALTER TABLE|DROP INDEX|CREATE (?:UNIQUE )?INDEX \S+ ON)(?: IF EXISTS| ONLY)* (\S+)")
_CHANGES_SCHEMA: Final = re.compile(r"\s*(ALTER|CREATE|DROP|REINDEX|CLUSTER|VACUUM|LOCK|TRUNCATE)\b", re.IGNORECASE)
_DROP_DEFAULT: Final = re.compile(r"ALTER TABLE (\S+) ALTER COLUMN (\S+) DROP DEFAULT")


@dataclass
class Script:
    """What one migration sends to the database to change its schema."""

    name: str
    is_atomic: bool = True
    statements: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return a line for each statement, as squawk names them by their lines."""
        lines = [f"{' '.join(one.split()).rstrip(';')};" for one in self.statements]
        return ["BEGIN;", *lines, "COMMIT;"] if self.is_atomic else lines

    def is_harmless(self, rule: str, statement: str) -> bool:
        """Tell whether squawk, which knows neither our tables nor Django, refuses it for nothing."""
        target = _TARGET.match(statement)
        if target is not None and any(one.startswith(f"CREATE TABLE {target[1]} ") for one in self.lines()):
            return True
        if rule in _LOCKS and target is not None and _SMALL.match(target[1]):
            return True
        if rule == "renaming-object" and statement.startswith("ALTER INDEX"):
            return True
        # The database asks for the time once, and stores it without touching a row.
        if rule == "adding-field-with-default" and "DEFAULT (STATEMENT_TIMESTAMP())" in statement:
            return True
        dropped = _DROP_DEFAULT.match(statement)
        if rule != "ban-drop-default" or dropped is None:
            return False
        # Django fills a new column so; the release before leaves it empty, where it may be.
        added = re.compile(rf"ALTER TABLE {re.escape(dropped[1])} ADD COLUMN {re.escape(dropped[2])} .* NULL\b")
        return any((made := added.match(one)) is not None and "NOT NULL" not in made[0] for one in self.lines())


@dataclass(frozen=True)
class Finding:
    """A statement that is refused, and why."""

    migration: str
    rule: str
    message: str
    statement: str

    def __str__(self) -> str:
        return f"{self.migration}: {self.message} ({self.rule})\n    {self.statement[:300]}"


@contextmanager
def recorded(connection: Any, script: Script) -> Iterator[None]:
    """Note in `script` what is sent over `connection` in the block to change the schema."""

    def note(execute: Any, sql: Any, parameters: Any, many: bool, context: Any) -> Any:
        if _CHANGES_SCHEMA.match(str(sql)):
            script.statements.append(connection.ops.compose_sql(str(sql), parameters or None))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        yield


def record_all(connection: Any) -> list[Script]:
    """Apply all migrations to an empty database, and return what each of them sent."""
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415 - Django must be set up.

    scripts: list[Script] = []
    with ExitStack() as stack:

        def follow(action: str, migration: Migration | None = None, *_: bool | None) -> None:
            if migration is not None and action == "apply_start":
                scripts.append(Script(str(migration), is_atomic=migration.atomic))
                stack.enter_context(recorded(connection, scripts[-1]))
            elif action == "apply_success":
                stack.pop_all().close()

        executor = MigrationExecutor(connection, follow)
        executor.migrate(executor.loader.graph.leaf_nodes())
    return scripts


def judge(scripts: Sequence[Script]) -> list[Finding]:
    """Return what is to be refused of it."""
    found = []
    with tempfile.TemporaryDirectory(prefix="bootstrap-migrations-") as folder:
        files = {str(Path(folder, f"{number}.sql")): script for number, script in enumerate(scripts)}
        for path, script in files.items():
            Path(path).write_text("\n".join(script.lines()), encoding="utf-8")
        squawk = [str(Path(sys.executable).with_name("squawk")), "--reporter", "json", "--pg-version", "14"]
        done = subprocess.run(
            [*squawk, *(f"--exclude={rule}" for rule in _NOT_ASKED), *files],
            capture_output=True,
            text=True,
            check=False,
        )
    # It says "[]" where there is nothing to say.
    for one in json.loads(done.stdout):
        script = files[one["file"]]
        statement = script.lines()[one["line"]]
        if not script.is_harmless(one["rule_name"], statement):
            found.append(Finding(script.name, one["rule_name"], one["message"], statement))
    return found


def complaints(findings: Sequence[Finding], looked_at: Mapping[str, str]) -> list[str]:
    """Return what stops a check: findings that nobody has looked at, and excuses of what has none."""
    excused = {one.migration for one in findings if one.migration in looked_at}
    return [
        *(str(one) for one in findings if one.migration not in looked_at),
        *(f"{name} stands in LOOKED_AT, and has nothing to excuse" for name in looked_at if name not in excused),
    ]


def main() -> int:
    """Judge all migrations; return 1 when one is refused."""
    with ExitStack() as stack:
        try:
            server = os.environ.get("TEST_DATABASE_URL") or stack.enter_context(PostgresServer()).url
        except PostgresError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        os.environ |= {**DEFAULTS, "DATABASE_URL": new_database(server)}
        os.environ["DJANGO_SETTINGS_MODULE"] = "bootstrap_project.settings"
        import django  # noqa: PLC0415 - the environment must be there first.
        from django.db import connection  # noqa: PLC0415 - the same.

        django.setup()
        try:
            scripts = record_all(connection)
        finally:
            connection.close()
    found = complaints(judge(scripts), LOOKED_AT)
    for one in found:
        sys.stderr.write(f"{one}\n")
    if found:
        sys.stderr.write("The docstring of tests/support/migration_lint.py says what to do.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
