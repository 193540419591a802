"""Keys that only a slow hash can decide: imported rows, a lost pepper (docs/contract.md#k2 and #k18).

A few threads compute the hashes, one after another. Callers wait if their turn comes soon; others get a `Retry-After`,
and their check is made all the same. It writes the digest, so that the next try is answered at once, also of a device
that ignores `Retry-After` and keeps a schedule of its own.
"""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.util import Finalize
from threading import RLock
from typing import Final

from django.conf import settings
from django.db import Error, connection

from bootstrap_project.database.pool import connection_released
from bootstrap_project.database.time_limit import answer_seconds_left
from bootstrap_project.database.trouble import note_trouble
from bootstrap_project.observability.metrics import count_key_verification
from configs.external_keys import (
    PresentedKey,
    StoredKey,
    read_stored_key,
    renew_stored_key,
    slow_method,
    verify_external_key,
)
from devices.bulkhead import WORK_SECONDS, NoPermit
from devices.errors import KeyCheckBusy, TooManyFailures
from devices.rate_limit import FailureLimits, failure_limits

logger = logging.getLogger(__name__)

#: The longest time to come back that is ever named; checks that would take longer are not taken on.
MAX_RETRY_SECONDS: Final = 120
#: Checks that one process holds, whatever they take: their keys are in memory alone.
MAX_PENDING: Final = 4096
#: What a slow hash costs until one was measured.
FIRST_GUESS_SECONDS: Final = 0.05
_WEIGHT: Final = 0.1


@dataclass(frozen=True, slots=True)
class KeyCheck:
    """A presented key and the row that it is to be checked against.

    Shape: `source` and `limited_id` say whose failure it would be, as `FailureLimits` counts them.
    """

    config_id: uuid.UUID
    stored: StoredKey
    presented: PresentedKey = field(repr=False)
    source: str
    limited_id: str | None = None

    @property
    def identity(self) -> tuple[uuid.UUID, StoredKey, str]:
        """What two checks share that have the same result; a wrong key is never taken for the right one's check."""
        return self.config_id, self.stored, next(iter(self.presented.digests.values()))


@dataclass(slots=True)
class QueuedCheck:
    """A check that is under way, and how many callers wait for it."""

    check: KeyCheck
    future: Future[KeyResult | None] = field(default_factory=Future)
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class KeyResult:
    """Whether the key is right, and what the row held after the check where that is known."""

    matched: bool
    stored: StoredKey | None


