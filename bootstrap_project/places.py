"""Places for requests: how many of a kind are worked on at once, each with a database connection that goes with it.

The server gives a thread to every request that it takes on, hundreds of them when a site comes back at once. Threads
that wait cost nothing; what they would do all at once does: each would want a database connection of its own, and all
of them the interpreter. So devices wait for one of a few places, programs and people for one of a few others, and
neither kind stands in the other's way. Whoever waits for something else than the database meanwhile, a slow hash or the
platform, does so outside and leaves the place to others. Without a production server (tests, commands) nothing waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, local
from time import monotonic
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper


def _allow() -> None:
    """Let everybody connect."""


class Place:
    """The right to work, and a database connection that stays open for whoever works here next.

    `taken_at` is when it was taken (`time.monotonic`), None while it is free.
    """

    def __init__(self, may_connect: Callable[[], None] = _allow, *, lock_timeout_seconds: int = 0) -> None:
        """Connect at the first use, unless `may_connect` raises then; 0 waits for locks as the database says."""
        self.taken_at: float | None = None
        self.connection: BaseDatabaseWrapper = connections.create_connection(DEFAULT_DB_ALIAS)
        # One thread after the other has it, never two at a time.
        self.connection.inc_thread_sharing()
        connect = self.connection.get_new_connection

        def connect_if_allowed(parameters: dict[str, Any]) -> Any:
            may_connect()
            return connect(parameters)

        self.connection.get_new_connection = connect_if_allowed  # type: ignore[assignment]
        if not lock_timeout_seconds:
            return
        begin = self.connection.init_connection_state

        def begin_with_lock_timeout() -> None:
            begin()
            _limit_waiting(self.connection, lock_timeout_seconds)

        self.connection.init_connection_state = begin_with_lock_timeout  # type: ignore[method-assign]


def _limit_waiting(connection: BaseDatabaseWrapper, seconds: int) -> None:
    """Have whoever waits for a lock longer than that told so.

    By a statement, since poolers refuse such a parameter as a connection starts. One that hands each transaction
    another connection would pass it on to others, so it is left out where nothing may be prepared for that reason.
    """
    raw: Any = connection.connection
    if connection.vendor == "postgresql" and raw.prepare_threshold is not None:
        raw.execute("SELECT set_config('lock_timeout', %s, false)", [f"{seconds}s"])


class _Waiter:
    __slots__ = ("lock", "place")

    def __init__(self) -> None:
        self.place: Place | None = None
        self.lock = Lock()
        self.lock.acquire()


class Places:
    """A number of places; whoever finds none free waits in the order of arrival, behind those who are preferred."""

    def __init__(
        self,
        number: int,
        *,
        crowd: int = 1,
        may_connect: Callable[[], None] = _allow,
        lock_timeout_seconds: int = 0,
    ) -> None:
        """Make `number` places, of which those that are never needed at once never connect; `crowd` wait in a crowd."""
        self._crowd = crowd
        self._lock = Lock()
        self._all = tuple(Place(may_connect, lock_timeout_seconds=lock_timeout_seconds) for _ in range(number))
        self._free = list(self._all)
        self._waiting: deque[_Waiter] = deque()
        self._preferred: deque[_Waiter] = deque()
        self._was_preferred = False

    @contextmanager
    def place(self, *, preferred: bool = False) -> Iterator[bool]:
        """Hold a place for the block, its connection being this thread's; yields whether there was a crowd before it.

        Every other place goes to those who are not `preferred`, however many of the others come.
        The thread has no connection of its own before, and none after it.
        Cost: some microseconds where one is free.
        """
        place, was_crowded = self._take(preferred=preferred)
        _enter(self, place)
        try:
            yield was_crowded
        finally:
            self._give(_leave())

    def taken_for(self, seconds: float) -> list[Place]:
        """Return the places that somebody has held for longer than that."""
        before = monotonic() - seconds
        return [place for place in self._all if place.taken_at is not None and place.taken_at < before]

    def _take(self, *, preferred: bool = False, again: bool = False) -> tuple[Place, bool]:
        with self._lock:
            if self._free:
                # The one that was used last, whose connection is warm; others may never be needed.
                return self._free.pop(), False
            waiter = _Waiter()
            was_crowded = len(self._waiting) + len(self._preferred) >= self._crowd
            if again:
                # Whoever comes back has waited before.
                self._preferred.appendleft(waiter)
            else:
                (self._preferred if preferred else self._waiting).append(waiter)
        with waiter.lock:
            assert waiter.place is not None  # noqa: S101 - for the type checker: it was set before the lock was free.
            return waiter.place, was_crowded

    def _give(self, place: Place) -> None:
        with self._lock:
            waiter = self._next()
            if waiter is None:
                self._free.append(place)
                return
        waiter.place = place
        waiter.lock.release()

    def _next(self) -> _Waiter | None:
        self._was_preferred = bool(self._preferred) and not (self._was_preferred and self._waiting)
        queue = self._preferred if self._was_preferred else self._waiting
        return queue.popleft() if queue else None


class _Held(local):
    """What this thread holds."""

    places: Places | None = None
    place: Place | None = None


_held: Final = _Held()


def _enter(places: Places, place: Place) -> None:
    _held.places, _held.place = places, place
    place.taken_at = monotonic()
    # Django looks once a request whether the connection still lives that the request began with. Whoever was outside
    # comes back to another one, which may have been idle since before the database was restarted.
    place.connection.health_check_done = False  # type: ignore[attr-defined]
    connections[DEFAULT_DB_ALIAS] = place.connection


def _leave() -> Place:
    place = _held.place
    assert place is not None  # noqa: S101 - for the type checker: whoever leaves has entered.
    _held.places = _held.place = place.taken_at = None
    del connections[DEFAULT_DB_ALIAS]
    return place


@contextmanager
def outside() -> Iterator[None]:
    """Let somebody else have this thread's place while the block waits for something else than the database.

    Within a transaction the place is kept, since the connection goes with it.
    """
    places = _held.places
    if places is None or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        yield
        return
    places._give(_leave())  # noqa: SLF001
    try:
        yield
    finally:
        place, _crowded = places._take(again=True)  # noqa: SLF001
        _enter(places, place)
