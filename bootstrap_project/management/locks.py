"""What a migration shares a database with: another migration, which goes first, and whoever holds its tables."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from django.db import DatabaseError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

#: How long one try waits for each lock: everybody who comes after it for the same table waits as long.
LOCK_SECONDS: Final = 2
#: How long a try that had to wait leaves the tables to others before the next one.
PAUSE_SECONDS: Final = 5.0

#: Our key among PostgreSQL's advisory locks: "bsmg" in ASCII.
_MIGRATION: Final = 0x62736D67
_WAITING: Final = "Another process migrates this database; waiting for its end."
_LOOK_SECONDS: Final = 0.2
# No texts of statements, which may hold anything.
_BLOCKERS: Final = """
SELECT pid, coalesce(application_name, ''), coalesce(usename::text, ''), xact_start, query_start
  FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids(%s)) ORDER BY pid
"""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds what a migration waits for; the times are None where our role may not see them."""

    pid: int
    application: str
    user: str
    transaction_start: datetime | None
    query_start: datetime | None

    def __str__(self) -> str:
        since = [
            f"{what} since {when:%Y-%m-%d %H:%M:%S%z}"
            for what, when in (("transaction", self.transaction_start), ("statement", self.query_start))
            if when is not None
        ]
        who = ", ".join(
            [self.application or "no application name", *([f"user {self.user}"] if self.user else []), *since]
        )
        return f"pid {self.pid} ({who})"


def is_lock_timeout(error: BaseException) -> bool:
    """Return whether a statement was ended because somebody else held a lock for too long."""
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)


@contextmanager
def short_waits(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have statements on `connection` give up after `LOCK_SECONDS` of waiting for a lock, for the block.

    By a statement, since poolers refuse such a parameter as a connection starts. One that hands each transaction
    another connection would pass it on to others, so it is left out where nothing may be prepared for that reason.
    """
    connection.ensure_connection()
    raw: Any = connection.connection
    if raw.prepare_threshold is None:
        yield
        return
    raw.execute("SELECT set_config('lock_timeout', %s, false)", [f"{LOCK_SECONDS}s"])
    try:
        yield
    finally:
        with suppress(psycopg.Error):
            raw.execute("RESET lock_timeout")


@contextmanager
def only_migration(connection: BaseDatabaseWrapper, say: Callable[[str], object]) -> Iterator[None]:
    """Wait until no other process migrates this database, and keep others out for the block.

    On PostgreSQL by a lock of a transaction on a connection of its own, which poolers leave in one piece and which the
    server gives free when the process ends; on SQLite by a file beside the database, which may stay.
    """
    if connection.vendor == "sqlite":
        with _locked_file(connection, say):
            yield
        return
    own = connection.copy()
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_MIGRATION])
            row = cursor.fetchone()
            if not (row and row[0]):
                say(_WAITING)
                cursor.execute("SET LOCAL lock_timeout = 0")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_MIGRATION])
        yield
    finally:
        with suppress(DatabaseError):
            own.close()


@contextmanager
def _locked_file(connection: BaseDatabaseWrapper, say: Callable[[str], object]) -> Iterator[None]:
    database = str(connection.settings_dict["NAME"])
    with ExitStack() as stack:
        # Where it cannot be made, the database says more about why.
        with suppress(OSError):
            if not connection.is_in_memory_db():  # type: ignore[attr-defined]
                lock = stack.enter_context(Path(f"{database}.migrate.lock").open("ab"))
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    say(_WAITING)
                    fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Watch:
    """Looks, on a connection of its own, for whom another connection waits."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self.blockers: Sequence[Blocker] = ()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note in `blockers` who was waited for last while the block runs."""
        raw: Any = self._connection.connection
        self.blockers, over = (), threading.Event()
        thread = threading.Thread(
            target=self._look, args=(raw.info.backend_pid, over), name="migration-locks", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _look(self, pid: int, over: threading.Event) -> None:
        own = self._connection.copy()
        # Whom we wait for is worth telling; that it cannot be told is no reason to give up.
        with suppress(OperationalError):
            while not over.wait(_LOOK_SECONDS):
                with own.cursor() as cursor:
                    cursor.execute(_BLOCKERS, [pid])
                    self.blockers = [Blocker(*row) for row in cursor.fetchall()] or self.blockers
        with suppress(DatabaseError):
            own.close()