class SlowKeys:
    """The slow hashes of one process: few at once, few callers waiting, and a bounded queue."""

    def __init__(
        self,
        executor: Executor,
        limits: FailureLimits,
        *,
        threads: int,
        waiting: int,
        wait_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check in `executor`'s `threads`; `waiting` callers more than those wait for up to `wait_seconds` each."""
        self._executor = executor
        self._limits = limits
        self._threads = threads
        self._max_waiting = threads + waiting
        self._wait_seconds = wait_seconds
        self._clock = clock
        # Reentrant for executors that work at once, in the thread that submits.
        self._lock = RLock()
        self._pending: dict[object, QueuedCheck] = {}
        self._waiting = 0
        self._seconds = FIRST_GUESS_SECONDS

    def check(self, check: KeyCheck) -> tuple[KeyResult | None, bool]:
        """Return what the slow hash says, and whether this call was the one that paid for it.

        There is no result where the row changed before its turn came. What is stored is renewed when the key fits.
        Raises: TooManyFailures; KeyCheckBusy when the result is not there soon, which says when it is.
        """
        patience = min(self._wait_seconds, answer_seconds_left() - WORK_SECONDS)
        with self._lock:
            queued, is_own = self._join(check)
            retry_after = self._retry_after()
            # No thread waits in vain: behind a long queue its turn would not come.
            if self._waiting >= self._max_waiting or self._queue_seconds() > patience:
                raise self._busy(check, retry_after)
            self._waiting += 1
            queued.waiting += 1
        try:
            # Waiting needs no database: other devices have this one's permit meanwhile.
            with connection_released():
                return queued.future.result(patience), is_own
        except (TimeoutError, NoPermit):
            raise self._busy(check, retry_after) from None
        finally:
            with self._lock:
                self._waiting -= 1
                queued.waiting -= 1

    def _join(self, check: KeyCheck) -> tuple[QueuedCheck, bool]:
        """Return the check that is under way already, or begin it."""
        queued = self._pending.get(check.identity)
        if queued is not None:
            return queued, False
        try:
            self._limits.require(check.source, check.limited_id)
        except TooManyFailures:
            count_key_verification(slow_method(check.stored), "throttled")
            raise
        if len(self._pending) >= MAX_PENDING or self._queue_seconds() >= MAX_RETRY_SECONDS:
            raise self._busy(check, MAX_RETRY_SECONDS)
        queued = self._pending[check.identity] = QueuedCheck(check)
        try:
            self._executor.submit(self._work, queued)
        except RuntimeError:  # The process ends, or has no thread left.
            del self._pending[check.identity]
            raise self._busy(check, self._retry_after()) from None
        return queued, True

    def _busy(self, check: KeyCheck, retry_after: int) -> KeyCheckBusy:
        count_key_verification(slow_method(check.stored), "throttled")
        return KeyCheckBusy(retry_after=retry_after, config_id=check.config_id)

    def _queue_seconds(self) -> float:
        return len(self._pending) * self._seconds / self._threads

    def _retry_after(self) -> int:
        # Source: measured with 10,000 devices at once; a fixed time leaves a third of the machine idle.
        return min(MAX_RETRY_SECONDS, math.ceil(1 + self._queue_seconds()))

    def _work(self, queued: QueuedCheck) -> None:
        future, check, started = queued.future, queued.check, self._clock()
        result: KeyResult | None = None
        error: Exception | None = None
        try:
            result = self._decide(check)
        except TooManyFailures as raised:
            count_key_verification(slow_method(check.stored), "throttled")
            error = raised
        except Error as raised:
            # Callers that wait ask the database next, and find out. An outage has its own line; a crowd's checks would
            # repeat it a thousand times.
            if note_trouble(raised) is None:
                logger.exception("a kept key check failed")
        except Exception as raised:
            logger.exception("a kept key check failed")
            error = raised
        finally:
            # The thread may have nothing to do for long. (In a transaction the work was done in its own thread.)
            if not connection.in_atomic_block:
                with suppress(Error):
                    connection.close()
        with self._lock:
            del self._pending[check.identity]
            if result is not None:
                self._seconds += _WEIGHT * (self._clock() - started - self._seconds)
                if not queued.waiting:
                    outcome = "ok" if result.matched else "refused"
                    extra = {"config_id": str(check.config_id), "outcome": outcome}
                    logger.info("kept key check done", extra=extra)
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def _decide(self, check: KeyCheck) -> KeyResult | None:
        if read_stored_key(check.config_id) != check.stored:
            return None  # Decided by another process, or rotated.
        with self._limits.reserve(check.source, check.limited_id) as reservation:
            verification = verify_external_key(check.presented, check.stored)
            reservation.failed = not verification.matched
        count_key_verification(verification.method, "ok" if verification.matched else "refused")
        return KeyResult(verification.matched, _renew(check) if verification.matched else None)


def _renew(check: KeyCheck) -> StoredKey | None:
    extra = {"config_id": str(check.config_id)}
    try:
        renewed = renew_stored_key(check.config_id, check.presented, check.stored)
    except Error as error:
        # The device is who it says it is; that the next call will be slow again is no reason to send it away.
        if note_trouble(error) is None:
            logger.warning("stored key was not renewed", extra=extra | {"error": type(error).__name__})
        return check.stored
    logger.info("stored key renewed", extra=extra | {"renewed": renewed is not None})
    return renewed


@cache
def slow_keys() -> SlowKeys:
    """Return this process's slow keys, with threads that start at the first check."""
    executor = ThreadPoolExecutor(settings.KEY_CHECKS_AT_ONCE, thread_name_prefix="bootstrap-key-checks")
    # Python would work off the whole queue before a worker process ends. What is dropped is asked again.
    Finalize(None, executor.shutdown, kwargs={"wait": False, "cancel_futures": True}, exitpriority=10)
    return SlowKeys(
        executor,
        failure_limits(),
        threads=settings.KEY_CHECKS_AT_ONCE,
        waiting=settings.KEY_CHECKS_WAITING,
        wait_seconds=settings.KEY_CHECK_WAIT_SECONDS,
    )
