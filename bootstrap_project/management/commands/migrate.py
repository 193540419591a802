"""`manage.py migrate`, safe to repeat after any end, and polite to whoever uses the database meanwhile."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, ProgrammingError, connections, transaction
from django.db.migrations import Migration
from django.db.migrations.recorder import MigrationRecorder
from psycopg import errors

from bootstrap_project.database.describe import describe_database
from bootstrap_project.management.leftovers import is_there
from bootstrap_project.management.locks import PAUSE_SECONDS, Watch, is_lock_timeout, only_migration, short_waits

#: For how long we go on trying to get locks that others hold.
DEFAULT_LOCK_WAIT_SECONDS: Final = 3600
_EXISTS: Final = (errors.DuplicateTable, errors.DuplicateColumn, errors.DuplicateObject)
_EXISTS_SQLITE: Final = ("already exists", "duplicate column name")


class Command(migrate.Command):
    """Django's command with three habits of its own.

    - A migration and the note that it was applied are one transaction. Django notes some of them in a second one: a
      process that ended between the two left tables that every later run failed to make again. What an earlier release
      left so is recognised, and noted.
    - A lock that somebody holds is waited for in short tries, as everybody who comes later waits behind us.
    - Two processes migrate one after the other.
    """

    _alias: str
    _current: Migration | None = None
    _transaction: ExitStack | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--lock-wait",
            type=int,
            default=DEFAULT_LOCK_WAIT_SECONDS,
            metavar="SECONDS",
            help="how long to go on trying while others hold tables that are to be changed (3600)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, again and again while others hold what is to be changed."""
        self._alias = options["database"]
        connection = connections[self._alias]
        if options["verbosity"]:
            self.stdout.write(f"Migrating {describe_database(connection.settings_dict)}.")
        # What only reads waits for nobody.
        if options["plan"] or options["check_unapplied"]:
            self._try(*args, **options)
            return
        with only_migration(connection, self.stderr.write):
            migrate_once = self._try_until_free if connection.vendor == "postgresql" else self._try
            migrate_once(*args, **options)

    def _try_until_free(self, *args: Any, **options: Any) -> None:
        end = time.monotonic() + options["lock_wait"]
        watch = Watch(connections[self._alias])
        while True:
            try:
                with short_waits(connections[self._alias]), watch.watching():
                    self._try(*args, **options)
            except OperationalError as error:
                if not is_lock_timeout(error):
                    raise
                who = "; ".join(map(str, watch.blockers)) or "a session that ended meanwhile"
                name = f"{self._current} waits for a lock" if self._current else "Waiting for a lock"
                if time.monotonic() >= end:
                    raise CommandError(
                        f"{name} held by {who}. Nothing of it was changed; run migrate again."
                    ) from error
                self.stderr.write(f"{name} held by {who}. Trying again in {PAUSE_SECONDS:.0f} seconds.")
                time.sleep(PAUSE_SECONDS)
            else:
                return

    def _try(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except BaseException as error:
            # Ctrl-C as well: nothing of the migration that was under way may stay.
            if self._transaction is not None:
                self._transaction.__exit__(*sys.exc_info())
                self._transaction = None
            if self._current is None or not _exists_already(error):
                raise
            left, self._current = self._current, None
            if not is_there(connections[self._alias], left):
                raise CommandError(
                    f"Some of what {left} makes is there already, and not all of it: somebody else has made it. "
                    "Nothing of it was changed. Restore the database, or take out what is there."
                ) from error
            self._note(left)
        else:
            return
        self._try(*args, **options)

    def _note(self, migration: Migration) -> None:
        MigrationRecorder(connections[self._alias]).record_applied(migration.app_label, migration.name)
        self.stderr.write(f"{migration} was applied by a run that ended before it could note so; noted now.")

    def migration_progress_callback(self, action: str, migration: Migration | None = None, fake: bool = False) -> None:
        """Begin and end the transaction of a migration around what Django does for it."""
        if action in {"apply_success", "unapply_success"}:
            self._commit()
        super().migration_progress_callback(action, migration, fake)
        if migration is not None and action in {"apply_start", "unapply_start"}:
            self._begin(migration)

    def _begin(self, migration: Migration) -> None:
        self._current = migration
        if not migration.atomic:
            # It cannot be done within a transaction, and is repeatable by itself.
            return
        connection = connections[self._alias]
        with ExitStack() as stack:
            # SQLite can switch its checks off between transactions alone; elsewhere this does nothing.
            if connection.vendor == "sqlite" and connection.disable_constraint_checking():
                stack.callback(connection.enable_constraint_checking)
            stack.enter_context(transaction.atomic(using=self._alias))
            self._transaction = stack.pop_all()

    def _commit(self) -> None:
        entered, self._transaction, self._current = self._transaction, None, None
        if entered is not None:
            entered.close()


def _exists_already(error: BaseException) -> bool:
    if isinstance(error, ProgrammingError):
        return isinstance(error.__cause__, _EXISTS)
    return isinstance(error, OperationalError) and any(words in str(error) for words in _EXISTS_SQLITE)
