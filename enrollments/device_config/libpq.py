"""Runs one prepared statement through libpq: a fifth of a cursor's processor time.

psycopg's cursors adapt values, choose what to prepare and wait for the socket in Python; here all values are texts, the
statement is always the same one, and waiting is libpq's. It is psycopg's own, documented wrapper of libpq that is used,
on the connection that Django keeps.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import error_from_result
from psycopg.generators import execute
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

#: Rows of texts as PostgreSQL writes them.
Rows = list[tuple[str | None, ...]]

# The driver drops what is prepared after a rollback, a pooler hands over other connections, and a migration may change
# a table under the plan.
_NOT_PREPARED_ANY_MORE: Final = frozenset({"26000", "0A000"})
_numbers = itertools.count(1)
_names: WeakKeyDictionary[Any, dict[str, bytes]] = WeakKeyDictionary()


def can_fetch(connection: BaseDatabaseWrapper) -> bool:
    """Return whether statements may be prepared on this connection, and nobody wants to see or to change them.

    In a transaction a name that is gone would be the end of it, and the driver drops all names after a rollback.
    """
    is_watched = connection.queries_logged or connection.execute_wrappers
    if connection.vendor != "postgresql" or connection.in_atomic_block or is_watched:
        return False
    connection.ensure_connection()
    return connection.connection.prepare_threshold is not None


def fetch_rows(connection: BaseDatabaseWrapper, statement: str, parameters: Sequence[str]) -> Rows:
    """Return the rows of `statement`, whose parameters are written `%s`, all of them texts.

    Raises: django.db.Error, as a cursor does.
    Cost: one round trip; another one before the first use on a connection.
    """
    values = [parameter.encode() for parameter in parameters]
    with connection.wrap_database_errors:
        raw = connection.connection
        with raw.lock:
            return _rows(_executed(raw, statement, values))


def _executed(raw: psycopg.Connection[Any], statement: str, values: list[bytes]) -> PGresult:
    names = _names.get(raw)
    if names is None:
        names = _names[raw] = {}
    pgconn = raw.pgconn
    result: PGresult
    for is_last in (False, True):
        name = names.get(statement) or names.setdefault(statement, _prepare(raw, statement))
        pgconn.send_query_prepared(name, values)
        # The driver's own wait, which ends when there is no time left to answer.
        (result,) = raw.wait(execute(pgconn))
        if result.status == ExecStatus.TUPLES_OK:
            return result
        error = _error(pgconn, result)
        if error.sqlstate not in _NOT_PREPARED_ANY_MORE:
            # A wait that was cut short, say: the plan stays, and so does its name.
            raise error
        del names[statement]
        if is_last:
            raise error
    raise AssertionError("the last try returns or raises")


def _prepare(raw: psycopg.Connection[Any], statement: str) -> bytes:
    """Have `statement` planned and return the name of the plan, which lives as long as the connection."""
    pgconn = raw.pgconn
    first, *others = statement.split("%s")
    numbered = first + "".join(f"${number}{part}" for number, part in enumerate(others, start=1))
    name = f"bootstrap_{next(_numbers)}".encode()
    pgconn.send_prepare(name, numbered.encode())
    result: PGresult
    (result,) = raw.wait(execute(pgconn))
    if result.status != ExecStatus.COMMAND_OK:
        raise _error(pgconn, result)
    return name


def _error(pgconn: PGconn, result: PGresult) -> psycopg.Error:
    if pgconn.status == ConnStatus.BAD:
        return psycopg.OperationalError("the connection was lost")
    return error_from_result(result)


def _rows(result: PGresult) -> Rows:
    columns = range(result.nfields)
    get = result.get_value
    return [
        tuple([None if (value := get(row, column)) is None else value.decode() for column in columns])
        for row in range(result.ntuples)
    ]
