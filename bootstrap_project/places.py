"""Places for requests: how many of a kind are worked on at once, each with a database connection that goes with it.

The server gives a thread to every request that it takes on, hundreds of them when a site comes back at once. Threads
that wait cost nothing; what they would do all at once does: each would want a database connection of its own, and all
of them the interpreter. So devices wait for one of a few places, programs and people for one of a few others, and
neither kind stands in the other's way. Whoever waits for something else than the database meanwhile, a slow hash or the
platform, does so outside and leaves the place to others. Nobody waits without an end: whoever has waited long enough,
or comes while there is no hope, is told so. Without a production server (tests, commands) nothing waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from threading import Lock, local
from time import monotonic
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from bootstrap_project.errors import BootstrapError, ErrorKind

#: Stands in a request's environment when there was no place for it: why, as a `NoPlace`; no header can set it.
REFUSAL: Final = "bootstrap.no_place"
#: What of the time for an answer is kept for the work at a place, in seconds: nobody gets one later than that.
WORK_SECONDS: Final = 2.5
#: What is kept for making an answer after a connection or a statement was given up.
ANSWER_SECONDS: Final = 0.5

_RETRY_SECONDS: Final = 2
_TOO_MANY: Final = "too many requests are waiting; try again"
# The driver takes less for this.
_SHORTEST_CONNECT_SECONDS: Final = 2


class NoPlace(BootstrapError):
    """There is no place in time, or none at all for now."""

    kind = ErrorKind.UNAVAILABLE

    def __init__(self, why: str = _TOO_MANY) -> None:
        super().__init__("service temporarily unavailable", why, retry_after=_RETRY_SECONDS)


def _allow() -> None:
    """Let everybody connect."""


class Place:
    """The right to work, and a database connection that stays open for whoever works here next.

    `taken_at` is when it was taken, `until` when whoever has it must have answered (both `time.monotonic`, and None
    while it is free; `until` also where there is no such time).
    """

    def __init__(self, may_connect: Callable[[], None] = _allow, *, lock_timeout_seconds: int = 0) -> None:
        """Connect at the first use, unless `may_connect` raises then; 0 waits for locks as the database says."""
        self.taken_at: float | None = None
        self.until: float | None = None
        self.connection: BaseDatabaseWrapper = connections.create_connection(DEFAULT_DB_ALIAS)
        # One thread after the other has it, never two at a time.
        self.connection.inc_thread_sharing()
        connect = self.connection.get_new_connection

        def connect_if_allowed(parameters: dict[str, Any]) -> Any:
            may_connect()
            return connect(_in_time(parameters))

        self.connection.get_new_connection = connect_if_allowed  # type: ignore[assignment]
        if not lock_timeout_seconds:
            return
        begin = self.connection.init_connection_state

        def begin_with_lock_timeout() -> None:
            begin()
            _limit_waiting(self.connection, lock_timeout_seconds)

        self.connection.init_connection_state = begin_with_lock_timeout  # type: ignore[method-assign]


def _in_time(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what to connect with so that it ends before this thread must have answered."""
    left = seconds_left() - ANSWER_SECONDS
    if "connect_timeout" not in parameters or left >= parameters["connect_timeout"]:
        return parameters
    if left < _SHORTEST_CONNECT_SECONDS:
        raise OperationalError("no time is left to connect")
    return parameters | {"connect_timeout": int(left)}


def _limit_waiting(connection: BaseDatabaseWrapper, seconds: int) -> None:
    """Have whoever waits for a lock longer than that told so.

    By a statement, since poolers refuse such a parameter as a connection starts. One that hands each transaction
    another connection would pass it on to others, so it is left out where nothing may be prepared for that reason.
    """
    raw: Any = connection.connection
    if connection.vendor == "postgresql" and raw.prepare_threshold is not None:
        raw.execute("SELECT set_config('lock_timeout', %s, false)", [f"{seconds}s"])


