"""Who works on templates when: tenants whose templates take long take turns, and the others do not wait for them.

Python lets one thread work at a time, and the places for requests are few. A tenant whose templates take long, by
mistake or on purpose, would fill everybody's places with calls of his own, each within its budget. So what his
templates take beyond a usual rendering is charged to his domain; and while that owes, its work waits outside of the
places for the one turn that all who owe share in a process. Where no other tenant is about there is nobody to spare,
and all goes on as if nobody owed: a fleet whose templates are slow has the whole machine.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, RLock
from time import monotonic, sleep, thread_time
from typing import Final

from bootstrap_project.database.pool import connection_released
from bootstrap_project.errors import BootstrapError, ErrorKind

#: What a piece of work costs nothing for, in seconds of processor time: thirty times a usual rendering.
FREE_SECONDS: Final = 0.005
#: What a tenant may take beyond that before he owes, and how much of it is forgiven in a second. The compilation of a
#: few large templates after a start is within it.
CREDIT_SECONDS: Final = 0.25
FORGIVEN_A_SECOND: Final = 0.02
#: How long a debt may become: after that time, divided by the rate above, everything is forgiven.
MAX_OWED_SECONDS: Final = 1.0
#: For how long a tenant whose template was rendered counts as one who is about.
ABOUT_SECONDS: Final = 10.0
#: How many wait for the turn, and for how long; a device has given up after ten seconds.
MAX_WAITING: Final = 64
MAX_WAIT_SECONDS: Final = 5.0
#: For how many times as long as a turn took nobody has the next one: what those who owe get of a processor together.
REST: Final = 3.0
_RETRY_SECONDS: Final = 5
_MAX_TENANTS: Final = 1024


class NoTurn(BootstrapError):
    """Too much work on a tenant's templates waits already."""

    kind = ErrorKind.UNAVAILABLE

    def __init__(self) -> None:
        super().__init__(
            "service is unavailable",
            "templates of the domain take long and are rendered one at a time; try again",
            retry_after=_RETRY_SECONDS,
        )


class Turns:
    """The debts of tenants, and the turn of those who owe."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = monotonic,
        work: Callable[[], float] = thread_time,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self._pause = pause
        self._clock = clock
        self._work = work
        self._lock = Lock()
        self._turn = RLock()
        self._waiting = 0
        self._free_at = 0.0
        #: Whose templates were rendered last, and who was before him, each with the time of it.
        self._last = self._before = ("", float("-inf"))
        #: By domain: what was owed, and when that was.
        self._owed: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @contextmanager
    def work_for(self, domain_id: str) -> Iterator[None]:
        """Work on a template of the tenant in the block, which needs no database; it may be within another one.

        Raises: NoTurn when he owes and too many wait already, or it takes too long.
        Cost: a microsecond for who owes nothing.
        """
        now = self._clock()
        if self._last[0] != domain_id:
            self._before = self._last
        self._last = domain_id, now
        if not self.owes(domain_id) or now - self._before[1] > ABOUT_SECONDS:
            with self._charged(domain_id):
                yield
            return
        with self._lock:
            if self._waiting >= MAX_WAITING:
                raise NoTurn
            self._waiting += 1
        with connection_released():
            try:
                has_turn = self._turn.acquire(timeout=MAX_WAIT_SECONDS)
            finally:
                with self._lock:
                    self._waiting -= 1
            if not has_turn:
                raise NoTurn
            self._pause(max(0.0, self._free_at - self._clock()))
            started = self._work()
            try:
                with self._charged(domain_id):
                    yield
            finally:
                self._free_at = self._clock() + REST * (self._work() - started)
                self._turn.release()

    def owes(self, domain_id: str) -> bool:
        """Tell whether a tenant has taken more than his share lately."""
        return domain_id in self._owed and self._debt(domain_id) > CREDIT_SECONDS

    @contextmanager
    def _charged(self, domain_id: str) -> Iterator[None]:
        started = self._work()
        try:
            yield
        finally:
            taken = self._work() - started - FREE_SECONDS
            if taken > 0:
                self._charge(domain_id, taken)

    def _charge(self, domain_id: str, seconds: float) -> None:
        debt = min(MAX_OWED_SECONDS, self._debt(domain_id) + seconds)
        with self._lock:
            self._owed[domain_id] = debt, self._clock()
            self._owed.move_to_end(domain_id)
            while len(self._owed) > _MAX_TENANTS:
                self._owed.popitem(last=False)

    def _debt(self, domain_id: str) -> float:
        debt, since = self._owed.get(domain_id, (0.0, 0.0))
        return max(0.0, debt - FORGIVEN_A_SECOND * (self._clock() - since)) if debt else 0.0


turns: Final = Turns()
