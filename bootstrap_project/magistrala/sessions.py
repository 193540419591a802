"""What a transport sends its requests with, and the session for everyday use: `requests` with a deadline.

For very many small questions there is a second one in `pooled`.
"""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Mapping
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from socket import socket
from types import TracebackType
from typing import Any, Protocol, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

#: When the answer to the request under way in this thread must be complete (monotonic seconds).
answer_due: ContextVar[float] = ContextVar("magistrala_answer_due")


class Body(Protocol):
    """The body of an answer, still to be read."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes; none at its end."""


class Answer(Protocol):
    """An answer whose head has arrived; left, it gives its connection back or closes it."""

    @property
    def status_code(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; `get` finds them however they are written."""

    @property
    def raw(self) -> Body: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> Any: ...


class Session(Protocol):
    """Sends requests over connections that it keeps; what it raises is translated by the transport."""

    def send(
        self,
        request: requests.PreparedRequest,
        /,
        *,
        stream: bool,
        allow_redirects: bool,
        timeout: tuple[float, float],
        verify: bool | str,
        proxies: dict[str, str],
    ) -> Answer:
        """Return the answer; `timeout` is for connecting and for reading.

        Raises: OSError and what the HTTP library raises.
        """

    def close(self) -> None:
        """Close the connections that nobody uses."""


class _DeadlineReader(io.RawIOBase):
    """A socket's reading end that fails once the deadline has passed, however steadily bytes drip in."""

    def __init__(self, raw: io.RawIOBase, sock: socket, deadline: float) -> None:
        self._raw = raw
        self._sock = sock
        self._at = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not arrive in time")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer whose status line, headers and body all count against one deadline.

    A read time-out alone starts anew with every byte, so a peer could hold a worker for ever.
    """

    def __init__(self, sock: socket, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
        super().__init__(sock, debuglevel, method, url)
        raw = self.fp.detach()
        # The request has just been sent, and the socket's time-out is the read time-out.
        patience = sock.gettimeout() or 0.0
        self.fp = io.BufferedReader(_DeadlineReader(raw, sock, min(answer_due.get(), time.monotonic() + patience)))


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class DeadlinePool(HTTPConnectionPool):
    """Connections whose answers, and whose waiting for a free one, end at `answer_due`."""

    ConnectionCls = _Connection

    def _get_conn(self, timeout: float | None = None) -> HTTPConnection:
        # Requests would wait without end for a free connection.
        return super()._get_conn(timeout=_left(timeout))  # type: ignore[return-value]


class SecureDeadlinePool(HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = _SecureConnection

    def _get_conn(self, timeout: float | None = None) -> HTTPSConnection:
        return super()._get_conn(timeout=_left(timeout))  # type: ignore[return-value]


def _left(timeout: float | None) -> float:
    left = max(0.0, answer_due.get() - time.monotonic())
    return left if timeout is None else min(left, timeout)


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": DeadlinePool, "https": SecureDeadlinePool}


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Take a redirect for an answer like any other: requests would read its whole body, however long."""
        return


def new_session(pool_size: int) -> requests.Session:
    """Return a session for many threads: pooled connections, nothing taken from the environment, no cookies kept."""
    session = _Session()
    session.trust_env = False
    # Threads with different callers' tokens share this session, so what one of them is given must not reach another.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter(pool_connections=8, pool_maxsize=pool_size, pool_block=True)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
