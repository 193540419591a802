"""The processes that the demo starts: their start, their readiness, and the end of all of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from bootstrap_project.demo.errors import DemoError

ROOT = Path(__file__).resolve().parents[2]
#: How long a process may take to get ready on a slow machine.
START_SECONDS = 60.0
#: How long one may take to stop before it is killed; the service itself grants its workers ten seconds.
STOP_SECONDS = 15.0
#: How often the processes are checked.
POLL_SECONDS = 0.1
#: Lines of its log that are shown of a process that ended on its own.
TAIL_LINES = 12


class Stopped(Exception):
    """A request to stop: Ctrl-C, SIGTERM or a closed terminal."""


class Child(subprocess.Popen[bytes]):
    """One process of ours, in a session of its own so that Ctrl-C reaches us alone and we stop it in order."""

    def __init__(self, name: str, log: Path, environment: Mapping[str, str], module: str, *arguments: str):
        self.name = name
        self.log = log
        with log.open("wb") as output:
            super().__init__(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def require_alive(self) -> None:
        """Check that it has not ended by itself.

        Raises: DemoError that says which it was, and shows its last words.
        """
        if self.poll() is not None:
            raise self.failure(f"ended by itself (exit code {self.returncode})")

    def failure(self, what: str) -> DemoError:
        """Return the error that says what happened to it, with the end of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        return DemoError(f"The {self.name} {what}." + "".join(f"\n    {line}" for line in lines))

    def stop(self) -> None:
        """Ask it to stop, and kill it and all it started when it does not."""
        self.terminate()
        try:
            self.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.wait()


class Children(ExitStack):
    """All processes of the demo; at the end of the block, the last one started is the first one stopped.

    A signal only sets a flag, which the waits check: it interrupts neither the start of a process, which would then be
    left behind, nor the clean-up.
    """

    def __init__(self) -> None:
        super().__init__()
        self._running: list[Child] = []
        self._is_stop_asked = False

    def stop_on_signals(self) -> None:
        """Make the waits of this class raise Stopped after a SIGINT, SIGTERM or SIGHUP."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_stop)

    def start(
        self,
        name: str,
        log: Path,
        environment: Mapping[str, str],
        module: str,
        *arguments: str,
        ready: Callable[[], bool],
    ) -> None:
        """Start one, and wait until it is `ready`.

        Raises: Stopped; DemoError when the system refuses, when it ends before, and when it takes too long.
        """
        child = self._start(name, log, environment, module, *arguments)
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            child.require_alive()
            if time.monotonic() > deadline:
                raise child.failure(f"was not ready after {START_SECONDS:.0f} seconds")
            self._pause()
        self._running.append(child)

    def run(self, name: str, log: Path, environment: Mapping[str, str], module: str) -> None:
        """Run one to its end.

        Raises: Stopped; DemoError when the system refuses, or when it fails.
        """
        child = self._start(name, log, environment, module)
        while child.poll() is None:
            self._pause()
        if child.returncode != 0:
            raise child.failure(f"failed (exit code {child.returncode})")

    def watch(self) -> None:
        """Wait until one of them ends.

        Raises: Stopped; DemoError that says which ended.
        """
        while True:
            for child in self._running:
                child.require_alive()
            self._pause()

    def _start(self, name: str, log: Path, environment: Mapping[str, str], module: str, *arguments: str) -> Child:
        try:
            child = Child(name, log, environment, module, *arguments)
        except OSError as error:
            raise DemoError(f"The {name} cannot be started ({error.strerror}).") from error
        self.callback(child.stop)
        return child

    def _ask_stop(self, _number: int, _frame: object) -> None:
        self._is_stop_asked = True

    def _pause(self) -> None:
        if self._is_stop_asked:
            raise Stopped
        time.sleep(POLL_SECONDS)


def free_port(preferred: int) -> int:
    """Return `preferred` when nobody listens there, else any free port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError("This machine has no free port left.")
