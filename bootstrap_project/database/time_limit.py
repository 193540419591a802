"""Until when somebody must be answered: every wait for the database on their behalf ends before that.

The database keeps the time-outs of statements, and one that is paused, or behind a network that swallows packets, keeps
none. So waiting at the connection's own socket has an end as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import monotonic
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen

#: What of the time is kept for making an answer after a statement or a connection was given up, in seconds.
ANSWER_SECONDS: Final = 0.5

_T = TypeVar("_T")
_until: Final = ContextVar[float]("bootstrap_answer_until", default=inf)


class OutOfTime(psycopg.OperationalError):
    """The database did not answer while there was time; the connection is closed."""


@contextmanager
def answered_within(seconds: float) -> Iterator[None]:
    """End all waiting for the database in the block so that there is an answer `seconds` from now."""
    token = _until.set(monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def answer_seconds_left() -> float:
    """Return in how many seconds there must be an answer; infinitely many where nothing says so."""
    return _until.get() - monotonic()


class TimedConnection(psycopg.Connection[Any]):
    """A connection of psycopg's on which nobody waits for longer than there is time."""

    def wait(self, gen: PQGen[_T], interval: float = 0.1, timeout: float | None = None) -> _T:
        """Wait for `gen`, which is all that the driver does with the connection once it is open.

        Raises: OutOfTime.
        """
        left = answer_seconds_left() - ANSWER_SECONDS
        if left == inf:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, max(left, 0.0) if timeout is None else min(max(left, 0.0), timeout))
        except psycopg.OperationalError as error:
            if answer_seconds_left() > ANSWER_SECONDS:
                raise
            # Whatever it still says, nobody would know to which question.
            self.pgconn.finish()
            raise OutOfTime("the database did not answer in time") from error
