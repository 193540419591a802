"""The processes that the demo starts: their start, their readiness, and the end of all of them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from bootstrap_project.demo.errors import DemoError

ROOT = Path(__file__).resolve().parents[2]
#: How long a process may take to get ready on a slow machine.
START_SECONDS = 60.0
#: How long one may take to stop before it is killed; the service itself grants its workers ten seconds.
STOP_SECONDS = 15.0
#: How often the processes are looked at.
POLL_SECONDS = 0.1
#: Lines of its log that are shown of a process that ended on its own.
TAIL_LINES = 12
#: How soon after one signal another one means the same: long enough to get to where none disturbs any more.
SAME_STOP_SECONDS = 5.0


class Stopped(BaseException):
    """Somebody asked for the end: Ctrl-C, SIGTERM or a closed terminal."""


class Child:
    """One process of ours, in a session of its own so that Ctrl-C reaches us alone and we stop it in order."""

    def __init__(self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path):
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own modules, in our own Python.
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._process.poll()

    def tail(self) -> str:
        """Return the end of its log, indented."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        return "".join(f"\n    {line}" for line in lines)

    def require_alive(self) -> None:
        """Check that it has not ended by itself.

        Raises: DemoError that says which it was, and shows its last words.
        """
        if self.exit_code is not None:
            raise DemoError(f"The {self.name} ended by itself (exit code {self.exit_code}).{self.tail()}")

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait for `ready` to be true.

        Raises: DemoError when the process ends before, or takes too long.
        """
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            self.require_alive()
            if time.monotonic() > deadline:
                raise DemoError(f"The {self.name} was not ready after {START_SECONDS:.0f} seconds.{self.tail()}")
            time.sleep(POLL_SECONDS)

    def finish(self) -> None:
        """Wait for its end.

        Raises: DemoError when it fails.
        """
        if self._process.wait() != 0:
            raise DemoError(f"The {self.name} failed (exit code {self.exit_code}).{self.tail()}")

    def stop(self) -> None:
        """Ask it to stop, and kill it and all it started when it does not."""
        if self.exit_code is None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal_group(signal.SIGKILL)
                self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


class Children:
    """All processes of the demo; the last one started is the first one stopped."""

    def __init__(self) -> None:
        self._running: list[Child] = []

    def start(
        self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> Child:
        """Start one.

        Raises: DemoError when the system refuses.
        """
        # One that is there and not in the list would be left behind.
        with _stop_signals.held():
            try:
                child = Child(name, module, arguments, environment, log)
            except OSError as error:
                raise DemoError(f"The {name} cannot be started ({error.strerror}).") from error
            self._running.append(child)
        return child

    def watch(self) -> None:
        """Wait until one of them ends.

        Raises: DemoError that says which.
        """
        while True:
            for child in self._running:
                child.require_alive()
            time.sleep(POLL_SECONDS)

    def forget(self, child: Child) -> None:
        """Leave one that has ended as it should out of the watch."""
        self._running.remove(child)

    def stop(self) -> None:
        """Stop them all."""
        while self._running:
            self._running.pop().stop()


class _StopSignals:
    """The handler of the signals that ask for the end; raises Stopped once, however many come together."""

    def __init__(self) -> None:
        self._asked_at = -SAME_STOP_SECONDS
        self._is_held = False
        self._is_owed = False

    def __call__(self, _number: int, _frame: object) -> None:
        if time.monotonic() - self._asked_at < SAME_STOP_SECONDS:
            return
        self._asked_at = time.monotonic()
        if self._is_held:
            self._is_owed = True
        else:
            raise Stopped

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Raise Stopped behind the block and not inside."""
        self._is_held = True
        try:
            yield
        finally:
            self._is_held = False
        if self._is_owed:
            self._is_owed = False
            raise Stopped


_stop_signals = _StopSignals()


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Raise Stopped inside the block at SIGINT, SIGTERM and SIGHUP; further ones do not disturb the clean-up."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        signal.signal(number, _stop_signals)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)


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
