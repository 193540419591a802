"""Work that no device waits for: a bounded buffer, and threads that empty it; losing what is in it does no harm."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import suppress
from multiprocessing.util import Finalize
from threading import Condition, Thread, current_thread
from typing import Final, Generic, TypeVar

from django.db import Error, connection

_T = TypeVar("_T")

#: How long the end of a process waits for what is under way.
STOP_SECONDS: Final = 3.0
#: How long a thread without work stays, and keeps its connection.
LINGER_SECONDS: Final = 1.0


class BackgroundQueue(Generic[_T]):
    """Items by key, handled in batches by threads that live while there is something to do.

    Threads start with the first item, in whichever process that is, so that a fork never copies one.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[list[_T]], None],
        *,
        capacity: int,
        batch: int,
        pause: float = 0.0,
        threads: int = 1,
        finish: bool = True,
    ) -> None:
        """Hand up to `batch` items at a time to `handle`, `pause` seconds after the first of them came.

        `finish` says what the end of the process does with the rest: handle it, or leave it.
        """
        self._name = name
        self._handle = handle
        self._capacity = capacity
        self._batch = batch
        self._pause = pause
        self._max_threads = threads
        self._finish = finish
        self._condition = Condition()
        self._items: OrderedDict[Hashable, _T] = OrderedDict()
        self._threads: list[Thread] = []
        self._stopping = False
        self._prepared_in = 0

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: Hashable) -> _T | None:
        """Return the item of `key` that is still to be handled."""
        return self._items.get(key)

    def offer(self, key: Hashable, item: _T) -> bool:
        """Add `item` unless its key is there already or the buffer is full; tell whether it will be handled."""
        with self._condition:
            if key in self._items:
                return True
            if self._stopping or len(self._items) >= self._capacity:
                return False
            self._items[key] = item
            self._start_thread()
            self._condition.notify()
            return True

    def drain(self) -> None:
        """Handle everything in the calling thread."""
        while batch := self._take():
            self._handle(batch)

    def stop(self) -> None:
        """Finish or drop what is left, within a few seconds; nothing is taken after that."""
        with self._condition:
            self._stopping = True
            if not self._finish:
                self._items.clear()
            self._condition.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join(STOP_SECONDS)

    def _start_thread(self) -> None:
        if self._prepared_in != os.getpid():
            # Also runs at the end of a worker process, where atexit's functions do not.
            Finalize(None, self.stop, exitpriority=10)
            self._prepared_in = os.getpid()
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) < min(self._max_threads, len(self._items)):
            thread = Thread(target=self._run, name=f"bootstrap-{self._name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        try:
            while self._wait():
                while batch := self._take():
                    self._handle(batch)
        finally:
            with self._condition:
                self._forget_thread()
            with suppress(Error):
                connection.close()

    def _wait(self) -> bool:
        with self._condition:
            if not self._items:
                self._condition.wait_for(lambda: self._items or self._stopping, LINGER_SECONDS)
            if not self._items:
                # Said under the lock, so that the next item starts another thread.
                self._forget_thread()
                return False
            if self._pause:
                self._condition.wait_for(lambda: self._stopping, self._pause)
            return True

    def _forget_thread(self) -> None:
        with suppress(ValueError):
            self._threads.remove(current_thread())

    def _take(self) -> list[_T]:
        with self._condition:
            return [self._items.popitem(last=False)[1] for _ in range(min(self._batch, len(self._items)))]
