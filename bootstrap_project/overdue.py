"""Statements whose caller's time is almost over: devices and health probes are answered in seconds, whatever waits.

One that waits for a lock, or is slow, is cancelled by the database. A database that does not even do that loses the
connection. Either way whoever waited finds an error, and there is time left to answer with it.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from time import monotonic
from typing import Any, Final

import psycopg

from bootstrap_project.places import ANSWER_SECONDS, Place, Places
from bootstrap_project.watching import Watch

#: What is left when a statement is cancelled, and when its connection is cut; in seconds.
CANCEL_SECONDS: Final = 1.5
CUT_SECONDS: Final = ANSWER_SECONDS + 0.25
_LOOK_SECONDS: Final = 0.1


class Overdue:
    """Looks after places whose holders must answer in time; one for each process."""

    def __init__(self, *places: Places) -> None:
        self._places = places
        self._cancelled: set[tuple[int, float | None]] = set()
        self.watch = Watch("overdue-statements", self.look, seconds=_LOOK_SECONDS)

    def look(self) -> None:
        """Look once.

        Cost: some microseconds.
        """
        now = monotonic()
        taken = [place for places in self._places for place in places.taken()]
        late = [place for place in taken if place.until and place.until - now < CANCEL_SECONDS]
        # Each holder is cancelled once.
        holders = {(id(place), place.taken_at): place for place in late}
        for holder, place in holders.items():
            if holder not in self._cancelled:
                _cancel(place)
            elif place.until and place.until - now < CUT_SECONDS:
                cut(place)
        self._cancelled = set(holders)


def _cancel(place: Place) -> None:
    """Ask the database to end a place's statement, in another thread: one that is silent does not even take that."""
    raw: Any = place.connection.connection
    if raw is None or place.connection.vendor != "postgresql":
        return

    def cancel() -> None:
        with suppress(psycopg.Error, OSError):
            raw.cancel_safe(timeout=CANCEL_SECONDS)

    threading.Thread(target=cancel, name="cancel-statement", daemon=True).start()


def cut(place: Place) -> None:
    """End a place's connection under whoever waits for it, who finds it lost; nothing where it is not connected."""
    raw: Any = place.connection.connection
    if raw is None or place.connection.vendor != "postgresql":
        return
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(raw.pgconn.socket)) as handle:
        handle.shutdown(socket.SHUT_RDWR)
