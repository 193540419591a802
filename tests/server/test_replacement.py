"""Behind a balancer nothing fails while instances are replaced, and no request meets a connection that is closing."""

import contextlib
import http.client
import signal
import threading
import time

import pytest

from tests.support.balancer import Balancer
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

pytestmark = [pytest.mark.alone, pytest.mark.slow]


def post(connection):
    """Return the status of a POST that the service refuses without asking anybody."""
    connection.request("POST", "/health/live", b"{}", {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()[:200]


class Caller(threading.Thread):
    """Sends all the time over a connection that it keeps."""

    def __init__(self, port):
        super().__init__()
        self._port = port
        self.failures = []
        self.answers = 0
        self.stopped = False

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self.stopped:
            try:
                status, body = post(connection)
            except (OSError, http.client.HTTPException) as error:
                status, body = 0, repr(error)
                connection.close()
            self.answers += 1
            if status != 405:
                self.failures.append((status, body))
        connection.close()


@contextlib.contextmanager
def calling(port, number):
    """Keep so many callers busy, and yield a function that waits for more of their answers."""
    callers = [Caller(port) for _ in range(number)]

    def wait_for_more():
        enough = sum(caller.answers for caller in callers) + 50
        eventually(lambda: sum(caller.answers for caller in callers) >= enough)

    for caller in callers:
        caller.start()
    try:
        yield wait_for_more
    finally:
        for caller in callers:
            caller.stopped = True
        for caller in callers:
            caller.join()
    assert [failure for caller in callers for failure in caller.failures] == []


def test_both_instances_are_replaced_and_no_request_fails(database):
    environment = {"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2", "MG_BOOTSTRAP_DRAIN_SECONDS": "5"}
    with (
        ServerProcess(environment) as one,
        ServerProcess(environment) as other,
        Balancer([one.port, other.port]) as balancer,
    ):
        eventually(lambda: all(balancer.ready.values()))
        with calling(balancer.port, 4) as wait_for_more:
            for instance in (one, other):
                wait_for_more()
                assert instance.halt(signal.SIGTERM) == 0
                wait_for_more()
                instance.start()
                eventually(lambda: all(balancer.ready.values()))


def test_reload_costs_nobody_an_answer_who_keeps_his_connection(database):
    with ServerProcess({"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2"}) as server:
        with calling(server.port, 4) as wait_for_more:
            wait_for_more()
            server.tell(signal.SIGHUP)
            eventually(lambda: server.log().count("Stopped old worker") == 2)
            wait_for_more()

        assert server.halt() == 0


@pytest.mark.parametrize("to_group", [False, True])
def test_every_worker_says_that_it_is_not_ready_and_serves_while_it_drains(database, to_group):
    environment = {"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2", "MG_BOOTSTRAP_DRAIN_SECONDS": "3"}
    with ServerProcess(environment) as server:
        # Connections of the time before, of which each worker has some.
        kept = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=60) for _ in range(16)]
        assert {ask(connection, "/health") for connection in kept} == {200}

        begun = time.monotonic()
        server.tell(signal.SIGTERM, to_group=to_group)
        eventually(lambda: ask_once(server, "/health") == 503)

        assert {ask(connection, "/health") for connection in kept} == {503}
        assert {ask_once(server, "/health") for _ in range(16)} == {503}
        assert {ask_once(server, "/health/live") for _ in range(16)} == {200}
        assert {ask_once(server, "/clients/bootstrap/nobody") for _ in range(16)} == {401}
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            server.tell(number, to_group=to_group)
        assert server.halt(None) == 0
        assert time.monotonic() - begun >= 3
        assert "Traceback" not in server.log()


def ask(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def ask_once(server, path):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        return ask(connection, path)
    finally:
        connection.close()


def test_posts_that_come_just_when_connections_were_idle_for_long_are_answered(database):
    """After 5 seconds, which is what servers often allow; a proxy keeps its connections for a minute."""
    with (
        ServerProcess({"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2"}) as server,
        Balancer([server.port]) as balancer,
    ):
        eventually(lambda: all(balancer.ready.values()))
        answers: list[tuple[int, bytes]] = []
        callers = [threading.Thread(target=post_twice, args=(balancer.port, answers)) for _ in range(120)]
        for caller in callers:
            caller.start()
            time.sleep(0.005)
        for caller in callers:
            caller.join()

    assert [answer for answer in answers if answer[0] != 405] == []
    assert len(answers) == 240


def post_twice(port, answers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    answers.append(post(connection))
    time.sleep(5)
    answers.append(post(connection))
    connection.close()


def test_connection_ends_after_the_seconds_of_the_setting(database):
    environment = {"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "1", "MG_BOOTSTRAP_IDLE_TIMEOUT_SECONDS": "1"}
    with ServerProcess(environment) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        assert ask(connection, "/health/live") == 200

        assert connection.sock.recv(1) == b""
        connection.close()
