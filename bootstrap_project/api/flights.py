"""One question for all who ask the same at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from bootstrap_project.database.pool import connection_released

Value = TypeVar("Value")


class Flights(Generic[Value]):
    """Questions that are under way; whoever comes with one of them waits for its answer instead of asking again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[bytes, Future[Value]] = {}

    def share(self, key: bytes, ask: Callable[[], Value]) -> Value:
        """Return what `ask` returns, or what it returns to another thread that is asking under the same key.

        Threads wait outside of their places: the one that asks needs a place to go on.

        Raises: what `ask` raises, in every thread that waited for it.
        """
        with self._lock:
            flight = self._under_way.get(key)
            if flight is None:
                own = self._under_way[key] = Future[Value]()
        if flight is not None:
            with connection_released():
                return flight.result()
        try:
            value = ask()
        except BaseException as error:
            # Whatever it was: those who wait would wait for ever.
            own.set_exception(error)
            raise
        else:
            own.set_result(value)
            return value
        finally:
            with self._lock:
                del self._under_way[key]
