"""Answers of the door itself, to requests that nothing behind it saw: as all others are, but nothing is parsed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from bootstrap_project.api.errors import json_error
from bootstrap_project.observability.middleware import RequestMiddleware


class _Unread(HttpRequest):
    """A request of which nothing is parsed: what is wrong with it may be just that."""

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__()
        self.META = environ
        self.method = str(environ.get("REQUEST_METHOD", "")).upper()

    def _get_scheme(self) -> str:
        return str(self.META.get("wsgi.url_scheme", "http"))


def refuse(
    environ: dict[str, Any],
    start_response: Callable[..., Any],
    status: int,
    detail: str = "",
    *,
    retry_after: int | None = None,
) -> Iterable[bytes]:
    """Answer `status` in JSON, with a request id, a log line, a count and the headers of every answer, and hang up.

    Cost: as any error's.
    """
    headers = {"Connection": "close"} | ({} if retry_after is None else {"Retry-After": str(retry_after)})

    def answer(_request: HttpRequest) -> HttpResponse:
        return json_error(status, detail=detail, headers=headers)

    security: Any = SecurityMiddleware(answer)
    response: Any = RequestMiddleware(security)(_Unread(environ))
    start_response(f"{status} {response.reason_phrase}", list(response.items()))
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [response.content]