class _Waiter:
    """Whoever waits; `place` stays None for one that is sent away, whose lock is free then as well."""

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
        wait_seconds: float = inf,
        answer_seconds: float = inf,
    ) -> None:
        """Make `number` places, of which those that are never needed at once never connect; `crowd` wait in a crowd.

        Nobody waits for one longer than `wait_seconds`, nor so long that an answer comes later than `answer_seconds`
        after the arrival.
        """
        self._crowd = crowd
        self._wait_seconds = wait_seconds
        self._answer_seconds = answer_seconds
        self._lock = Lock()
        self._all = tuple(Place(may_connect, lock_timeout_seconds=lock_timeout_seconds) for _ in range(number))
        self._free = list(self._all)
        self._waiting: deque[_Waiter] = deque()
        self._preferred: deque[_Waiter] = deque()
        self._was_preferred = False
        self._closed = ""
        #: Called when a statement at one of the places was ended because of somebody's lock.
        self.on_lock: Callable[[], None] = _allow

    @contextmanager
    def place(self, *, preferred: bool = False) -> Iterator[bool]:
        """Hold a place for the block, its connection being this thread's; yields whether there was a crowd before it.

        Every other place goes to those who are not `preferred`, however many of the others come.
        The thread has no connection of its own before, and none after it.
        Raises: NoPlace.
        Cost: some microseconds where one is free.
        """
        _held.until = None if self._answer_seconds == inf else monotonic() + self._answer_seconds
        try:
            place, was_crowded = self._take(preferred=preferred)
            _enter(self, place)
            try:
                yield was_crowded
            finally:
                # Somebody who went outside may not have come back.
                if _held.place is not None:
                    self._give(_leave())
        finally:
            _held.until = None

    def close(self, why: str) -> None:
        """Send everybody away who waits or comes, telling `why`; those who have places keep them."""
        with self._lock:
            self._closed = why
            waiters = [*self._preferred, *self._waiting]
            self._preferred.clear()
            self._waiting.clear()
        for waiter in waiters:
            waiter.lock.release()

    def open(self) -> None:
        """Take `close` back."""
        with self._lock:
            self._closed = ""

    def taken(self) -> list[Place]:
        """Return the places that somebody holds."""
        return [place for place in self._all if place.taken_at is not None]

    def taken_for(self, seconds: float) -> list[Place]:
        """Return the places that somebody has held for longer than that."""
        before = monotonic() - seconds
        return [place for place in self._all if place.taken_at is not None and place.taken_at < before]

    def _take(self, *, preferred: bool = False, again: bool = False) -> tuple[Place, bool]:
        patience = min(self._wait_seconds, seconds_left() - WORK_SECONDS)
        queue = self._preferred if preferred or again else self._waiting
        with self._lock:
            if self._closed:
                raise NoPlace(self._closed)
            if self._free:
                # The one that was used last, whose connection is warm; others may never be needed.
                return self._free.pop(), False
            if patience <= 0:
                raise NoPlace
            waiter = _Waiter()
            was_crowded = len(self._waiting) + len(self._preferred) >= self._crowd
            if again:
                # Whoever comes back has waited before.
                queue.appendleft(waiter)
            else:
                queue.append(waiter)
        if not waiter.lock.acquire(timeout=-1 if patience == inf else patience):
            self._give_up(waiter, queue)
        if waiter.place is None:
            raise NoPlace(self._why_closed())
        return waiter.place, was_crowded

    def _why_closed(self) -> str:
        # It may be open again.
        return self._closed or _TOO_MANY

    def _give_up(self, waiter: _Waiter, queue: deque[_Waiter]) -> None:
        with self._lock:
            if waiter in queue:
                queue.remove(waiter)
                raise NoPlace
        # It was called up in this very moment, or sent away.
        waiter.lock.acquire()

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
    """What this thread holds, and until when it must have answered."""

    places: Places | None = None
    place: Place | None = None
    until: float | None = None


_held: Final = _Held()


def seconds_left() -> float:
    """Return in how many seconds this thread must have answered; infinitely many where it is nobody's."""
    return inf if _held.until is None else _held.until - monotonic()


def tell_lock() -> None:
    """Say that a statement of this thread was ended because of somebody's lock: who comes next would wait as long."""
    if _held.places is not None:
        _held.places.on_lock()


def _enter(places: Places, place: Place) -> None:
    _held.places, _held.place = places, place
    place.until, place.taken_at = _held.until, monotonic()
    # Django looks once a request whether the connection still lives that the request began with. Whoever was outside
    # comes back to another one, which may have been idle since before the database was restarted.
    place.connection.health_check_done = False  # type: ignore[attr-defined]
    connections[DEFAULT_DB_ALIAS] = place.connection


def _leave() -> Place:
    place = _held.place
    assert place is not None  # noqa: S101 - for the type checker: whoever leaves has entered.
    _held.places = _held.place = place.taken_at = place.until = None
    del connections[DEFAULT_DB_ALIAS]
    return place


@contextmanager
def outside() -> Iterator[None]:
    """Let somebody else have this thread's place while the block waits for something else than the database.

    Within a transaction the place is kept, since the connection goes with it.
    Raises: NoPlace when there is none in time to come back to.
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
