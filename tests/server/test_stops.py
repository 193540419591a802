"""However often, by whatever signal and whenever the server is told to stop, it stops in order and in time."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from bootstrap_project.server.worker import STOP_TIMEOUT_SECONDS
from tests.server.workers import workers_of, write_certificate
from tests.support.ports import free_port
from tests.support.server import DEFAULTS, ROOT, ServerProcess
from tests.support.waiting import eventually

#: What a stop takes at most, and as much again for a machine that is busy. One that hangs takes for ever.
LIMIT_SECONDS = 2 * STOP_TIMEOUT_SECONDS
TERM, INT, HUP = signal.SIGTERM, signal.SIGINT, signal.SIGHUP

pytestmark = [pytest.mark.alone, pytest.mark.slow]


class Started:
    """The server in a process group of its own, of which nothing is awaited."""

    def __init__(self, folder, *command, **environment):
        self.port = free_port()
        self.folder = folder / "temporary"
        self.folder.mkdir(exist_ok=True)
        self._log = folder / "log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DJANGO_"))}
        settings = {"MG_BOOTSTRAP_HTTP_PORT": str(self.port), "TMPDIR": str(self.folder)}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command or [sys.executable, "-m", "bootstrap_project.serve"],
                cwd=ROOT,
                env={**inherited, **DEFAULTS, **settings, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def log(self):
        return self._log.read_text()

    def answers(self):
        assert self.process.poll() is None, self.log()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def is_anybody_left(self):
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def left_behind(self):
        # Python tries a folder for temporary files by a file of these bytes, and may be ended before it removes it.
        return [one for one in self.folder.iterdir() if one.is_dir() or one.read_bytes() not in {b"", b"blat"}]

    def require_ordered_end(self):
        assert self.process.wait(LIMIT_SECONDS) == 0, self.log()
        eventually(lambda: not self.is_anybody_left())
        assert "Traceback" not in self.log()
        assert "Unexpected exit" not in self.log()
        assert self.left_behind() == []


def tell_group(pid, numbers, pause=0.0):
    for number in numbers:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
        time.sleep(pause)


def has_begun(pid):
    """Tell whether its own first line was reached, before which signals are the kernel's to handle."""
    return "SigBlk:\t0000000000000000" not in Path(f"/proc/{pid}/status").read_text()


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    "numbers",
    [[TERM] * 20, [INT] * 20, [TERM, INT] * 10, [INT, INT, TERM] * 7],
    ids=["terminate", "interrupt", "both", "mixed"],
)
def test_twenty_signals_to_the_group_are_one_stop(database, tmp_path, workers, numbers):
    for pause in (0.0, 0.0005, 0.005):
        with Started(tmp_path, DATABASE_URL=database, MG_BOOTSTRAP_WORKERS=workers) as server:
            eventually(server.answers)

            tell_group(server.process.pid, numbers, pause)

            server.require_ordered_end()


def test_signals_at_any_moment_of_the_start_end_it(database, tmp_path):
    for tenths in range(1, 24, 2):
        with Started(tmp_path, DATABASE_URL=database, MG_BOOTSTRAP_WORKERS="2") as server:
            eventually(partial(has_begun, server.process.pid))
            time.sleep(tenths / 10)

            tell_group(server.process.pid, [TERM, INT, TERM], 0.001)

            server.require_ordered_end()


@pytest.mark.parametrize("pause", [0.0, 1.0, 4.5])
def test_stop_in_the_course_of_a_reload(database, tmp_path, pause):
    with Started(tmp_path, DATABASE_URL=database, MG_BOOTSTRAP_WORKERS="3") as server:
        eventually(server.answers)
        eventually(lambda: server.log().count("Started worker") == 3)
        for _ in range(3):
            os.kill(server.process.pid, HUP)
        eventually(lambda: "Respawning worker-1" in server.log())
        time.sleep(pause)

        tell_group(server.process.pid, [TERM, INT, HUP, TERM])

        server.require_ordered_end()


