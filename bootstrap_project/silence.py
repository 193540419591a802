"""A database that says nothing any more: paused, or behind a network that swallows packets.

One that is down refuses connections and breaks those that there are; one that is silent keeps whoever asked it waiting
for ever, until all places are taken. So a thread looks whether somebody has held a place for long, asks the database
itself then, and if that gets no answer either, cuts the connections of those who wait. They are answered 503, as is
everybody else at once until the database speaks again. A slow statement of a database that answers is left alone.
"""

from __future__ import annotations

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connections

from bootstrap_project.places import Place, Places

logger = logging.getLogger(__name__)

#: How long a place is held before we ask the database, in seconds.
PATIENCE: Final = 3.0
#: How long the database may take to answer us, in seconds; a device's agent waits ten in all.
ANSWER_SECONDS: Final = 5


class Silence:
    """Watches over places, and says whether the database is silent; one for each process."""

    def __init__(self, *, answers: Callable[[], bool] | None = None, patience: float = PATIENCE) -> None:
        """Ask the database by `answers`, which tells whether it said anything."""
        self._answers = answers or database_answers
        self._patience = patience
        self._places: Sequence[Places] = ()
        self._is_silent = False
        self._starting = threading.Lock()
        self._started_in = 0

    def require_answers(self) -> None:
        """Raise OperationalError while the database is silent: whoever connected now would wait, too."""
        if self._is_silent:
            raise OperationalError("the database is silent")

    def watch(self, *places: Places) -> None:
        """Watch over `places` as soon as this process has started."""
        self._places = places

    def start(self) -> None:
        """Look now and then, from the first call in a process on: a forked one has no threads of its parent's."""
        if self._started_in == os.getpid():
            return
        with self._starting:
            if self._started_in != os.getpid():
                self._started_in = os.getpid()
                threading.Thread(target=self._run, name="database-silence", daemon=True).start()

    def look(self) -> None:
        """Look once, and cut the connections of those who wait for a silent database.

        Cost: nothing unless somebody has waited for long; then a connection, and `ANSWER_SECONDS` at the most.
        """
        waiting = [place for places in self._places for place in places.taken_for(self._patience)]
        if not waiting and not self._is_silent:
            return
        was_silent, self._is_silent = self._is_silent, not self._answers()
        if self._is_silent:
            for place in waiting:
                _cut(place)
        if self._is_silent != was_silent:
            level, text = (
                (logging.ERROR, "the database is silent; everybody is answered 503 until it speaks")
                if self._is_silent
                else (logging.WARNING, "the database speaks again")
            )
            logger.log(level, text, extra={"waiting": len(waiting)})

    def _run(self) -> None:
        while True:
            time.sleep(self._patience / 2)
            try:
                self.look()
            except Exception:
                # Without this thread a silent database would be waited for for ever.
                logger.exception("could not look whether the database is silent")


def database_answers() -> bool:
    """Tell whether the database says anything, be it an error, on a connection of our own, within `ANSWER_SECONDS`."""
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    if connection.vendor != "postgresql":
        return True
    parameters: dict[str, Any] = connection.get_connection_params() | {"connect_timeout": ANSWER_SECONDS}
    try:
        raw = connection.get_new_connection(parameters)
    except psycopg.errors.ConnectionTimeout:
        return False
    except (psycopg.Error, Error):
        return True
    try:
        raw.pgconn.send_query(b"SELECT 1")
        raw.pgconn.flush()
        # Not `select.select`, which knows no descriptors above 1,023.
        poll = select.poll()
        poll.register(raw.pgconn.socket, select.POLLIN)
        return bool(poll.poll(1000 * ANSWER_SECONDS))
    except psycopg.Error:
        return True
    finally:
        raw.close()


def _cut(place: Place) -> None:
    """End a place's connection under whoever waits for it, who finds it lost; nothing where it is not connected."""
    raw: Any = place.connection.connection
    if raw is None or place.connection.vendor != "postgresql":
        return
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(raw.pgconn.socket)) as handle:
        handle.shutdown(socket.SHUT_RDWR)
