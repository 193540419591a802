"""Remembers what devices were answered, off their path: a bounded buffer in each process, written once a second."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.util import Finalize
from typing import Final

from django.conf import settings
from django.db import DataError, Error, IntegrityError, connection

from bootstrap_project.observability.metrics import count_attempt_flush_failure, count_attempts_dropped
from bootstrap_project.outcomes import AUTHENTICATED, Outcome
from configs.near_ids import find_near_ids
from devices.attempts.attempt import Attempt
from devices.attempts.summary import LastBootstrap, summarize
from devices.attempts.writer import BATCH, write_rows, write_summaries
from devices.rate_limit import RateLimit

logger = logging.getLogger(__name__)

#: The longest pause between two tries while the database does not take anything.
MAX_PAUSE_SECONDS: Final = 30.0
#: How long a stopping process waits for the last flush; servers kill what takes longer than ten seconds.
STOP_SECONDS: Final = 6.0
#: How often a config that was locked each time is tried again, before its summary is given up.
MAX_TRIES: Final = 10
#: How many seconds' worth of refused calls are kept at once after a quiet time.
REFUSED_BURST_SECONDS: Final = 100
# A server's own finalizers, which close what we need, have lower numbers and run later.
_FINALIZER_PRIORITY: Final = 100
_REJECTIONS: Final = (DataError, IntegrityError, TypeError, ValueError)


class Recorder:
    """One process's buffer of attempts, and the thread that empties it; made anew in a forked child.

    Shape: no more than `capacity` attempts wait, and no more than `capacity` configs' summaries; what is too much is
    dropped and counted. A `flush_seconds` of 0 starts no thread: `flush` is then up to the caller, as in tests.
    """

    def __init__(self, *, capacity: int, flush_seconds: float, refusals_per_second: float) -> None:
        self._capacity = capacity
        self._flush_seconds = flush_seconds
        self._refusals = RateLimit(refusals_per_second * REFUSED_BURST_SECONDS, refusals_per_second)
        self._waiting: deque[Attempt] = deque()
        self._taken: list[Attempt] = []
        self._summaries: dict[uuid.UUID, LastBootstrap] = {}
        self._is_kept_waiting = False
        self._flushing = threading.Lock()
        self._starting = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def admit(self, outcome: str, *, is_known: bool) -> bool:
        """Return whether an attempt with this outcome is to be added, or count it as dropped.

        Asked before there is an attempt: a flood of wrong keys is not worth making thousands of them. `is_known` says
        that the config is.
        """
        if outcome in AUTHENTICATED or outcome == Outcome.PROBED:
            return True
        # By themselves, so that a flood of made-up ids does not hide who tries keys on a real device.
        if not self._refusals.spend("known" if is_known else "unknown"):
            return True
        count_attempts_dropped("limited")
        return False

    def add(self, attempt: Attempt) -> None:
        """Take in one attempt, or count it as dropped.

        Cost: a microsecond; no I/O and no wait.
        """
        if len(self._waiting) >= self._capacity:
            count_attempts_dropped("full")
            return
        attempt.shorten()
        self._waiting.append(attempt)
        if self._thread is None and self._flush_seconds:
            self._start()

    def flush(self) -> bool:
        """Write what waits; return whether the database took it. What it did not take goes on waiting."""
        with self._flushing:
            try:
                self._flush_rows(len(self._waiting) + len(self._taken))
                self._flush_summaries()
            except Error as error:
                count_attempt_flush_failure()
                if not self._is_kept_waiting:
                    extra = {"error": type(error).__name__, "reason": str(error).strip(), "waiting": len(self._waiting)}
                    logger.warning("attempts wait for the database", extra=extra)
                self._is_kept_waiting = True
                # The next try begins with a fresh connection.
                if not connection.in_atomic_block:
                    with suppress(Error):
                        connection.close()
                return False
            if self._is_kept_waiting:
                self._is_kept_waiting = False
                logger.warning("attempts are written again")
            return True

    def stop(self) -> None:
        """Write what waits and end the thread; waits for it no longer than `STOP_SECONDS`."""
        # Said first: an attempt that comes late starts no thread while the interpreter ends.
        self._stopping.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread.is_alive():
            thread.join(STOP_SECONDS)

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None or self._stopping.is_set():
                return
            # A worker that was forked by multiprocessing, as granian's are, ends without running what atexit knows.
            Finalize(None, stop, exitpriority=_FINALIZER_PRIORITY)
            thread = threading.Thread(target=self._run, name="attempt-recorder", daemon=True)
            # One that could not be started is not taken for one that runs.
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        pause = self._flush_seconds
        while not self._stopping.wait(pause):
            pause = self._flush_seconds if self._flush_safely() else min(pause * 2, MAX_PAUSE_SECONDS)
            _disconnect()
        self._flush_safely()
        _disconnect()

    def _flush_safely(self) -> bool:
        try:
            return self.flush()
        except Exception:
            # A bug here must not end the thread, or attempts would be dropped until the next start.
            count_attempt_flush_failure()
            logger.exception("attempts could not be written")
            return False

    def _flush_rows(self, number: int) -> None:
        while number > 0 and (self._taken or self._waiting):
            if not self._taken:
                # Only this thread takes out, so that as many are there as were counted.
                self._taken = [self._waiting.popleft() for _ in range(min(BATCH, number, len(self._waiting)))]
            number -= len(self._taken)
            self._write_taken()

    def _write_taken(self) -> None:
        try:
            write_rows(self._taken)
        except _REJECTIONS:
            self._write_one_by_one()
        else:
            written, self._taken = self._taken, []
            self._follow_up(written)

    def _write_one_by_one(self) -> None:
        # A row that the database refuses now, it refuses every time: it must not hold up all that come after it.
        while self._taken:
            try:
                write_rows(self._taken[:1])
            except _REJECTIONS:
                count_attempts_dropped("rejected")
                logger.exception("the database refuses an attempt")
                del self._taken[0]
            else:
                self._follow_up([self._taken.pop(0)])

    def _follow_up(self, written: list[Attempt]) -> None:
        _tell_near_ids(written)
        left_out = summarize(written, self._summaries, most=self._capacity)
        if left_out:
            count_attempts_dropped("full", left_out)

    def _flush_summaries(self) -> None:
        waiting = list(self._summaries.values())
        for start in range(0, len(waiting), BATCH):
            batch = waiting[start : start + BATCH]
            for summary in batch:
                summary.tries += 1
            done = self._write_batch(batch)
            for summary in batch:
                # One that is never done usually belongs to a config that was deleted.
                if summary.config_id in done or summary.tries >= MAX_TRIES:
                    del self._summaries[summary.config_id]

    def _write_batch(self, batch: list[LastBootstrap]) -> set[uuid.UUID]:
        try:
            return write_summaries(batch)
        except _REJECTIONS:
            count_attempts_dropped("rejected", len(batch))
            logger.exception("the database refuses summaries of attempts")
            return {summary.config_id for summary in batch}


def _tell_near_ids(attempts: list[Attempt]) -> None:
    """Log which unknown ids are nearly a device's: the call's own line cannot, as all refusals take the same work."""
    unknown = {
        attempt.external_id: attempt.error_id
        for attempt in attempts
        if attempt.config_id is None and attempt.outcome == Outcome.REFUSED
    }
    if not unknown:
        return
    try:
        found = find_near_ids(unknown)
    except Error:
        # The rows are written; whoever reads them in the admin is told all the same.
        return
    for external_id, near in found.items():
        extra = {"request_id": unknown[external_id], "external_id": external_id, "config_id": near.config_id}
        logger.warning("unknown external id: %s", near, extra=extra)


_recorder: Recorder | None = None
_making = threading.Lock()


def record(outcome: str, make: Callable[[], Attempt], *, is_known: bool) -> None:
    """Remember the attempt that `make` makes, if one with this outcome is kept; never waits, never raises.

    Shape: `is_known` says that its config is.
    Cost: about a microsecond; the first one of a process starts its thread.
    """
    if not settings.RECORD_ATTEMPTS:
        return
    try:
        recorder = _recorder or _make()
        if recorder.admit(outcome, is_known=is_known):
            recorder.add(make())
    except Exception:
        # The device has its answer; that nobody will read about it must not take it away.
        count_attempts_dropped("error")
        logger.exception("attempt was not recorded")


def stop() -> None:
    """Write what waits and end this process's thread; a later attempt starts a new one."""
    global _recorder  # noqa: PLW0603 - one recorder a process.
    recorder = _recorder
    if recorder is not None:
        recorder.stop()
    _recorder = None


def _disconnect() -> None:
    # Gives it back to the pool, in which others wait for one.
    with suppress(Error):
        connection.close()


def _make() -> Recorder:
    global _recorder  # noqa: PLW0603 - one recorder a process.
    with _making:
        if _recorder is None:
            _recorder = Recorder(
                capacity=settings.ATTEMPT_BUFFER,
                flush_seconds=settings.ATTEMPT_FLUSH_SECONDS,
                refusals_per_second=settings.ATTEMPT_REFUSALS_PER_SECOND,
            )
        return _recorder


def _forget() -> None:
    # The parent writes what it took in; its thread is not here, and its locks may be held by nobody.
    global _recorder, _making  # noqa: PLW0603 - one recorder a process.
    _recorder = None
    _making = threading.Lock()


os.register_at_fork(after_in_child=_forget)
atexit.register(stop)
