"""How the server's processes end when they are told to: by threads that wait for signals, never by signal handlers.

A handler of Python's runs between two steps of whatever the main thread does. Granian's sets an event there, whose lock
that thread may hold at the time: it then waits for itself, for ever. So signals are blocked in every thread of every
process of the server, and one thread of each takes them in. However many come, it acts on the first.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NoReturn

from bootstrap_project.observability.shared_flags import LEAVING, STOPPING
from bootstrap_project.server.make import make_that_started_us, was_interrupted
from bootstrap_project.server.options import ServeError

#: What no thread of ours takes but the one here. A reload is asked for by the third.
HELD_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_POLL_SECONDS: Final = 0.05
#: How often it is looked whether the `make` that waits for us was interrupted.
_LOOK_SECONDS: Final = 1.0
#: How long the main thread has for its own way out, once the last worker is gone.
_OWN_END_SECONDS: Final = 2.0
#: How long a worker waits for its parent's word when somebody else, as a rule the group's sender, told it to stop.
_PARENTS_WORD_SECONDS: Final = 1.0
#: How much longer than its parent allows a worker goes on, which matters where that one is gone.
_MARGIN_SECONDS: Final = 1.0
#: How long a worker that another one replaces says with each answer that it ends the connection, before it does.
_LEAVING_SECONDS: Final = 1.0

logger = logging.getLogger("bootstrap_project.serve")


def hold_signals() -> None:
    """Keep signals from this thread, and from all threads and processes that come of it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD_SIGNALS)


class Stops:
    """The thread that takes the signals of the process which starts the workers.

    `seconds` is how long workers may go on with what they have begun. What is in `last_steps` is called before the
    process is ended from here, which happens while it starts, and when the main thread does not find its way out.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self.last_steps: list[Callable[[], object]] = []
        self._server: Any = None
        self._workers: list[Any] = []
        self._drain_seconds = 0.0
        self._check_reload: Callable[[], object] = lambda: None
        self._deciding = threading.Lock()
        self.asked = False

    def start(self) -> None:
        hold_signals()
        threading.Thread(target=self._run, name="stops", daemon=True).start()

    def watch(self, server: Any, *, drain_seconds: float, check_reload: Callable[[], object]) -> None:
        """Stop this server of granian's, which is about to start, instead of ending the process at once.

        It goes on for `drain_seconds` before it stops, not ready. A reload for which `check_reload` raises ServeError
        does not happen: its workers would fail, and the server with them.
        """
        self._drain_seconds, self._check_reload = drain_seconds, check_reload
        spawn = server._spawn_worker  # noqa: SLF001 - Those that a reload replaces are listed nowhere else.

        def spawn_and_note(*arguments: Any, **named: Any) -> Any:
            self._workers[:] = [worker for worker in self._workers if worker.is_alive()]
            self._workers.append(spawn(*arguments, **named))
            return self._workers[-1]

        server._spawn_worker = spawn_and_note  # noqa: SLF001
        with self._deciding:
            self._server = server

    def _run(self) -> None:
        while self._wait() == signal.SIGHUP:
            # Before there is a server, all that it would renew is about to be read.
            if self._server is not None:
                self._reload()
        self.asked = True
        STOPPING.note(True)
        try:
            # Nobody goes on with the start meanwhile.
            with self._deciding:
                if self._server is None:
                    self._leave()
            if self._drain_seconds:
                logger.info("draining", extra={"seconds": self._drain_seconds})
                time.sleep(self._drain_seconds)
            self._stop_workers()
        finally:
            self._leave()

    def _wait(self) -> int:
        make = make_that_started_us()
        if make is None:
            return signal.sigwait(HELD_SIGNALS)
        while not was_interrupted(make):
            told = signal.sigtimedwait(HELD_SIGNALS, _LOOK_SECONDS)
            if told is not None:
                return told.si_signo
        return signal.SIGINT

    def _reload(self) -> None:
        try:
            self._check_reload()
        except ServeError as error:
            logger.warning("nothing is reloaded, and what is served stays: %s", error)
        else:
            self._server.signal_handler_reload()

    def _stop_workers(self) -> None:
        latest = time.monotonic() + self._seconds
        quiet_since = time.monotonic()
        told: list[Any] = []
        while time.monotonic() - quiet_since < _OWN_END_SECONDS:
            # Said again and again: the main thread forgets it in the course of a reload, and goes on for seconds then.
            self._server.signal_handler_interrupt()
            for worker in list(self._workers):
                if not worker.is_alive():
                    continue
                quiet_since = time.monotonic()
                if quiet_since > latest:
                    worker.kill()
                elif worker not in told:
                    told.append(worker)
                    worker.terminate()
            time.sleep(_POLL_SECONDS)

    def _leave(self) -> NoReturn:
        for step in self.last_steps:
            with suppress(Exception):
                step()
        os._exit(0)


def stop_worker_when_told(seconds: float, last_step: Callable[[], object], *, drain_seconds: float) -> None:
    """Have a thread of this worker wait for SIGTERM, and let it finish what it has begun within so many seconds.

    Its parent says so `drain_seconds` after somebody told the whole group.

    SIGINT stays blocked, as a terminal sends it to every process: workers leave it to their parent, which stops them.
    """
    parent = multiprocessing.parent_process()
    senders = {os.getpid(), parent.pid if parent is not None else None}
    words_wait = drain_seconds + _PARENTS_WORD_SECONDS
    arguments = (senders, words_wait, seconds, last_step)
    threading.Thread(target=_stop_worker, args=arguments, name="stops", daemon=True).start()


def _stop_worker(senders: set[int | None], words_wait: float, seconds: float, last_step: Callable[[], object]) -> None:
    signals = {signal.SIGTERM}
    if sys.platform == "darwin":  # Which does not say who sent it.
        signal.sigwait(signals)
    else:
        told: signal.struct_siginfo | None = signal.sigwaitinfo(signals)
        # Whoever told the group told our parent, too. A worker that is gone before that one knows counts as crashed.
        latest = time.monotonic() + words_wait
        while told is not None and told.si_pid not in senders:
            told = signal.sigtimedwait(signals, max(latest - time.monotonic(), 0))
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler):
        if not STOPPING:
            LEAVING.set()
            time.sleep(_LEAVING_SECONDS)
        # Once: granian's waits for ever when it is called again.
        handler(signal.SIGTERM, None)
        time.sleep(seconds + _MARGIN_SECONDS)
    # Else the server has not begun.
    with suppress(Exception):
        last_step()
    os._exit(0)
