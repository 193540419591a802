"""The database's clock, by which snapshots are dated: those of processes differ, and one may be wrong for a while."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import DateTimeField, Func, Value
from django.db.models.expressions import Combinable
from django.utils import timezone

#: A date so far ahead of the database's clock was written by a clock that was wrong, and says nothing.
LEEWAY: Final = timedelta(seconds=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def database_time() -> Combinable:
    """Return the time as an expression of a query; SQLite's is the process's own, which is on the same machine."""
    if connection.vendor == "postgresql":
        return Func(function="clock_timestamp", output_field=DateTimeField())
    return Value(timezone.now(), output_field=DateTimeField())


def time_of(row: Any) -> datetime:
    """Return the time with which a row was read, annotated as `database_time`."""
    read: datetime = row.database_time
    return read


def microseconds(moment: datetime) -> int:
    """Return a moment in microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


class DatabaseClock:
    """The database's clock as it was read once, carried on by a clock that nobody sets; for all threads.

    It is behind the database's by the time that the reading took, never ahead of it.
    """

    def __init__(self) -> None:
        """Read it.

        Cost: one statement on PostgreSQL.
        """
        self._read = _read()
        self._since = time.monotonic()

    def now(self) -> datetime:
        return self._read + timedelta(seconds=time.monotonic() - self._since)


def _read() -> datetime:
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row: Any = cursor.fetchone()
    read: datetime = row[0]
    return read
