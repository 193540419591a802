"""Which requests wait for which places: devices for theirs, programs and people for others, health for its own."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from time import monotonic
from typing import Any, Final

from django.conf import settings

from bootstrap_project.acquaintances import Acquaintances
from bootstrap_project.api.errors import json_error
from bootstrap_project.bodies import Bodies, TooMany
from bootstrap_project.content_types import without_charset
from bootstrap_project.observability.health import DATABASE_ANSWERS, DATABASE_TROUBLE
from bootstrap_project.observability.sources import source_of
from bootstrap_project.overdue import Overdue
from bootstrap_project.places import REFUSAL, NoPlace, Places
from bootstrap_project.silence import Silence
from devices.wsgi import PREFIX

#: What needs no database, and so no place.
_WITHOUT_PLACE: Final = ("/static/", "/metrics")
_HEALTH: Final = frozenset({"/health", "/health/"})
#: For how long a device that was served proves that the database answers.
PROOF_SECONDS: Final = 0.5
#: Devices that wait in a process when we begin to end their connections: a sixth of what the server takes on.
CROWD: Final = 64
#: In how many seconds after its arrival a device has its answer, whatever is locked or silent (contract K34).
DEVICE_SECONDS: Final = 8.0
#: How long others wait for a place, each time; health for no longer than its callers wait for it.
OTHER_SECONDS: Final = 8.0
HEALTH_SECONDS: Final = 2.0

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
        self._health = new(1, wait_seconds=HEALTH_SECONDS)
        self._silence.look_after(self._others, self._health, devices=self._devices)
        self._overdue = Overdue(self._devices)
        self._bodies = Bodies()
        self._acquaintances = Acquaintances()
        self._served_until = 0.0

    def __call__(self, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        """Wait for a place, and answer."""
        self._silence.watch.start()
        self._overdue.watch.start()
        content_type = environ.get("CONTENT_TYPE")
        if content_type:
            environ["CONTENT_TYPE"] = without_charset(content_type)
        path: str = environ["PATH_INFO"]
        if path.startswith(PREFIX):
            return self._answer_device(path, environ, start_response)
        if path.startswith(_WITHOUT_PLACE):
            return self._application(environ, start_response)
        if path in _HEALTH and self._silence.trouble is not None:
            environ[DATABASE_TROUBLE] = self._silence.trouble.value
            return self._application(environ, start_response)
        if path in _HEALTH and monotonic() < self._served_until:
            # A question of its own would wait for the database behind the crowd whose answers say all there is to say.
            environ[DATABASE_ANSWERS] = True
            return self._application(environ, start_response)
        try:
            if not self._bodies.read(environ):
                start_response = _closing(start_response)
        except TooMany:
            return _busy(_closing(start_response))
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
        caller = hash((source_of(environ, settings.TRUSTED_PROXIES), path))
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


def _busy(start_response: _StartResponse) -> Iterable[bytes]:
    response = json_error(503, detail="too many requests are being received; try again", headers={"Retry-After": "2"})
    start_response("503 Service Unavailable", list(response.items()))
    return [response.content]


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
