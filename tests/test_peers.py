"""Connections that are ended from within: those that owe us a body, and nobody else's."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bootstrap_project.peers import end_those_who_do_not_read, stop_listening_to

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing tells a process's sockets there")


class Pair:
    """A connection, seen from both ends."""

    def __init__(self, stack: ExitStack, address: str) -> None:
        listener = stack.enter_context(socket.create_server((address, 0)))
        self.peer = stack.enter_context(
            socket.create_connection(listener.getsockname(), timeout=5, source_address=(address, 0))
        )
        self.ours = stack.enter_context(listener.accept()[0])
        self.ours.settimeout(5)

    def hear(self) -> bytes:
        self.peer.sendall(b"head")
        return self.ours.recv(10)


@pytest.fixture
def pairs() -> Iterator[tuple[Pair, Pair, Pair]]:
    with ExitStack() as stack:
        yield Pair(stack, "127.0.0.61"), Pair(stack, "127.0.0.61"), Pair(stack, "127.0.0.62")


def test_only_those_of_the_address_that_owe_something_are_ended(pairs):
    stalled, answered, other = pairs
    for pair in pairs:
        assert pair.hear() == b"head"
    time.sleep(0.3)
    answered.ours.sendall(b"answer")
    time.sleep(0.05)

    assert stop_listening_to("", silent_for=0.2) == stop_listening_to("nobody", silent_for=0.2) == 0
    assert stop_listening_to("::ffff:127.0.0.61", silent_for=0.2) == 1

    assert stalled.ours.recv(10) == b""
    stalled.ours.sendall(b"late")
    assert stalled.peer.recv(10) == b"late"
    assert (answered.hear(), other.hear()) == (b"head", b"head")


def test_who_is_owed_something_since_a_moment_is_left_alone(pairs):
    assert pairs[0].hear() == b"head"

    assert stop_listening_to("127.0.0.61", silent_for=60) == 0
    assert pairs[0].hear() == b"head"


def test_connections_accepted_later_have_the_timeout():
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        before = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert end_those_who_do_not_read(7) >= 1
        stack.enter_context(socket.create_connection(listener.getsockname(), timeout=5))
        ours = stack.enter_context(listener.accept()[0])

        assert before == 0
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
