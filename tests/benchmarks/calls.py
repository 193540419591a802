"""Calls over HTTP/1.1 in great number from one thread, with as little as possible of the processor all parts share.

Sockets and epoll alone: what asyncio adds to a call takes longer than the call.
"""

from __future__ import annotations

import heapq
import itertools
import select
import socket
import time
from collections.abc import Callable

from tests.benchmarks.devices_load import HOST, head_value

#: Of <linux/in.h>; Python names it from 3.12 on.
IP_BIND_ADDRESS_NO_PORT = 24
_RECEIVED_AT_ONCE = 65_536


class Loop:
    """Waits for sockets and moments, and calls what was left for them; for one thread."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._ready: dict[int, Callable[[], None]] = {}
        self._moments: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Call `do` in so many seconds."""
        heapq.heappush(self._moments, (time.perf_counter() + seconds, next(self._order), do))

    def when_ready(self, descriptor: int, events: int, do: Callable[[], None]) -> None:
        """Call `do` whenever one of epoll's `events`, or the other side's end, is seen."""
        if descriptor in self._ready:
            self._epoll.modify(descriptor, events)
        else:
            self._epoll.register(descriptor, events)
        self._ready[descriptor] = do

    def forget(self, descriptor: int) -> None:
        """Call nothing more for a descriptor that is about to be closed."""
        self._ready.pop(descriptor, None)

    def run(self, finished: Callable[[], bool]) -> None:
        """Go on until `finished`, which is asked after each round."""
        while not finished():
            wait = max(0.0, self._moments[0][0] - time.perf_counter()) if self._moments else 1.0
            for descriptor, _events in self._epoll.poll(wait):
                do = self._ready.get(descriptor)
                if do is not None:
                    do()
            now = time.perf_counter()
            while self._moments and self._moments[0][0] <= now:
                heapq.heappop(self._moments)[2]()


class Call:
    """One connection to the service, which is asked one thing at a time."""

    def __init__(self, loop: Loop, port: int, source: str = HOST) -> None:
        """Connect at the first question."""
        self._loop = loop
        self._address = (HOST, port)
        self._source = source
        self._socket: socket.socket | None = None
        self._question = 0
        self._answered: Callable[[int], None] | None = None
        self._data = b""
        self._received = b""

    def ask(self, data: bytes, timeout: float, answered: Callable[[int], None]) -> None:
        """Send a request; `answered` gets the status, or 0 when no answer came in time. Connects where need be."""
        self._question += 1
        question = self._question
        self._data, self._received, self._answered = data, b"", answered
        self._loop.after(timeout, lambda: self._finish(0) if question == self._question else None)
        try:
            made = self._socket or self._connect()
            self._socket = made
            self._send()
        except OSError:
            self._finish(0)

    def close(self) -> None:
        """End the connection without waiting for the other side."""
        if self._socket is not None:
            self._loop.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        if self._source != HOST:
            # The port is chosen when the other end is known. Chosen before, it would have to be one that nobody else
            # has, and to look for ten thousand of those takes longer than the storm.
            made.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            made.bind((self._source, 0))
        made.connect_ex(self._address)
        return made

    def _send(self) -> None:
        made = self._socket
        assert made is not None
        try:
            sent = made.send(self._data)
        except BlockingIOError:
            self._loop.when_ready(made.fileno(), select.EPOLLOUT, self._guarded(self._send))
            return
        self._data = self._data[sent:]
        wanted = select.EPOLLOUT if self._data else select.EPOLLIN
        self._loop.when_ready(made.fileno(), wanted, self._guarded(self._send if self._data else self._receive))

    def _receive(self) -> None:
        made = self._socket
        assert made is not None
        try:
            data = made.recv(_RECEIVED_AT_ONCE)
        except BlockingIOError:
            return
        if not data:
            self._finish(0)
            return
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if separator and len(body) >= int(head_value(head, b"content-length") or 0):
            if head_value(head, b"connection").lower() == b"close":
                self.close()
            self._finish(int(head[9:12]))

    def _guarded(self, do: Callable[[], None]) -> Callable[[], None]:
        def guarded() -> None:
            try:
                do()
            except OSError:
                self._finish(0)

        return guarded

    def _finish(self, status: int) -> None:
        if not status:
            self.close()
        answered, self._answered = self._answered, None
        if answered is not None:
            self._question += 1
            answered(status)
