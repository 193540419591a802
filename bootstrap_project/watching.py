"""Threads that look after something now and then, one for each process that does any work."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Watch:
    """Calls a function every so many seconds, once started: a forked process has no threads of its parent's."""

    def __init__(self, name: str, look: Callable[[], None], *, seconds: float) -> None:
        self._name = name
        self._look = look
        self._seconds = seconds
        self._starting = threading.Lock()
        self._started_in = 0
        self._soon = threading.Event()

    def start(self) -> None:
        """Start the thread, unless this process has it.

        Cost: less than a microsecond after the first time.
        """
        if self._started_in == os.getpid():
            return
        with self._starting:
            if self._started_in != os.getpid():
                self._started_in = os.getpid()
                threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def hurry(self) -> None:
        """Have it look at once."""
        self._soon.set()

    def _run(self) -> None:
        while True:
            self._soon.wait(self._seconds)
            self._soon.clear()
            try:
                self._look()
            except Exception:
                # Without this thread somebody would be waited for for ever.
                logger.exception("could not look", extra={"watch": self._name})
