"""Several processes of the service on one database: instances, the worker, commands, and devices that call them."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from bootstrap_project.demo.fleet.plan import Fleet
from tests.support.server import DEFAULTS, ROOT, STOP_SECONDS, ServerProcess
from tests.support.waiting import eventually

_NOT_INHERITED = ("MG_", "DJANGO_", "DATABASE_", "PROMETHEUS_MULTIPROC_DIR", "PYTEST_")


def environment_of(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what a command of the service is started with."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    return {**inherited, **DEFAULTS, **settings}


@contextmanager
def instances(number: int, settings: Mapping[str, str]) -> Iterator[list[ServerProcess]]:
    """Start so many instances at once, each with one worker process, and stop them after the block."""
    with ExitStack() as stack, ThreadPoolExecutor(number) as executor:
        started = [executor.submit(ServerProcess, {"MG_BOOTSTRAP_WORKERS": "1", **settings}) for _ in range(number)]
        yield [stack.enter_context(one.result()) for one in started]


def kill(instance: ServerProcess) -> None:
    """End an instance with all its processes, as when its machine dies."""
    os.killpg(instance.pid, signal.SIGKILL)
    instance.halt(None)


def manage(settings: Mapping[str, str], *words: str, folder: Path = ROOT, python: str = sys.executable) -> str:
    """Run a command of the service and return its output; AssertionError with what it said when it fails."""
    done = subprocess.run(
        [python, "manage.py", *words],
        cwd=folder,
        env=environment_of(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


class WorkerProcess:
    """`manage.py worker`; a context manager, ready once made."""

    def __init__(self, settings: Mapping[str, str], *, folder: Path = ROOT, python: str = sys.executable) -> None:
        self._log = tempfile.NamedTemporaryFile(prefix="bootstrap-worker-", suffix=".log")  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, "-u", "manage.py", "worker"],
            cwd=folder,
            env=environment_of(settings),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        eventually(lambda: "is ready" in self.log() or self._process.poll() is not None)
        assert self._process.poll() is None, self.log()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._log.close()

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send it a signal and return its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        return self._process.wait(STOP_SECONDS)

    def log(self) -> str:
        """Return all that it has printed."""
        return Path(self._log.name).read_text(encoding="utf-8", errors="replace")


class Devices:
    """Devices of a fleet that call one address all the time, from some threads, for as long as the block runs.

    Each call has a connection of its own, as of devices that call once in a while. `failures` are calls that were not
    answered 200, in words.
    """

    def __init__(self, port: int, fleet: Fleet, numbers: Sequence[int], *, callers: int = 4) -> None:
        self._port = port
        self._calls = [
            (
                f"/clients/bootstrap/{fleet.external_id(number)}",
                {"Authorization": f"Client {fleet.external_key(number)}"},
            )
            for number in numbers
        ]
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(first,)) for first in range(callers)]
        self.answered = 0
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait(self, number: int = 50) -> None:
        """Wait until so many more calls were answered."""
        until = self.answered + number
        eventually(lambda: self.answered + len(self.failures) >= until)

    def _call(self, number: int) -> None:
        while not self._over.is_set():
            path, headers = self._calls[number % len(self._calls)]
            number += len(self._threads)
            what = ask(self._port, path, headers)
            if what == "200":
                self.answered += 1
            else:
                self.failures.append(f"{time.time():.3f} {what}")


def ask(port: int, path: str, headers: Mapping[str, str] | None = None) -> str:
    """Return the status of an answer, or what came instead of one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    else:
        return str(answer.status)
    finally:
        connection.close()


def call_of(fleet: Fleet, number: int) -> tuple[str, dict[str, str]]:
    """Return the path and headers of a device's call."""
    return f"/clients/bootstrap/{fleet.external_id(number)}", {"Authorization": f"Client {fleet.external_key(number)}"}


def statuses(port: int, fleet: Fleet, numbers: Sequence[int]) -> Counter[str]:
    """Have each of these devices call once, and return how often each status was answered."""
    return Counter(ask(port, *call_of(fleet, number)) for number in numbers)
