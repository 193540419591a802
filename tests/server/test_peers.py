"""Connections that are ended from within: those whose peers no longer take what we send, or are gone."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack

import pytest

from bootstrap_project.server.peers import end_those_who_do_not_read

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing tells a process's sockets there")


def test_connections_accepted_later_have_the_timeouts():
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        before = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert end_those_who_do_not_read(7) >= 1
        stack.enter_context(socket.create_connection(listener.getsockname(), timeout=5))
        ours = stack.enter_context(listener.accept()[0])

        assert before == 0
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert 0 < ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 60
