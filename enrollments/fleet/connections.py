"""Kept connections for very many small questions: what `requests` does for a call costs more than the call itself.

A fleet's refresh is limited by the processor, not by the platform: with `requests` a call takes some 0.6 ms of it, with
this a third. Only what the platform's client needs is here; time-outs, limits, retries and all judgement stay in
`magistrala.transport`, which takes this in the place of a session.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import SplitResult, urlsplit

import requests
from certifi import where

from bootstrap_project.magistrala.transport import _Response

_PORTS: Final = {"http": 80, "https": 443}


class LeanSession(requests.Session):
    """Sends prepared requests over kept connections, one for each thread that asks at the same time."""

    def __init__(self) -> None:
        """Open nothing yet."""
        super().__init__()
        self._idle: dict[tuple[str, str, int], deque[http.client.HTTPConnection]] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}

    def send(self, request: requests.PreparedRequest, **options: Any) -> _Answer:  # type: ignore[override]
        """Return the answer as soon as its headers are there; time-outs and `verify` are as for `requests`.

        Raises: OSError, also for what is no HTTP; requests' SSLError for a certificate that is not trusted.
        """
        url = urlsplit(str(request.url))
        key = (url.scheme, url.hostname or "", url.port or _PORTS[url.scheme])
        idle = self._idle.setdefault(key, deque())
        connection = _taken(idle) or self._opened(key, options["timeout"][0], options["verify"])
        try:
            assert connection.sock is not None  # noqa: S101 - for the type checker.
            connection.sock.settimeout(options["timeout"][1])
            connection.request(str(request.method), _target(url), request.body, request.headers)
            response = connection.getresponse()
        except http.client.HTTPException as error:
            connection.close()
            raise ConnectionError("the answer is no HTTP") from error
        except BaseException:
            connection.close()
            raise
        return _Answer(response, connection, idle)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    def _opened(self, key: tuple[str, str, int], timeout: float, verify: bool | str) -> http.client.HTTPConnection:
        scheme, host, port = key
        connection: http.client.HTTPConnection
        if scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=self._context(verify))
        else:
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
        connection.response_class = _Response
        try:
            connection.connect()
        except ssl.SSLError as error:
            raise requests.exceptions.SSLError from error
        assert connection.sock is not None  # noqa: S101 - for the type checker.
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _context(self, verify: bool | str) -> ssl.SSLContext:
        bundle = where() if verify is True else str(verify)
        context = self._contexts.get(bundle)
        if context is None:
            context = self._contexts[bundle] = ssl.create_default_context(cafile=bundle)
        return context


class _Answer:
    """An answer as `magistrala.transport` reads it; left, it gives its connection back or closes it."""

    def __init__(
        self,
        response: http.client.HTTPResponse,
        connection: http.client.HTTPConnection,
        idle: deque[http.client.HTTPConnection],
    ) -> None:
        self.status_code = response.status
        self.headers: Mapping[str, str] = response.headers  # type: ignore[assignment]
        self.raw = self
        self._response = response
        self._connection = connection
        self._idle = idle

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._response.isclosed() and self._connection.sock is not None:
            self._idle.append(self._connection)
        else:
            self._connection.close()

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes of the body; none at its end.

        Raises: OSError when the answer breaks off before its announced end.
        """
        try:
            piece = self._response.read(size)
        except http.client.HTTPException as error:
            raise ConnectionError("the answer broke off") from error
        if not piece and self._response.length:
            raise ConnectionError("the answer broke off")
        return piece


def _taken(idle: deque[http.client.HTTPConnection]) -> http.client.HTTPConnection | None:
    """Return a kept connection that the peer has not closed meanwhile."""
    while idle:
        try:
            connection = idle.pop()
        except IndexError:
            break
        if connection.sock is not None:
            # Something to read before anything was asked is the end of the connection.
            ended = select.poll()
            ended.register(connection.sock, select.POLLIN | select.POLLHUP)
            if not ended.poll(0):
                return connection
        connection.close()
    return None


def _target(url: SplitResult) -> str:
    return f"{url.path or '/'}?{url.query}" if url.query else url.path or "/"
