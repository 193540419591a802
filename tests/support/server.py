"""Our own service as a process: the production server on a free port, for journeys and browser tests."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 40.0
STOP_SECONDS = 60.0
#: Settings that a process in a test has unless the test says otherwise; keys of tests alone.
DEFAULTS = {
    "MG_BOOTSTRAP_SECRET_KEY": "tests-only-secret-key-of-more-than-fifty-characters-0123456789",
    "MG_BOOTSTRAP_ENCRYPT_KEY": "0123456789abcdef0123456789abcdef",
    "MG_BOOTSTRAP_HTTP_HOST": "127.0.0.1",
}
_NOT_INHERITED = ("MG_", "DJANGO_", "DATABASE_URL", "PROMETHEUS_MULTIPROC_DIR", "PYTEST_")


class ServerError(Exception):
    """The service did not start; holds its log."""


def database_url(settings: Mapping[str, Any]) -> str:
    """Return DATABASE_URL for Django's `connection.settings_dict`, so that a process shares a test's database."""
    name = str(settings["NAME"])
    if settings["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{quote(name)}"
    user = quote(settings["USER"], safe="")
    password = f":{quote(settings['PASSWORD'], safe='')}" if settings["PASSWORD"] else ""
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    return f"postgresql://{user}{password}@{settings['HOST']}{port}/{quote(name, safe='')}"


class ServerProcess:
    """The service under its production server; `environment` is added to harmless defaults.

    It is running once made, or ServerError is raised. Use it as a context manager, or call `stop`.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        port: int | None = None,
        health_status: int = 200,
        folder: Path = ROOT,
        python: str = sys.executable,
    ) -> None:
        self.port = port or free_port()
        self._health_status = health_status
        self.folder, self.python = folder, python
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        self._environment = {
            **inherited,
            **DEFAULTS,
            "MG_BOOTSTRAP_HTTP_PORT": str(self.port),
            **environment,
        }
        handle, name = tempfile.mkstemp(prefix="bootstrap-server-", suffix=".log")
        os.close(handle)
        self._log = Path(name)
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        scheme = "https" if self._environment.get("MG_BOOTSTRAP_HTTP_SERVER_CERT") else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The parent process' id."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """Return all that it has printed."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start the process and wait for /health to have the expected status."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [self.python, "-m", "bootstrap_project.serve"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while self._health() != self._health_status:
            if self._process.poll() is not None:
                raise ServerError(f"The service ended with code {self._process.returncode}:\n{self.log()}")
            if time.monotonic() > deadline:
                raise ServerError(f"The service was not healthy after {START_SECONDS:.0f} seconds:\n{self.log()}")
            time.sleep(0.05)

    def tell(self, number: signal.Signals, *, to_group: bool = False) -> None:
        """Send a signal to the parent process, or to all processes."""
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if to_group else os.kill)(self.pid, number)

    def halt(self, how: signal.Signals | None = signal.SIGTERM) -> int:
        """End the process, keep its log, and return its exit code; it is killed when it takes too long.

        With None it has been told already, and is waited for.
        """
        if self._process is None:
            return 0
        if how is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(how)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            code = self._process.wait()
        self._process = None
        return code

    def change(self, environment: Mapping[str, str]) -> None:
        """Add to the environment of its next start."""
        self._environment |= environment

    def restart(self) -> None:
        """Stop and start on the same port with the same environment."""
        self.halt()
        self.start()

    def stop(self) -> int:
        """End the process, remove its log, and return its exit code."""
        try:
            return self.halt()
        finally:
            self._log.unlink(missing_ok=True)

    def _health(self) -> int:
        connection: http.client.HTTPConnection
        if self.url.startswith("https"):
            context = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=2, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