def test_reloads_without_number_leave_a_server_that_serves(database):
    with ServerProcess({"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "1"}) as server:
        before = workers_of(server)
        for _ in range(50):
            os.kill(server.pid, HUP)

        eventually(lambda: workers_of(server) != [] and not set(workers_of(server)) & set(before))
        eventually(lambda: server._health() == 200)
        assert server.halt(TERM) == 0


def test_signals_to_make_and_its_children_end_them_all(database, tmp_path):
    with Started(tmp_path, "make", "serve", DATABASE_URL=database, MG_BOOTSTRAP_WORKERS="2") as server:
        eventually(server.answers)

        tell_group(server.process.pid, [TERM, INT], 0.0005)

        # Its code is make's own affair; those below it have ended when it has.
        server.process.wait(LIMIT_SECONDS)
        eventually(lambda: not server.is_anybody_left())
        assert "shutdown completed" in server.log()
        assert server.left_behind() == []


@pytest.mark.skipif(sys.platform != "linux", reason="nothing tells there what make was told")
@pytest.mark.parametrize("number", [INT, TERM])
def test_signal_to_make_alone_ends_the_server_below_it(database, tmp_path, number):
    with Started(tmp_path, "make", "serve", DATABASE_URL=database, MG_BOOTSTRAP_WORKERS="2") as server:
        eventually(server.answers)

        os.kill(server.process.pid, number)

        server.process.wait(LIMIT_SECONDS)
        eventually(lambda: not server.is_anybody_left())
        assert "shutdown completed" in server.log()


def test_server_with_tls_stops_in_order(database, tmp_path):
    pair = dict(
        zip(("MG_BOOTSTRAP_HTTP_SERVER_CERT", "MG_BOOTSTRAP_HTTP_SERVER_KEY"), write_certificate(tmp_path), strict=True)
    )
    with Started(tmp_path, DATABASE_URL=database, **pair) as server:
        eventually(server.answers)

        tell_group(server.process.pid, itertools.islice(itertools.cycle([INT, TERM]), 20))

        server.require_ordered_end()


def test_silent_database_keeps_neither_the_start_nor_the_stop_waiting(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgres://boot@127.0.0.1:{silent.getsockname()[1]}/boot"
        settings = {"DATABASE_URL": url, "MG_BOOTSTRAP_DB_CONNECT_TIMEOUT_SECONDS": "60"}
        with Started(tmp_path, **settings) as server:
            eventually(server.answers, seconds=50)

            tell_group(server.process.pid, [TERM])

            server.require_ordered_end()


def test_requests_in_flight_are_answered(database):
    """Bodies arrive after the server was told to stop, from many who had begun."""
    with (
        ServerProcess({"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2"}) as server,
        contextlib.ExitStack() as stack,
    ):
        head = (
            b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n"
        )
        connections = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60)) for _ in range(6)
        ]
        for connection in connections:
            connection.sendall(head)
        # Whoever connects later is taken on later: those above are being worked on now.
        for _ in range(20):
            assert server._health() == 200

        tell_group(server.pid, [TERM, INT, TERM], 0.001)
        eventually(lambda: "Shutting down granian" in server.log())
        for connection in connections:
            connection.sendall(b"body")
        answers = [connection.recv(100) for connection in connections]

        assert server.halt(None) == 0
    assert all(answer.startswith(b"HTTP/1.1 4") for answer in answers), answers


def test_uploads_that_stall_keep_no_stop_waiting(database):
    head = b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 400\r\n\r\n"
    with (
        ServerProcess({"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2"}) as server,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(20):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            connection.sendall(head)
        assert server._health() == 200
        begun = time.monotonic()

        tell_group(server.pid, [TERM, INT, TERM], 0.001)

        assert server.halt(None) == 0
        assert time.monotonic() - begun < LIMIT_SECONDS
        assert "Traceback" not in server.log()


def test_reload_with_a_pair_that_cannot_be_used_replaces_nothing(database, tmp_path):
    certificate, key = write_certificate(tmp_path)
    pair = {"MG_BOOTSTRAP_HTTP_SERVER_CERT": certificate, "MG_BOOTSTRAP_HTTP_SERVER_KEY": key}
    with ServerProcess({"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "1", **pair}) as server:
        before = workers_of(server)
        good = Path(key).read_bytes()
        Path(key).write_text("nothing")
        server.tell(HUP)
        eventually(lambda: "nothing is reloaded" in server.log())
        assert server._health() == 200
        assert workers_of(server) == before

        Path(key).write_bytes(good)
        server.tell(HUP)

        eventually(lambda: workers_of(server) != [] and not set(workers_of(server)) & set(before))
        assert server.halt(TERM) == 0
