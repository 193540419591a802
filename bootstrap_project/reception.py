"""The door: what every request passes before anybody works on it, and which requests wait for which places.

Whose call it is is settled here, headers and bodies are bounded here, and nothing that is raised leaves from here: a
server would answer it with nothing at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from time import monotonic
from typing import Any, Final

from django.conf import settings
from django.db import InterfaceError, OperationalError

from bootstrap_project.acquaintances import Acquaintances
from bootstrap_project.adminsite.signed_in import is_signed_in
from bootstrap_project.api.database_errors import DATABASE_RETRY_SECONDS, DATABASE_SILENT
from bootstrap_project.observability.health import DATABASE_ANSWERS, DATABASE_TROUBLE
from bootstrap_project.overdue import Overdue
from bootstrap_project.paths import ADMIN, DEVICES, STATIC, is_below
from bootstrap_project.places import REFUSAL, NoPlace, Places
from bootstrap_project.refusals import refuse
from bootstrap_project.silence import Silence
from bootstrap_project.wsgi_middleware.client_address import resolve_client
from bootstrap_project.wsgi_middleware.content_type import without_charset
from bootstrap_project.wsgi_middleware.header_bounds import bound_headers
from bootstrap_project.wsgi_middleware.request_body import Bodies, TooLarge, TooMany, announced_length

logger = logging.getLogger(__name__)

#: Needs no database, and so no place; no more do static files.
_METRICS: Final = frozenset({"/metrics", "/metrics/"})
_HEALTH: Final = frozenset({"/health", "/health/"})
#: For how long a device that was served proves that the database answers.
PROOF_SECONDS: Final = 0.5
#: When whoever finds no room for a body is told to come back.
BUSY_RETRY_SECONDS: Final = 2
#: Devices that wait in a process when we begin to end their connections: a sixth of what the server takes on.
CROWD: Final = 64
#: In how many seconds after its arrival a device has its answer, whatever is locked or silent (contract K34).
DEVICE_SECONDS: Final = 8.0
#: In how many seconds a health probe has its answer: callers wait for some seconds, our own for four, and whoever got
#: none knows less than one who was told what is the matter.
HEALTH_SECONDS: Final = 3.5
#: How long others wait for a place, each time.
OTHER_SECONDS: Final = 8.0

_CLOSE: Final = ("Connection", "close")

_Environ = dict[str, Any]
_StartResponse = Callable[..., Any]
_Application = Callable[[_Environ, _StartResponse], Iterable[bytes]]


class Reception:
    """A WSGI application around another one, which gets as many requests at once as there are places.

    Devices whose last call was answered well go before those that nobody knows yet: neither a flood of wrong keys nor
    a crowd whose keys need a slow check makes them wait. An answer to a device in a crowd ends the connection: programs
    that keep theirs open after the only question they have would keep others from asking.
    """

    def __init__(
        self,
        application: _Application,
        *,
        devices: int,
        others: int,
        crowd: int = CROWD,
        lock_timeout_seconds: int = 0,
    ) -> None:
        """Let so many calls of devices, and so many other requests, be worked on at once."""
        self._application = application
        self._silence = Silence()
        new = partial(Places, may_connect=self._silence.require_answers, lock_timeout_seconds=lock_timeout_seconds)
        self._devices = new(devices, crowd=crowd, answer_seconds=DEVICE_SECONDS)
        self._others = new(others, wait_seconds=OTHER_SECONDS)
        self._health = new(1, answer_seconds=HEALTH_SECONDS)
        self._silence.look_after(self._others, self._health, devices=self._devices)
        self._overdue = Overdue(self._devices, self._health)
        self._bodies = Bodies()
        self._acquaintances = Acquaintances()
        self._served_until = 0.0

    def __call__(self, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        """Settle what has to be settled, wait for a place, and answer; raises nothing."""
        try:
            return self._receive(environ, start_response)
        except (OperationalError, InterfaceError, NoPlace):
            return refuse(environ, start_response, 503, DATABASE_SILENT, retry_after=DATABASE_RETRY_SECONDS)
        except Exception:
            # Whatever it is: the server would answer it with an empty 500, without id, line or count.
            logger.exception("a request failed outside of what answers errors")
            return refuse(environ, start_response, 500, "report the request id to the operators of this service")

    def _receive(self, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        self._silence.watch.start()
        self._overdue.watch.start()
        refused = bound_headers(environ)
        resolve_client(
            environ,
            trusted=settings.TRUSTED_PROXIES,
            header=settings.FORWARDED_HEADER,
            trust_scheme=settings.TRUST_FORWARDED_PROTO,
        )
        if refused:
            return refuse(environ, start_response, refused)
        content_type = environ.get("CONTENT_TYPE")
        if content_type:
            environ["CONTENT_TYPE"] = without_charset(content_type)
        path: str = environ["PATH_INFO"]
        if is_below(path, DEVICES):
            return self._answer_device(path, environ, start_response)
        if path in _METRICS or is_below(path, STATIC):
            return self._application(environ, start_response)
        if path in _HEALTH and self._silence.trouble is not None:
            environ[DATABASE_TROUBLE] = self._silence.trouble.value
            return self._application(environ, start_response)
        if path in _HEALTH and monotonic() < self._served_until:
            # A question of its own would wait for the database behind the crowd whose answers say all there is to say.
            environ[DATABASE_ANSWERS] = True
            return self._application(environ, start_response)
        try:
            with self._bodies.received(environ, most=self._most_bytes(path, environ)) as is_whole:
                return self._answer(path, environ, start_response if is_whole else _closing(start_response))
        except TooLarge:
            return refuse(environ, start_response, 413, "a request body has at most 1 MiB")
        except TooMany:
            return refuse(
                environ,
                start_response,
                503,
                "too many requests are being received; try again",
                retry_after=BUSY_RETRY_SECONDS,
            )

    def _most_bytes(self, path: str, environ: _Environ) -> int:
        """Return how large a body may be: memory is for those whom we know."""
        most: int = settings.MAX_BODY_BYTES
        if is_below(path, ADMIN) and (announced_length(environ) or 0) > most:
            with self._others.place():
                return settings.MAX_UPLOAD_BYTES if is_signed_in(environ.get("HTTP_COOKIE", "")) else most
        return most

    def _answer(self, path: str, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        places = self._health if path in _HEALTH else self._others
        with ExitStack() as stack:
            try:
                stack.enter_context(places.place())
            except NoPlace as refusal:
                environ[DATABASE_TROUBLE if path in _HEALTH else REFUSAL] = refusal
            body = self._application(environ, start_response)
        # What is made while it is sent reads the database then.
        return _Streamed(body, places) if getattr(body, "streaming", False) else body

    def _answer_device(self, path: str, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        # The address belongs to it: somebody who knows a device's id only does not pass for it.
        caller = hash((environ.get("REMOTE_ADDR", ""), path))
        with ExitStack() as stack:
            try:
                was_crowded = stack.enter_context(self._devices.place(preferred=caller in self._acquaintances))
            except NoPlace as refusal:
                # The view tells it, so that it is counted and logged as any other answer.
                environ[REFUSAL], was_crowded = refusal, True

            def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
                is_served = status[0] in "23"
                self._acquaintances.note(caller, well=is_served)
                if is_served:
                    self._served_until = monotonic() + PROOF_SECONDS
                return start_response(status, [*headers, _CLOSE] if was_crowded else headers, *rest)

            return self._application(environ, start)


def _closing(start_response: _StartResponse) -> _StartResponse:
    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, _CLOSE], *rest)

    return start


class _Streamed:
    """A body that is made at a place."""

    def __init__(self, body: Any, places: Places) -> None:
        self._body = body
        self._parts = self._made(places)

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        # Whoever goes away in the middle leaves the place, too.
        self._parts.close()
        self._body.close()

    def _made(self, places: Places) -> Generator[bytes]:
        with places.place():
            yield from self._body
