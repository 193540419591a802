"""Standard error of a process that serves: one thread writes it, so that no request waits for its reader.

A pipe holds 64 kB. When its reader stalls, the next writer blocks in the kernel while it holds the log's lock, and all
later writers wait for that lock. Log lines, tracebacks and warnings all come through here.
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

#: Size of a process's queue: about ten thousand lines.
CAPACITY_BYTES: Final = 4 * 1024 * 1024
#: How long an ending process waits for its last lines to be written.
LAST_WORDS_SECONDS: Final = 1.0
#: How often dropped lines are counted.
COUNT_SECONDS: Final = 1.0
# After all finalizers that may still log.
_FINALIZER_PRIORITY: Final = -100


class QueuedOutput(io.TextIOBase):
    """A text stream whose writes never block: a queue of up to `capacity` bytes, in order; more is dropped.

    `count` receives the number of dropped writes, from a thread of its own. A forked child starts with an empty queue
    and its own thread.
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
        # SimpleQueue is re-entrant: a destructor may log while its thread is inside put().
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._taken_in = self._written = 0
        self._dropped = 0
        self._thread: threading.Thread | None = None
        self._is_counting = False
        self._starting = threading.Lock()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """Return the descriptor that the thread writes to."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return whether the descriptor is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, text: str, /) -> int:
        """Queue `text`, or drop it."""
        line = text.encode(self.encoding, self.errors)
        size = len(line)
        if self._taken_in - self._written + size > self._capacity:
            self._dropped += 1
            if not self._is_counting:
                self._is_counting = True
                threading.Thread(target=self._count, name="log-drops", daemon=True).start()
            return len(text)
        # No call in between, where Python could switch threads.
        self._taken_in += size
        self._waiting.put(line)
        if self._thread is None:
            self._start()
        return len(text)

    def finish(self, seconds: float = LAST_WORDS_SECONDS) -> None:
        """Wait until all is written, at most for that long."""
        thread = self._thread
        if thread is not None:
            self._waiting.put(None)
            thread.join(seconds)

    def finish_with_worker(self) -> None:
        """Finish at the end of this process, which multiprocessing forked."""
        Finalize(None, self.finish, exitpriority=_FINALIZER_PRIORITY)

    def _start(self) -> None:
        # Non-blocking: a log call that interrupts this one must not wait for it.
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
            # The reader is gone or the disk is full; there is nowhere to report it.
            with suppress(OSError):
                self._write(line)
            self._written += len(line)
        self._thread = None

    def _write(self, line: bytes) -> None:
        # Bypasses the buffer of Python's own stream, whose lock a child could inherit.
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
    """Replace `sys.stderr` with a QueuedOutput for the block; yields None where there is no standard error."""
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
