"""Fair use of the processor: tenants whose templates take long take turns, and no other tenant waits for them.

Python runs one thread at a time, and the slots for requests are few. A tenant with slow templates would fill all slots
with calls that are each within their budget. So the processor time beyond a usual rendering is charged to the tenant's
domain. While the domain owes, its work waits outside of the slots for the one turn that all debtors of a process share.
Without another active tenant nobody has to be spared, and a fleet with slow templates gets the whole machine.
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
#: What a tenant may take beyond that before owing, and how much is forgiven in a second. The compilation of a few
#: large templates after a start is within it.
CREDIT_SECONDS: Final = 0.25
FORGIVEN_A_SECOND: Final = 0.02
#: How long a debt may become: after that time, divided by the rate above, everything is forgiven.
MAX_OWED_SECONDS: Final = 1.0
#: For how long after a rendering a tenant counts as active.
ACTIVE_SECONDS: Final = 10.0
#: How many threads wait for the turn, and for how long; devices give up after ten seconds.
MAX_WAITING: Final = 64
MAX_WAIT_SECONDS: Final = 5.0
#: The pause after a turn, as a multiple of its time: debtors together get a quarter of a processor.
PAUSE_FACTOR: Final = 3.0
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
    """The debts of tenants, and the one turn of the debtors."""

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
        #: The tenant rendered last, and the one before, each with the time of it.
        self._last = self._before = ("", float("-inf"))
        #: By domain: what was owed, and when that was.
        self._owed: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @contextmanager
    def work_for(self, domain_id: str) -> Iterator[None]:
        """Work on a template of the tenant in the block, which needs no database; blocks may be nested.

        Raises: NoTurn for a debtor when too many wait already, or when the turn does not come in time.
        Cost: a microsecond for tenants without debts.
        """
        now = self._clock()
        if self._last[0] != domain_id:
            self._before = self._last
        self._last = domain_id, now
        if not self.owes(domain_id) or now - self._before[1] > ACTIVE_SECONDS:
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
                self._free_at = self._clock() + PAUSE_FACTOR * (self._work() - started)
                self._turn.release()

    def owes(self, domain_id: str) -> bool:
        """Return whether a tenant has taken more than its share lately."""
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
