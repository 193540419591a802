"""The door: what every request passes before anybody works on it.

It finds the caller's address, bounds the headers, and catches every exception, which a server would answer with an
empty 500. What the door itself refuses never reaches Django.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from bootstrap_project.admin.signed_in import is_signed_in
from bootstrap_project.api.errors import json_error
from bootstrap_project.database.time_limit import answered_within
from bootstrap_project.database.trouble import DATABASE_RETRY_SECONDS, DATABASE_SILENT
from bootstrap_project.observability.health import DATABASE_TROUBLE
from bootstrap_project.observability.middleware import RequestMiddleware
from bootstrap_project.observability.shared_flags import LEAVING, STOPPING
from bootstrap_project.paths import ADMIN, STATIC, is_below
from bootstrap_project.wsgi_middleware.client_address import resolve_client
from bootstrap_project.wsgi_middleware.content_type import FOREIGN_CHARSET, names_foreign_charset, without_charset
from bootstrap_project.wsgi_middleware.header_bounds import bound_headers
from bootstrap_project.wsgi_middleware.request_body import Bodies, TooLarge, TooMany, announced_length, discarding
from devices.bulkhead import Bulkhead, NoPermit

logger = logging.getLogger(__name__)

_METRICS: Final = frozenset({"/metrics", "/metrics/"})
_HEALTH: Final = frozenset({"/health", "/health/"})
#: When whoever finds no room for a body is told to come back.
BUSY_RETRY_SECONDS: Final = 2
#: In how many seconds a health probe has its answer. Callers give up after some seconds, our own after four, and an
#: answer that says what is wrong must come before that.
HEALTH_SECONDS: Final = 3.5
#: Of these, how long the database works on the question, and waits for a lock that keeps devices waiting as well.
HEALTH_STATEMENT_SECONDS, HEALTH_LOCK_SECONDS = 2.5, 2.0

_CLOSE: Final = ("Connection", "close")

_Environ = dict[str, Any]
_StartResponse = Callable[..., Any]
_Application = Callable[[_Environ, _StartResponse], Iterable[bytes]]


class Door:
    """A WSGI application around all others."""

    def __init__(self, application: _Application) -> None:
        self._application = application

    def __call__(self, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        """Answer the request, or have it answered; raises nothing."""
        if STOPPING or LEAVING.is_set():
            # Whoever keeps connections makes his next one to somebody else.
            start_response = _closing(start_response)
        try:
            refused = bound_headers(environ)
            resolve_client(
                environ,
                trusted=settings.TRUSTED_PROXIES,
                header=settings.FORWARDED_HEADER,
                trust_scheme=settings.TRUST_FORWARDED_PROTO,
            )
            if refused:
                return refuse(environ, start_response, *refused)
            prefix: str = settings.URL_PREFIX
            if prefix and is_below(environ["PATH_INFO"], prefix):
                # A proxy that takes it away decodes the ids behind it as well, so it may leave it there.
                environ["PATH_INFO"] = environ["PATH_INFO"][len(prefix) :] or "/"
            content_type = environ.get("CONTENT_TYPE")
            if content_type:
                environ["CONTENT_TYPE"] = without_charset(content_type)
                environ[FOREIGN_CHARSET] = names_foreign_charset(content_type)
            return self._application(environ, start_response)
        except (OperationalError, InterfaceError):
            return refuse(environ, start_response, 503, DATABASE_SILENT, retry_after=DATABASE_RETRY_SECONDS)
        except Exception:
            # Whatever it is: the server would answer it with an empty 500, without id, line or count.
            logger.exception("a request failed outside of what answers errors")
            return refuse(environ, start_response, 500, "report the request id to the operators of this service")


class WholeBodies:
    """A WSGI application around one that finds requests' bodies read already, as far as they arrived."""

    def __init__(self, application: _Application) -> None:
        self._application = application
        self._bodies = Bodies()

    def __call__(self, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        """Read the body and hand the request on, or refuse a body that is too large."""
        path: str = environ["PATH_INFO"]
        if path in _METRICS or is_below(path, STATIC):
            return self._application(environ, start_response)
        try:
            stream = environ["wsgi.input"]
            most = _most_bytes(path, environ)
            with self._bodies.received(environ, most=most) as is_whole:
                if is_whole:
                    return self._application(environ, start_response)
                return discarding(self._application(environ, _closing(start_response)), stream)
        except TooLarge:
            return refuse(environ, start_response, 413, f"a request body has at most {most / 2**20:g} MiB")
        except TooMany:
            detail = "too many requests are being received; try again"
            return refuse(environ, start_response, 503, detail, retry_after=BUSY_RETRY_SECONDS)


def _most_bytes(path: str, environ: _Environ) -> int:
    """Return how large a body may be (docs/contract.md#k31): memory is for those whom we know."""
    most: int = settings.MAX_BODY_BYTES
    if is_below(path, ADMIN) and (announced_length(environ) or 0) > most:
        try:
            return settings.MAX_UPLOAD_BYTES if is_signed_in(environ.get("HTTP_COOKIE", "")) else most
        finally:
            # Nobody waits for a body with a connection in hand.
            connection.close()
    return most


def _closing(start_response: _StartResponse) -> _StartResponse:
    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, headers if _CLOSE in headers else [*headers, _CLOSE], *rest)

    return start


class HealthFirst:
    """A WSGI application around one whose `/health` has a connection of its own, and an answer in time."""

    def __init__(self, application: _Application, bulkhead: Bulkhead) -> None:
        """Give the probes of `application` the connections of `bulkhead`."""
        self._application = application
        self._bulkhead = bulkhead

    def __call__(self, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] not in _HEALTH or STOPPING:
            return self._application(environ, start_response)
        with answered_within(HEALTH_SECONDS):
            try:
                with self._bulkhead.permit():
                    return self._application(environ, start_response)
            except NoPermit as refusal:
                environ[DATABASE_TROUBLE] = refusal.detail
                return self._application(environ, start_response)


class _Unread(HttpRequest):
    """A request of which nothing is parsed: what is wrong with it may be just that."""

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__()
        self.META = environ
        self.method = str(environ.get("REQUEST_METHOD", "")).upper()
        # For the log alone, which takes whatever a server may hand on.
        self.path = str(environ.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")

    def _get_scheme(self) -> str:
        return str(self.META.get("wsgi.url_scheme", "http"))


def refuse(
    environ: _Environ, start_response: _StartResponse, status: int, detail: str = "", *, retry_after: int | None = None
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
    content = [] if environ.get("REQUEST_METHOD") == "HEAD" else [response.content]
    return discarding(content, environ["wsgi.input"]) if announced_length(environ) != 0 else content
