"""Which requests wait for which places: devices for theirs, programs and people for others, health for its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from bootstrap_project.places import Places
from devices.wsgi import PREFIX

#: What needs no database, and so no place.
_WITHOUT_PLACE: Final = ("/static/", "/metrics")
_HEALTH: Final = frozenset({"/health", "/health/"})

_Environ = dict[str, Any]
_StartResponse = Callable[..., Any]
_Application = Callable[[_Environ, _StartResponse], Iterable[bytes]]


class Reception:
    """A WSGI application around another one, which gets as many requests at once as there are places.

    An answer to a device in a crowd ends the connection: programs that keep theirs open after the only question they
    have would keep others from asking.
    """

    def __init__(self, application: _Application, *, devices: int, others: int) -> None:
        """Let so many calls of devices, and so many other requests, be worked on at once."""
        self._application = application
        self._devices = Places(devices)
        self._others = Places(others)
        self._health = Places(1)

    def __call__(self, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        """Wait for a place, and answer."""
        path: str = environ["PATH_INFO"]
        if path.startswith(PREFIX):
            with self._devices.place() as was_crowded:
                return self._application(environ, _closing(start_response) if was_crowded else start_response)
        if path.startswith(_WITHOUT_PLACE):
            return self._application(environ, start_response)
        places = self._health if path in _HEALTH else self._others
        with places.place():
            body = self._application(environ, start_response)
        # What is made while it is sent reads the database then.
        return _Streamed(body, places) if getattr(body, "streaming", False) else body


class _Streamed:
    """A body that is made at a place."""

    def __init__(self, body: Any, places: Places) -> None:
        self._body = body
        self._places = places

    def __iter__(self) -> Iterator[bytes]:
        with self._places.place():
            yield from self._body

    def close(self) -> None:
        self._body.close()


def _closing(start_response: _StartResponse) -> _StartResponse:
    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, ("Connection", "close")], *rest)

    return start
