"""The upstreams of nginx's documented file, in front of two that are replaced one right after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from tests.support.nginx import NGINX, Nginx
from tests.support.ports import free_port

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


class Answers(BaseHTTPRequestHandler):
    """200 to whatever is asked."""

    def do_POST(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def instance(port: int) -> Iterator[None]:
    """Something that answers at this port."""
    with ThreadingHTTPServer(("127.0.0.1", port), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_who_was_away_a_moment_ago_is_asked_when_the_other_one_goes(tmp_path: Path):
    first, second = free_port(), free_port()
    statuses: list[int] = []

    def ask() -> None:
        # A change must not be lost either: nginx tries again what it could send to nobody.
        methods = ("GET", "GET", "POST", "POST")
        statuses.extend(requests.request(method, nginx.url, timeout=60).status_code for method in methods)

    with ExitStack() as stack:
        others = stack.enter_context(ExitStack())
        others.enter_context(instance(second))
        nginx = stack.enter_context(Nginx(tmp_path, [first, second]))
        ask()
        stack.enter_context(instance(first))
        others.close()
        ask()

    assert statuses == [200, 200, 200, 200] * 2, nginx.log()
