"""Ports for the servers that tests start, each of which nobody else takes before its server does."""

from __future__ import annotations

import os
import socket
from random import SystemRandom

#: Below those that Linux gives to whoever asks for just any port, as every outgoing connection does.
LOWEST, HIGHEST = 10_240, 32_000
#: Not the module's own numbers: the tests' plugin seeds those alike in every process of a run.
_chance = SystemRandom()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses, and that no other process of this run returns."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = _chance.randrange(LOWEST + number % processes, HIGHEST, processes)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
