"""Standard error of a process that serves: written by one thread, so that nobody who answers waits for who reads it.

A pipe takes 64 kB. When its reader stalls, whoever writes next waits in the kernel with the log's lock in hand, and so
does everybody who has something to say after that. Log lines, tracebacks and warnings all come through here.
"""

from __future__ import annotations

import io
import logging
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.util import Finalize
from queue import SimpleQueue
from typing import Final

logger = logging.getLogger(__name__)

#: What may wait in a process, some ten thousand lines.
CAPACITY_BYTES: Final = 4 * 1024 * 1024
#: How long a process that ends waits for its last words to be taken.
LAST_WORDS_SECONDS: Final = 1.0
#: How often what was dropped is counted.
COUNT_SECONDS: Final = 1.0
# After all finalizers that may still have something to say.
_FINALIZER_PRIORITY: Final = -100


class QueuedOutput(io.TextIOBase):
    """A text stream whose writes wait for nobody: they are kept in order, up to `capacity` bytes, and else dropped.

    `count` is called with the numbers of writes that were dropped, from a thread of its own. A forked child begins
    with an empty queue and a thread of its own.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, descriptor: int, *, capacity: int = CAPACITY_BYTES) -> None:
        self.count: Callable[[int], None] = lambda _number: None
        self._descriptor = descriptor
        self._capacity = capacity
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        # Only this kind of queue may be used by whoever is interrupted while using it, as a destructor may be.
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._taken_in = self._written = 0
        self._dropped = 0
        self._thread: threading.Thread | None = None
        self._is_counting = False
        self._starting = threading.Lock()

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def fileno(self) -> int:
        """Return where it is written to in the end."""
        return self._descriptor

    def isatty(self) -> bool:
        """Tell whether that is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, text: str, /) -> int:
        """Take in `text`, or drop it."""
        line = text.encode(self.encoding, self.errors)
        size = len(line)
        if self._taken_in - self._written + size > self._capacity:
            self._dropped += 1
            if not self._is_counting:
                self._is_counting = True
                threading.Thread(target=self._count, name="log-drops", daemon=True).start()
            return len(text)
        # With no call in between, at which Python may let another thread go on.
        self._taken_in += size
        self._waiting.put(line)
        if self._thread is None:
            self._start()
        return len(text)

    def finish(self, seconds: float = LAST_WORDS_SECONDS) -> None:
        """Wait until all is written, but not for longer than that."""
        thread = self._thread
        if thread is not None:
            self._waiting.put(None)
            thread.join(seconds)

    def finish_with_worker(self) -> None:
        """Do so at the end of this process, which multiprocessing has forked."""
        Finalize(None, self.finish, exitpriority=_FINALIZER_PRIORITY)

    def _start(self) -> None:
        # Not with a wait: who is interrupted here by what has to be said needs no second thread.
        if self._starting.acquire(blocking=False):
            try:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="log", daemon=True)
                    thread.start()
                    self._thread = thread
            finally:
                self._starting.release()

    def _run(self) -> None:
        waiting = self._waiting
        while (line := waiting.get()) is not None:
            # A reader that is gone, or a full disk: there is nobody to tell.
            with suppress(OSError):
                self._write(line)
            self._written += len(line)
        self._thread = None

    def _write(self, line: bytes) -> None:
        # Past the buffer of Python's own stream, whose lock a child could inherit.
        left = memoryview(line)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [])

    def _count(self) -> None:
        counted = 0
        while True:
            time.sleep(COUNT_SECONDS)
            number = self._dropped - counted
            counted += number
            with suppress(Exception):
                self.count(number)
            if not number and self._taken_in - self._written < self._capacity // 2:
                break
        self._dropped -= counted
        self._is_counting = False
        logger.warning("log lines were dropped, as nobody took them", extra={"lines": counted})


@contextmanager
def queued_standard_error() -> Iterator[QueuedOutput | None]:
    """Put such a stream in the place of `sys.stderr`; None where there is none."""
    own = sys.stderr
    if own is None:
        yield None
        return
    own.flush()
    queued = QueuedOutput(own.fileno())
    sys.stderr = queued
    try:
        yield queued
    finally:
        queued.finish()
        sys.stderr = own
