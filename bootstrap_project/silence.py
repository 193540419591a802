"""A database that lets everybody wait: one that says nothing any more, or one of whose tables somebody has locked.

One that is down refuses connections and breaks those that there are. One that is silent (paused, or behind a network
that swallows packets) keeps whoever asked it waiting for ever, until all places are taken. So a thread looks whether
somebody has held a place for long, asks the database itself then, and if that gets no answer either, cuts the
connections of those who wait. While the tables that devices read are locked as a whole, each of them would wait for as
long as the one before. In both cases devices are answered 503 at once until the database gives a proper answer again. A
slow statement of a database that answers is left alone.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connections
from psycopg.pq import ExecStatus

from bootstrap_project.api.database_errors import DATABASE_LOCKED, DATABASE_SILENT
from bootstrap_project.overdue import cut
from bootstrap_project.places import Place, Places
from bootstrap_project.watching import Watch

logger = logging.getLogger(__name__)

#: How long a place is held before we ask the database, in seconds.
PATIENCE: Final = 2.5
#: How long the database may take to answer us, in seconds; a device is answered within eight in all.
ANSWER_SECONDS: Final = 3

# In one message, and so in one transaction: a pooler gives the setting to nobody else. The tables of a device's
# statement, and no rows of them.
_QUESTION: Final = (
    b"BEGIN; SET LOCAL lock_timeout = '1s';"
    b" SELECT 1 FROM configs_config, profiles_profile, enrollments_bindingsnapshot LIMIT 0; ROLLBACK"
)
_LOCK_NOT_AVAILABLE: Final = b"55P03"


class Trouble(Enum):
    """Why there is no use in waiting, in words for callers."""

    SILENT = DATABASE_SILENT
    LOCKED = DATABASE_LOCKED


_WORDS: Final = {
    Trouble.SILENT: "the database is silent; everybody is answered 503 until it speaks",
    Trouble.LOCKED: "a table that devices read is locked; they are answered 503 until it is free",
    None: "the database speaks again",
}


class Silence:
    """Watches over places, and says whether there is any use in asking the database; one for each process."""

    def __init__(
        self, *, ask: Callable[[], Trouble | None] | None = None, patience: float = PATIENCE, seconds: float = 0.5
    ) -> None:
        """Ask the database by `ask`, which tells what is wrong with it, every so many `seconds` while something is."""
        self._ask = ask or ask_database
        self._patience = patience
        self._places: Sequence[Places] = ()
        self._devices: Places | None = None
        self._noting = threading.Lock()
        self.trouble: Trouble | None = None
        self.watch = Watch("database-silence", self.look, seconds=seconds)

    def require_answers(self) -> None:
        """Raise OperationalError while the database is silent: whoever connected now would wait, too."""
        if self.trouble is Trouble.SILENT:
            raise OperationalError("the database is silent")

    def look_after(self, *places: Places, devices: Places) -> None:
        """Watch over `places` and those of `devices` as soon as this process has started."""
        self._places, self._devices = (*places, devices), devices
        devices.on_lock = self.tell_lock

    def tell_lock(self) -> None:
        """Take note of a device's statement that was ended because of a lock: its table is locked as a whole."""
        if self.trouble is None:
            self._note(Trouble.LOCKED, waiting=0)
            self.watch.hurry()

    def look(self) -> None:
        """Look once, and cut the connections of those who wait for a silent database.

        Cost: nothing unless somebody has waited for long; then a connection, and `ANSWER_SECONDS` at the most.
        """
        waiting = self._held_for(self._patience)
        if not waiting and self.trouble is None:
            return
        began = time.monotonic()
        trouble = self._ask()
        self._note(trouble, waiting=len(waiting))
        if trouble is Trouble.SILENT:
            # Whoever had a place when we began to ask has waited as long as we, and need not wait for the next look.
            for place in self._held_for(time.monotonic() - began):
                cut(place)

    def _held_for(self, seconds: float) -> list[Place]:
        return [place for places in self._places for place in places.taken_for(seconds)]

    def _note(self, trouble: Trouble | None, *, waiting: int) -> None:
        with self._noting:
            before, self.trouble = self.trouble, trouble
            if self._devices is not None:
                if trouble is None:
                    self._devices.open()
                else:
                    self._devices.close(trouble.value)
        if trouble is not before:
            logger.log(
                logging.WARNING if trouble is None else logging.ERROR, _WORDS[trouble], extra={"waiting": waiting}
            )


def ask_database() -> Trouble | None:
    """Tell what is wrong with the database, on a connection of our own, within `ANSWER_SECONDS` for each step.

    That it cannot be used, be it down or full, is an answer as well: whoever asks is told at once.
    """
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    if connection.vendor != "postgresql":
        return None
    parameters: dict[str, Any] = connection.get_connection_params() | {"connect_timeout": ANSWER_SECONDS}
    try:
        raw = connection.get_new_connection(parameters)
    except psycopg.errors.ConnectionTimeout:
        return Trouble.SILENT
    except (psycopg.Error, Error):
        return None
    try:
        return _ask_whether_locked(raw.pgconn)
    except psycopg.Error:
        return None
    finally:
        raw.close()


def _ask_whether_locked(pgconn: Any) -> Trouble | None:
    pgconn.send_query(_QUESTION)
    pgconn.flush()
    # Not `select.select`, which knows no descriptors above 1,023.
    poll, end = select.poll(), time.monotonic() + ANSWER_SECONDS
    poll.register(pgconn.socket, select.POLLIN)
    while True:
        while not pgconn.is_busy():
            result = pgconn.get_result()
            if result is None:
                return None
            is_error = result.status == ExecStatus.FATAL_ERROR
            if is_error and result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == _LOCK_NOT_AVAILABLE:
                return Trouble.LOCKED
        if not poll.poll(max(0, 1000 * (end - time.monotonic()))):
            return Trouble.SILENT
        pgconn.consume_input()
