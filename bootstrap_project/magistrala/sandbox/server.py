"""The sandbox's HTTP server: one thread a connection, one write an answer, faults between request and answer."""

from __future__ import annotations

import contextlib
import logging
import socket
import socketserver
import struct
import sys
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

from bootstrap_project.magistrala.sandbox.faults import Fault
from bootstrap_project.magistrala.sandbox.handlers.admin import reset
from bootstrap_project.magistrala.sandbox.handlers.common import Handler
from bootstrap_project.magistrala.sandbox.http import Answer, HTTPError, Request, error_answer, json_answer
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.routes import find

logger = logging.getLogger(__name__)

_MAX_LINE_BYTES = 65536
_MAX_BODY_BYTES = 16 * 1024 * 1024
_WRONG_TYPES = {
    "id": 7,
    "name": ["x"],
    "status": {},
    "credentials": "none",
    "metadata": [],
    "domains": {"total": 1},
    "clients": 3,
    "channels": "many",
    "keys": "none",
    "access_token": 12,
    "total": "1",
}


class SandboxServer(ThreadingHTTPServer):
    """Serves one Platform; `url` is where."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024
    allow_reuse_address = True

    def __init__(self, host: str, port: int, platform: Platform) -> None:
        """Port 0 takes any free one."""
        self.platform = platform
        #: Those in use, changed under the platform's lock: what a reset ends is no longer among them.
        self.connections: set[socket.socket] = set()
        super().__init__((host, port), _Connection)

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Bind without asking the DNS for the machine's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread; whoever connects later is noted later."""
        with self.platform.lock:
            self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        with self.platform.lock:
            self.connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self, but: socket.socket) -> None:
        """End all connections but one: what was sent on them is neither done nor counted; the lock is held."""
        for connection in self.connections - {but}:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.connections &= {but}

    def server_close(self) -> None:
        """Stop listening and wake sleeping requests."""
        super().server_close()
        self.platform.interrupt()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnected."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Hangup(Exception):
    """Raised to close the connection now."""


class _Connection(socketserver.StreamRequestHandler):
    """One connection, kept open between requests. Written without http.server's, whose header parser is slow."""

    disable_nagle_algorithm = True
    server: SandboxServer

    def handle(self) -> None:
        with contextlib.suppress(_Hangup, ConnectionError):
            with self._in_use():
                self.server.platform.calls.connected()
            while self._one_request():
                pass

    def _one_request(self) -> bool:
        request = self._read()
        if request is None:
            return False
        keep = request.headers.get("connection", "").lower() != "close"
        platform = self.server.platform
        own = request.segments[0] == "_sandbox"
        if own:
            answer = self._answer(request, find(request))
            self.connection.sendall(answer.encode(head_only=request.method == "HEAD", close=not keep))
            return keep
        with self._in_use():
            platform.calls.begin()
        try:
            self._platform_request(request, keep)
        finally:
            platform.calls.end()
        return keep

    def _platform_request(self, request: Request, keep: bool) -> None:
        platform = self.server.platform
        # The route comes first, because faults match on the service.
        handler = find(request)
        if platform.latency_seconds:
            self._pause(platform.latency_seconds)
        with self._in_use():
            fault = platform.faults.take(request)
        if fault is None:
            answer = self._answer(request, handler)
            self._note(request, answer.status)
            self.connection.sendall(answer.encode(head_only=request.method == "HEAD", close=not keep))
            return
        self._break(request, handler, fault)

    def _break(self, request: Request, handler: Handler, fault: Fault) -> None:
        works = fault.after_work or fault.kind in {"slow", "trickle", "truncated"}
        if fault.kind == "slow" and not fault.after_work:
            self._pause(fault.seconds)
        answer = self._answer(request, handler) if works else Answer(200)
        if fault.kind == "slow" and fault.after_work:
            self._pause(fault.seconds)
        if fault.kind in {"down", "reset"}:
            self._note(request, None, fault.kind)
            if fault.kind == "reset":
                # Lingering for zero seconds makes close() send RST instead of FIN.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            raise _Hangup
        if fault.kind not in {"slow", "trickle", "truncated"}:
            answer = _spoiled(fault)
        self._note(request, answer.status, fault.kind)
        if fault.kind == "truncated":
            whole, answer.body = len(answer.body), answer.body[: len(answer.body) // 2]
            self.connection.sendall(answer.encode(length=max(whole, 1)))
            raise _Hangup
        data = answer.encode()
        if fault.kind == "trickle":
            for position in range(len(data)):
                self.connection.sendall(data[position : position + 1])
                self._pause(fault.seconds)
            return
        self.connection.sendall(data)

    def _pause(self, seconds: float) -> None:
        if not self.server.platform.pause(seconds):
            raise _Hangup

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[None]:
        """Hold the platform's lock, unless a reset has ended this connection."""
        with self.server.platform.lock:
            if self.connection not in self.server.connections:
                raise _Hangup
            yield

    def _note(self, request: Request, status: int | None, fault: str = "") -> None:
        with self._in_use():
            self.server.platform.calls.add(request, status, fault)

    def _answer(self, request: Request, handler: Handler) -> Answer:
        platform = self.server.platform
        try:
            with self._in_use():
                answer = handler(platform, request)
                if handler is reset:
                    self.server.hang_up(but=self.connection)
                return answer
        except HTTPError as refusal:
            return error_answer(refusal.status, refusal.message)
        except _Hangup:
            raise
        except Exception:
            # One bad request must not end the connection's thread without an answer.
            logger.exception("the sandbox itself failed")
            return error_answer(500, "the sandbox itself failed; its output says why")

    def _read(self) -> Request | None:
        """Read one request; None when the peer has closed the connection."""
        line = self.rfile.readline(_MAX_LINE_BYTES)
        if line in {b"\r\n", b"\n"}:
            line = self.rfile.readline(_MAX_LINE_BYTES)
        if not line:
            return None
        parts = line.decode("latin-1").split()
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            self._refuse(400, "malformed request line")
        headers: dict[str, str] = {}
        while True:
            line = self.rfile.readline(_MAX_LINE_BYTES)
            if line in {b"\r\n", b"\n", b""}:
                break
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if "transfer-encoding" in headers:
            self._refuse(411, "send a Content-Length")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > _MAX_BODY_BYTES:
            self._refuse(413, "body too large")
        if headers.get("expect", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.rfile.read(int(length)) if int(length) else b""
        if parts[2] == "HTTP/1.0":
            headers.setdefault("connection", "close")
        try:
            return Request(parts[0], parts[1], headers, body)
        except ValueError:
            self._refuse(400, "malformed address")
            raise

    def _refuse(self, status: int, message: str) -> None:
        self.connection.sendall(error_answer(status, message).encode(close=True))
        raise _Hangup


def _spoiled(fault: Fault) -> Answer:
    """Return a fault's answer that does not depend on the request."""
    if fault.kind == "garbage":
        return Answer(200, b"<html><body>It works!</body></html>\n", {"Content-Type": "text/html"})
    if fault.kind == "oversized":
        return Answer(200, b'{"filler":"' + b"x" * fault.bytes + b'"}')
    if fault.kind == "redirect":
        return Answer(307, b"", {"Location": fault.location})
    if fault.kind == "wrong_type":
        return json_answer(_WRONG_TYPES)
    answer = error_answer(fault.status, "broken on purpose")
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer
