"""A session for very many small questions: libcurl, which takes two fifths of the processor time of urllib3's pools.

A fleet's refresh is limited by the processor, not by the platform. Retries and all judgement stay in `transport`, which
takes this as its session.
"""

from __future__ import annotations

import io
import math
import time
from types import TracebackType
from typing import Final, Self

import pycurl
import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from bootstrap_project.magistrala.sessions import answer_due

_TIMED_OUT: Final = frozenset({pycurl.E_OPERATION_TIMEDOUT})
_UNTRUSTED: Final = frozenset(
    {
        *(pycurl.E_SSL_CONNECT_ERROR, pycurl.E_PEER_FAILED_VERIFICATION, pycurl.E_SSL_CACERT_BADFILE),
        *(pycurl.E_SSL_CERTPROBLEM, pycurl.E_SSL_CIPHER, pycurl.E_SSL_ISSUER_ERROR),
    }
)


class PooledConnections:
    """Sends prepared requests over kept connections; nothing comes from the environment, no cookie is kept.

    A handle holds a connection to each host it has asked. A thread takes one for a request and puts it back, so there
    are as many as there have been threads at once, and at most `pool_size` of them are kept.
    """

    def __init__(self, pool_size: int, *, max_body: int = 1_048_576) -> None:
        """Read at most one byte more than `max_body` of an answer, by which the transport knows that it is longer."""
        self._pool_size = pool_size
        self._max_body = max_body
        self._idle: list[pycurl.Curl] = []

    def send(
        self,
        request: requests.PreparedRequest,
        /,
        *,
        timeout: tuple[float, float],
        verify: bool | str,
        stream: bool = True,
        allow_redirects: bool = False,
        proxies: dict[str, str] | None = None,
    ) -> PooledAnswer:
        """Return the whole answer; the last three options are always as their defaults say.

        The name look-up, connecting, and the last byte of the body all count against the sum of both time-outs, and
        have to come before `answer_due`.

        Raises: requests' errors, whose texts are ours: libcurl's may quote the address.
        """
        try:
            handle = self._idle.pop()
        except IndexError:
            handle = pycurl.Curl()
        answer = PooledAnswer(self._max_body + 1)
        _prepare(handle, request, answer, timeout, DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify))
        try:
            handle.perform()
        except pycurl.error as error:
            # What arrived of a body that is too long is an answer, which the transport refuses in its own words.
            if not answer.is_cut:
                handle.close()
                raise _failure(int(error.args[0])) from None
        answer.status_code = int(handle.getinfo(pycurl.RESPONSE_CODE))
        if len(self._idle) < self._pool_size:
            self._idle.append(handle)
        else:
            handle.close()
        return answer

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()


class PooledAnswer:
    """An answer as `transport` reads it, whole or cut behind the largest size that anybody wants to read."""

    __slots__ = ("_largest", "_size", "headers", "is_cut", "raw", "status_code")

    def __init__(self, largest: int) -> None:
        self.status_code = 0
        self.headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
        self.raw = io.BytesIO()
        self.is_cut = False
        self._largest = largest
        self._size = 0

    def take_header(self, line: bytes) -> None:
        """Note a line of the head; a status line begins a new one, after a 100 for example."""
        if line.startswith(b"HTTP/"):
            self.headers.clear()
            return
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            self.headers[name.strip()] = value.strip()

    def take_body(self, piece: bytes) -> int | None:
        """Note a piece of the body; with what is too much the transfer ends."""
        self._size += len(piece)
        self.raw.write(piece)
        self.is_cut = self._size >= self._largest
        return -1 if self.is_cut else None

    def __enter__(self) -> Self:
        self.raw.seek(0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Do nothing: the answer is in memory."""


def _prepare(
    handle: pycurl.Curl,
    request: requests.PreparedRequest,
    answer: PooledAnswer,
    timeout: tuple[float, float],
    authorities: str,
) -> None:
    connecting, reading = timeout
    # Takes back all options and keeps the connections.
    handle.reset()
    # Signals belong to the main thread; time-outs must work without them.
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    # Not from the environment either.
    handle.setopt(pycurl.PROXY, "")
    handle.setopt(pycurl.CAINFO, authorities)
    longest = min(connecting + reading, answer_due.get(math.inf) - time.monotonic())
    # libcurl takes 0 for no limit at all.
    handle.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, int(1000 * connecting)))
    handle.setopt(pycurl.TIMEOUT_MS, max(1, int(1000 * longest)))
    handle.setopt(pycurl.URL, str(request.url))
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    if request.body:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        handle.setopt(pycurl.POSTFIELDS, body)
        headers.append("Expect:")
    if request.method != "GET":
        handle.setopt(pycurl.CUSTOMREQUEST, str(request.method))
    handle.setopt(pycurl.HTTPHEADER, headers)
    handle.setopt(pycurl.HEADERFUNCTION, answer.take_header)
    handle.setopt(pycurl.WRITEFUNCTION, answer.take_body)


def _failure(code: int) -> requests.RequestException:
    if code in _TIMED_OUT:
        return requests.Timeout("the answer did not arrive in time")
    if code in _UNTRUSTED:
        return requests.exceptions.SSLError("the certificate could not be verified")
    return requests.ConnectionError(f"no whole answer (libcurl's error {code})")
