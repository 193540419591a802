"""Connections for the threads of the server: a pool that they share, and how a thread lends out the one it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import local
from typing import Final

from django.db import DEFAULT_DB_ALIAS, connections

#: How long a thread waits for a connection: less than a health probe's caller waits for an answer.
WAIT_SECONDS: Final = 2.0
# After an outage one attempt to connect would grow ever rarer otherwise, and nobody else tries.
_RECONNECT_SECONDS: Final = 2.0


def share_connections(size: int, *, lock_timeout_seconds: float) -> None:
    """Have the requests of this process share `size` connections, each kept for one request.

    SQLite has no pool: there each request opens its own. Must be called before there are other threads.
    """
    # It would be given to a pool that it is none of.
    connections[DEFAULT_DB_ALIAS].close()
    database = connections.settings[DEFAULT_DB_ALIAS]
    database["CONN_MAX_AGE"] = 0
    if connections[DEFAULT_DB_ALIAS].vendor == "postgresql":
        if lock_timeout_seconds:
            database["TIME_LIMITS"] = {"lock_timeout": lock_timeout_seconds}
        database["OPTIONS"]["pool"] = {
            "min_size": 0,
            "max_size": size,
            "timeout": WAIT_SECONDS,
            "reconnect_timeout": _RECONNECT_SECONDS,
        }


class _Thread(local):
    #: How this thread lends out its connection for a block, where that is not the pool's.
    lend: Callable[[], AbstractContextManager[None]] | None = None


_thread: Final = _Thread()


@contextmanager
def lends_by(lend: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """Have `connection_released` enter `lend()` in this thread, during the block."""
    _thread.lend = lend
    try:
        yield
    finally:
        _thread.lend = None


@contextmanager
def connection_released() -> Iterator[None]:
    """Let others have this thread's connection while the block waits for something else than the database.

    Within a transaction it is kept. Outside of the server, where nobody else wants it, nothing happens.
    Raises: what whoever lends raises when there is none in time to come back to.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.in_atomic_block:
        yield
    elif _thread.lend is not None:
        with _thread.lend():
            yield
    else:
        if connection.settings_dict["OPTIONS"].get("pool"):
            # Gives it back; the next statement takes another one.
            connection.close()
        yield
