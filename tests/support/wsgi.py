"""Calls of the whole WSGI application, door and all, as a server makes them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What the server would send."""

    status: int
    headers: dict[str, str]
    body: bytes


def make_environ(
    path: str = "/",
    *,
    method: str = "GET",
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    peer: str = "127.0.0.1",
) -> dict[str, Any]:
    """Return the environment of a request; `path` is decoded, its bytes as Latin-1 letters."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "9013",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": peer,
        "HTTP_HOST": "localhost",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    for name, value in (headers or {}).items():
        key = name.upper().replace("-", "_")
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    return environ


def send(application: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> Answer:
    """Return what `application` answers to `environ`."""
    said: list[tuple[int, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_rest: object) -> None:
        said.append((int(status[:3]), dict(headers)))

    parts = application(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()
    return Answer(*said[-1], body)


def call(application: Callable[..., Iterable[bytes]], path: str = "/", **asked: Any) -> Answer:
    """Return what `application` answers; `asked` as in `make_environ`."""
    return send(application, make_environ(path, **asked))
