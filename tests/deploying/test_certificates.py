"""A renewed certificate is served after a reload, while requests go on; one that does not fit is left out."""

import contextlib
import http.client
import os
import signal
import ssl
import threading
from pathlib import Path

import pytest

from tests.server.workers import write_certificate
from tests.support.database import provide_database
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def pair(tmp_path):
    return write_certificate(tmp_path)


@pytest.fixture
def server(pair, tmp_path):
    certificate, key = pair
    tls = {"MG_BOOTSTRAP_HTTP_SERVER_CERT": certificate, "MG_BOOTSTRAP_HTTP_SERVER_KEY": key}
    with provide_database(tmp_path) as database, ServerProcess({"DATABASE_URL": database.url} | tls) as process:
        yield process


class Asking(threading.Thread):
    """Asks all the time, each time over a new connection, until it is told to end."""

    def __init__(self, port):
        super().__init__()
        self._port = port
        self._ended = threading.Event()
        self.failed = []

    def run(self):
        while not self._ended.is_set():
            context = ssl._create_unverified_context()
            connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=60, context=context)
            try:
                connection.request("GET", "/health")
                status = connection.getresponse().status
                if status != 200:
                    self.failed.append(status)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
            finally:
                connection.close()

    def end(self):
        self._ended.set()
        self.join()


@contextlib.contextmanager
def asking(server):
    thread = Asking(server.port)
    thread.start()
    try:
        yield thread
    finally:
        thread.end()


def served(server):
    return ssl.get_server_certificate(("127.0.0.1", server.port), timeout=60)


def test_a_renewed_pair_is_served_and_no_request_fails(server, pair):
    before = served(server)
    write_certificate(Path(pair[0]).parent)
    renewed = Path(pair[0]).read_text()

    with asking(server) as thread:
        os.kill(server.pid, signal.SIGHUP)
        # Each of the two workers, more often than chance.
        eventually(lambda: {served(server) for _ in range(12)} == {renewed})

    assert before != renewed
    assert thread.failed == []


def test_a_pair_that_does_not_fit_is_said_and_the_old_one_stays(server, pair):
    before = served(server)
    Path(pair[1]).write_text("no key")

    os.kill(server.pid, signal.SIGHUP)
    eventually(lambda: "MG_BOOTSTRAP_HTTP_SERVER_KEY" in server.log())

    assert served(server) == before
    assert "crash loop" not in server.log()
    # And the next one that fits is taken.
    write_certificate(Path(pair[0]).parent)
    os.kill(server.pid, signal.SIGHUP)
    eventually(lambda: {served(server) for _ in range(12)} == {Path(pair[0]).read_text()})
