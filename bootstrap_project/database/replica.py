"""The copy of the database that devices read from, where there is one: what it does not know, the primary is asked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from threading import Lock, Thread
from time import sleep
from typing import Final, TypeVar

from django.conf import settings
from django.db import Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from bootstrap_project.database.outages import Outages
from bootstrap_project.database.time_limit import ANSWER_SECONDS, answer_seconds_left, answered_within
from bootstrap_project.database.trouble import find_trouble, reason_of

#: Its name among Django's databases; not there where there is none.
REPLICA: Final = "replica"
#: How long a caller waits for it: the primary is asked then, and both have to be done while there is time to answer.
WAIT_SECONDS: Final = 2.5
#: How often it is tried after it failed, by nobody who waits for an answer.
TRY_AGAIN_SECONDS: Final = 5.0

_T = TypeVar("_T")


class Replica:
    """Connections to a replica that stay open, one for each caller at a time.

    One that fails is left alone until it works again; `failing` says so.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._free: list[BaseDatabaseWrapper] = []
        self._outages = Outages("the replica (devices are answered from the primary meanwhile)")
        self.failing = False

    def read(self, ask: Callable[[BaseDatabaseWrapper], _T]) -> _T | None:
        """Return what `ask` returns of one of our connections, or None where the replica cannot be used.

        Raises: nothing of the database's: whoever gets None asks the primary.
        Cost: what `ask` costs; nothing while the replica is left alone.
        """
        if self.failing:
            return None
        try:
            found = self._asked(ask)
        except Error as error:
            self._give_up(error)
            return None
        self._outages.worked()
        return found

    def _asked(self, ask: Callable[[BaseDatabaseWrapper], _T]) -> _T:
        connection = self._take()
        try:
            with answered_within(min(answer_seconds_left(), WAIT_SECONDS + ANSWER_SECONDS)):
                return ask(connection)
        except Error:
            with suppress(Error):
                connection.close()
            raise
        finally:
            with self._lock:
                self._free.append(connection)

    def _give_up(self, error: Error) -> None:
        trouble = find_trouble(error)
        self._outages.failed(trouble.name if trouble else type(error).__name__, reason_of(error))
        with self._lock:
            is_first, self.failing = not self.failing, True
        if is_first:
            Thread(target=self._try_until_it_works, name="replica", daemon=True).start()

    def _try_until_it_works(self) -> None:
        while self.failing:
            sleep(TRY_AGAIN_SECONDS)
            with suppress(Error):
                self._asked(_ask_anything)
                self.failing = False

    def _take(self) -> BaseDatabaseWrapper:
        with self._lock:
            if self._free:
                return self._free.pop()
        connection: BaseDatabaseWrapper = connections.create_connection(REPLICA)
        connection.settings_dict["TIME_LIMITS"] = {"statement_timeout": WAIT_SECONDS}
        # One thread after the other has it, never two at a time.
        connection.inc_thread_sharing()
        return connection


def _ask_anything(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@cache
def replica() -> Replica | None:
    """Return this process's replica; None where there is none."""
    return Replica() if REPLICA in settings.DATABASES else None
