"""How many calls of devices are worked on at once, each with a connection to the database that stays open.

The server gives a thread to every request that it takes on, hundreds of them when a site comes back at once. Threads
that wait cost nothing; what they would do all at once does: each would want a connection of its own, and all of them
the interpreter. So devices wait for one of a few permits, in the order of arrival, and no longer than there is time.

Once the database let somebody wait until the time was over (a table locked as a whole, a server that is paused), all
who come next would wait as long. Those are sent away at once until one of them, every second, tries again with success.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from threading import Lock, local
from time import monotonic
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from bootstrap_project.database.pool import lends_by
from bootstrap_project.database.time_limit import answer_seconds_left
from bootstrap_project.errors import BootstrapError, ErrorKind

#: Stands in a request's environment when there was no permit for it: why, as a `NoPermit`; no header can set it.
REFUSAL: Final = "bootstrap.no_permit"
#: Devices that wait in a process when we begin to end their connections: a sixth of its threads.
CROWD: Final = 64
#: What of the time for an answer is kept for the work with a permit, in seconds: nobody gets one later than that.
WORK_SECONDS: Final = 2.5
#: How long the database works on a statement whose caller may have gone.
STATEMENT_SECONDS: Final = 5.0
#: After a try that failed, how long nobody makes the next one.
TRY_AGAIN_SECONDS: Final = 1.0

_RETRY_SECONDS: Final = 2
_TOO_MANY: Final = "too many requests are waiting; try again"


class NoPermit(BootstrapError):
    """There is no permit in time, or none at all for now."""

    kind = ErrorKind.UNAVAILABLE

    def __init__(self, why: str = _TOO_MANY) -> None:
        super().__init__("service temporarily unavailable", why, retry_after=_RETRY_SECONDS)


class _Waiter:
    """Somebody in the queue; `connection` stays None for one that is sent away, whose lock is free then as well."""

    __slots__ = ("connection", "lock")

    def __init__(self) -> None:
        self.connection: BaseDatabaseWrapper | None = None
        self.lock = Lock()
        self.lock.acquire()


class Bulkhead:
    """A number of permits; calls that find none free wait in the order of arrival."""

    def __init__(
        self, size: int, *, crowd: int = 1, statement_seconds: float = STATEMENT_SECONDS, lock_seconds: float = 0
    ) -> None:
        """Make `size` permits, of which those that are never needed at once never connect; `crowd` wait in a crowd.

        The database ends statements, and waits for locks where `lock_seconds` is more than 0, that take longer.
        """
        self._crowd = crowd
        self._lock = Lock()
        self._limits = {"statement_timeout": statement_seconds} | (
            {"lock_timeout": lock_seconds} if lock_seconds else {}
        )
        self._unused = size
        # The one that was used last is taken first: it is warm, and others may never be needed.
        self._free: list[BaseDatabaseWrapper] = []
        self._waiting: deque[_Waiter] = deque()
        self._trouble = ""
        self._trying: BaseDatabaseWrapper | None = None
        self._try_again_at = 0.0

    @contextmanager
    def permit(self) -> Iterator[bool]:
        """Hold a permit for the block, its connection being this thread's; yields whether there was a crowd before it.

        A connection that the thread had of its own is closed.
        Raises: NoPermit.
        Cost: some microseconds where one is free.
        """
        connection, was_crowded = self._take()
        _enter(self, connection)
        try:
            with lends_by(self.released):
                yield was_crowded
        finally:
            # Somebody who released it may not have come back.
            if _held.bulkhead is not None:
                self._give(_leave())

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let somebody else have this thread's permit during the block; who comes back goes before those who are new.

        Raises: NoPermit when there is none in time to come back to.
        """
        self._give(_leave())
        try:
            yield
        finally:
            _enter(self, self._take(again=True)[0])

    def stop_waiting(self, why: str) -> None:
        """Refuse waiting and new calls with `why`, until a statement is answered again."""
        with self._lock:
            self._trouble, self._try_again_at = why, monotonic() + TRY_AGAIN_SECONDS
            waiters = list(self._waiting)
            self._waiting.clear()
        for waiter in waiters:
            waiter.lock.release()

    def note_answer(self) -> None:
        """Note that a statement was answered.

        Cost: nothing to speak of while all is well.
        """
        if self._trouble:
            with self._lock:
                self._trouble = ""

    def _take(self, *, again: bool = False) -> tuple[BaseDatabaseWrapper, bool]:
        patience = answer_seconds_left() - WORK_SECONDS
        with self._lock:
            is_free = bool(self._free or self._unused)
            if self._trouble and (not is_free or self._trying is not None or monotonic() < self._try_again_at):
                raise NoPermit(self._trouble)
            if is_free:
                connection = self._free.pop() if self._free else self._make_connection()
                if self._trouble:
                    self._trying = connection
                return connection, False
            if patience <= 0:
                raise NoPermit
            waiter = _Waiter()
            was_crowded = len(self._waiting) >= self._crowd
            if again:
                self._waiting.appendleft(waiter)
            else:
                self._waiting.append(waiter)
        if not waiter.lock.acquire(timeout=-1 if patience == inf else patience):
            self._give_up(waiter)
        if waiter.connection is None:
            # It may be well again by now.
            raise NoPermit(self._trouble or _TOO_MANY)
        return waiter.connection, was_crowded

    def _make_connection(self) -> BaseDatabaseWrapper:
        """Return a connection that is no pool's, stays open, and is opened at its first use."""
        self._unused -= 1
        connection = connections[DEFAULT_DB_ALIAS].copy()
        database: dict[str, Any] = connection.settings_dict
        database["CONN_MAX_AGE"] = None
        database["OPTIONS"].pop("pool", None)
        database["TIME_LIMITS"] = (database.get("TIME_LIMITS") or {}) | self._limits
        # One thread after the other has it, never two at a time.
        connection.inc_thread_sharing()
        return connection

    def _give_up(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
                raise NoPermit
        # It was called up in this very moment, or sent away.
        waiter.lock.acquire()

    def _give(self, connection: BaseDatabaseWrapper) -> None:
        with self._lock:
            if connection is self._trying:
                self._trying = None
            if not self._waiting:
                self._free.append(connection)
                return
            waiter = self._waiting.popleft()
        waiter.connection = connection
        waiter.lock.release()


class _Held(local):
    """The bulkhead in which this thread holds a permit."""

    bulkhead: Bulkhead | None = None


_held: Final = _Held()


def stop_waiting(why: str) -> None:
    """Note that a statement of this thread was given up because the database let it wait; `why` is for callers."""
    if _held.bulkhead is not None:
        _held.bulkhead.stop_waiting(why)


def note_answer() -> None:
    """Note that a statement of this thread was answered."""
    if _held.bulkhead is not None:
        _held.bulkhead.note_answer()


def _enter(bulkhead: Bulkhead, connection: BaseDatabaseWrapper) -> None:
    _held.bulkhead = bulkhead
    # Whatever this thread had would be forgotten while it is open, and be missing in its pool.
    for own in connections.all(initialized_only=True):
        own.close()
    # Django looks once a request whether the connection still lives that the request began with. Whoever comes back
    # comes to another one, which may have been idle since before the database was restarted.
    connection.health_check_done = False  # type: ignore[attr-defined]
    connections[DEFAULT_DB_ALIAS] = connection


def _leave() -> BaseDatabaseWrapper:
    connection: BaseDatabaseWrapper = connections[DEFAULT_DB_ALIAS]
    _held.bulkhead = None
    del connections[DEFAULT_DB_ALIAS]
    return connection
