"""Lets one refresh of a fleet run at a time; the lock ends with the process, even on SIGKILL."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import Error as DatabaseError

from enrollments.refresh.errors import AnotherRun, LockLost

#: The first half of our keys among PostgreSQL's advisory locks: "bsrf" in ASCII.
NAMESPACE: Final = 0x62737266
_WHOLE_FLEET: Final = 0


class RunLock(Protocol):
    """What a run has while no other may begin."""

    def check(self) -> None:
        """Make sure that others are still kept out.

        Raises: LockLost.
        """


@contextmanager
def exclusive_run(domain_id: str) -> Iterator[RunLock]:
    """Keep out every other run on this domain, or on any when `domain_id` is ""; runs on other domains may go on.

    PostgreSQL: advisory locks of a transaction on a connection of their own, which poolers leave in one piece and which
    the server gives free when the connection ends. SQLite: one run at a time, by a lock on a file beside the database,
    which the kernel gives free when the process ends; the file stays, empty. A database in memory has no other users.

    Raises: AnotherRun.
    """
    if connection.vendor == "postgresql":
        with _advisory(domain_id) as lock:
            yield lock
        return
    path = str(connection.settings_dict["NAME"])
    if ":memory:" in path or "mode=memory" in path:
        yield _Nothing()
        return
    with _file(Path(path)):
        yield _Nothing()


class _Nothing:
    def check(self) -> None:
        """Do nothing: a locked file stays locked."""


class _Connected:
    def __init__(self, own: BaseDatabaseWrapper) -> None:
        self._own = own

    def check(self) -> None:
        """Ask the connection that holds the locks, which also keeps it from being taken for idle."""
        try:
            with self._own.cursor() as cursor:
                cursor.execute("SELECT 1")
        except DatabaseError as error:
            raise LockLost(
                "the database connection that keeps other runs out was lost", "what was refreshed stays; start again"
            ) from error


@contextmanager
def _advisory(domain_id: str) -> Iterator[RunLock]:
    own = connection.copy()
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            # A run on one domain shares the lock on all of them, and has its own domain's for itself.
            if domain_id:
                cursor.execute("SELECT pg_try_advisory_xact_lock_shared(%s, %s)", [NAMESPACE, _WHOLE_FLEET])
                free = _is_true(cursor.fetchone())
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [NAMESPACE, _number(domain_id)])
                free = _is_true(cursor.fetchone()) and free
            else:
                cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [NAMESPACE, _WHOLE_FLEET])
                free = _is_true(cursor.fetchone())
        if not free:
            raise _another()
        yield _Connected(own)
    finally:
        with contextlib.suppress(DatabaseError):
            # The server notices a closed connection a moment later; the next run may come sooner.
            own.rollback()
        with contextlib.suppress(DatabaseError):
            own.close()


def _is_true(row: tuple[object, ...] | None) -> bool:
    return row is not None and row[0] is True


def _number(domain_id: str) -> int:
    """Return the second half of a domain's key: from 1 up to what a signed integer of 32 bits holds."""
    return int.from_bytes(hashlib.sha256(domain_id.encode()).digest()[:4], "big") % (2**31 - 1) + 1


@contextmanager
def _file(database: Path) -> Iterator[None]:
    # Never removed: a run that opened the file before its removal and one that made it anew would not see each other.
    with database.with_name(f"{database.name}.refresh.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _another() from error
        yield


def _another() -> AnotherRun:
    return AnotherRun(
        "another run refreshes this fleet", "wait for its end, or end it; a run that was killed holds nothing"
    )
