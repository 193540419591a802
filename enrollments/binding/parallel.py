"""Asks the platform several things at once, for one bind or one refresh."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import Lock
from typing import Final, TypeVar

from bootstrap_project.database.pool import connection_released
from bootstrap_project.deadline import seconds_left
from enrollments.errors import check_time

T = TypeVar("T")

#: Calls of one caller that are under way together.
MAX_PARALLEL_CALLS: Final = 4
#: Threads of a process for all callers; more of them would only wait for connections, which are fewer.
MAX_THREADS: Final = 64
#: Calls end by themselves at the deadline and say which one it was; one that does not is left alone after this.
_GRACE_SECONDS: Final = 0.5


class _Threads:
    """How many threads are left; a caller that finds too few asks one thing after the other, and waits for nobody."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._lock = Lock()

    def take(self, wanted: int) -> int:
        with self._lock:
            taken = min(wanted, self._free)
            self._free -= taken
            return taken

    def give(self, number: int) -> None:
        with self._lock:
            self._free += number


_threads: Final = _Threads(MAX_THREADS)


def run_parallel(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Return what `calls` return, in their order; they run in other threads, so they must not use the database.

    Raises: what the first of them raises, without waiting for those behind it; DeadlinePassed.
    """
    threads = _threads.take(min(len(calls), MAX_PARALLEL_CALLS)) if len(calls) > 1 else 0
    if threads < 2:
        _threads.give(threads)
        return [call() for call in calls]
    executor = ThreadPoolExecutor(threads, thread_name_prefix="platform")
    unfinished = len(calls)
    counting = Lock()

    def count(_future: Future[T]) -> None:
        nonlocal unfinished
        with counting:
            unfinished -= 1
            if unfinished:
                return
        _threads.give(threads)

    # Each call sees the request's id and its deadline.
    futures = [executor.submit(copy_context().run, call) for call in calls]
    for future in futures:
        future.add_done_callback(count)
    try:
        with connection_released():
            return [_result(future) for future in futures]
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _result(future: Future[T]) -> T:
    left = seconds_left()
    try:
        return future.result(timeout=None if math.isinf(left) else left + _GRACE_SECONDS)
    except TimeoutError:
        check_time()
        raise
