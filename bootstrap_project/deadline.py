"""When other services must have answered everything that one request, one device or one page asks of them.

A time-out bounds a single call; a request makes many of them. The deadline is known to whoever runs in the context that
set it: a thread that shall keep it runs in `contextvars.copy_context()`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class _Due:
    at: float
    seconds: float


_due: ContextVar[_Due | None] = ContextVar("bootstrap_deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End all that the block asks of others `seconds` from now; an earlier end that is set already stays."""
    around, own = _due.get(), _Due(time.monotonic() + seconds, seconds)
    token = _due.set(own if around is None or own.at < around.at else around)
    try:
        yield
    finally:
        _due.reset(token)


def seconds_left() -> float:
    """Return the time until the deadline: infinite where there is none, never below 0."""
    due = _due.get()
    return math.inf if due is None else max(0.0, due.at - time.monotonic())


def seconds_allowed() -> float:
    """Return how long the whole may take; infinite where there is no deadline."""
    due = _due.get()
    return math.inf if due is None else due.seconds


def acquire(lock: Lock) -> bool:
    """Wait for `lock` until the deadline, and tell whether it was had."""
    left = seconds_left()
    return lock.acquire() if math.isinf(left) else lock.acquire(timeout=left)
