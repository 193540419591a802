"""A small balancer: sends requests to instances that say they are ready, over connections that it keeps, once each."""

from __future__ import annotations

import http.client
import select
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any, Self

from tests.support.waiting import eventually

#: How often it asks an instance for its health.
ASK_SECONDS = 0.1


class Balancer:
    """Listens on a port of its own; what it could not have answered by an instance is a 502."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.ready: dict[int, bool] = dict.fromkeys(ports, False)
        self._turns = cycle(ports)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        balancer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body of an answer are two writes.
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                self.kept: dict[int, http.client.HTTPConnection] = {}

            def finish(self) -> None:
                for connection in self.kept.values():
                    connection.close()
                super().finish()

            def do_GET(self) -> None:
                status, body = balancer.forward(self)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(0.05,))]
        self._threads += [threading.Thread(target=self._ask, args=(port,)) for port in ports]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()

    def forward(self, request: Any) -> tuple[int, bytes]:
        """Have `request` answered by the next instance that is ready; return status and body."""
        port = self._next()
        connection = request.kept.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=60))
        if connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
            # It was closed long ago, which every proxy sees.
            connection.close()
        try:
            body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
            connection.request(request.command, request.path, body or None, dict(request.headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return 502, repr(error).encode()

    def _next(self) -> int:
        # On a busy machine a probe may have failed for want of time: that is no fault of those who call.
        eventually(lambda: any(self.ready.values()))
        with self._lock:
            return next(port for port in self._turns if self.ready[port] or not any(self.ready.values()))

    def _ask(self, port: int) -> None:
        while not self._stopped.wait(ASK_SECONDS):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                connection.request("GET", "/health")
                self.ready[port] = connection.getresponse().status == http.HTTPStatus.OK
            except (OSError, http.client.HTTPException):
                self.ready[port] = False
            finally:
                connection.close()
