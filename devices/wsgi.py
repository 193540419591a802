"""The short way in for devices: their calls are answered without Django's handler, everything else is handed on.

Django's handler costs as much as the device path itself: signals, the URL table, middleware for browsers. A device's
call needs none of them, so its route is looked up among a few and its view called at once. Views, request ids, metrics,
log lines and headers are those of Django's way; tests compare both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, Final

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIRequest, get_path_info
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from bootstrap_project.database.time_limit import answered_within
from bootstrap_project.observability.middleware import RequestMiddleware
from bootstrap_project.paths import DEVICES, is_below
from devices.bulkhead import REFUSAL, Bulkhead, NoPermit
from devices.urls import urlpatterns

#: In how many seconds after its arrival a device has its answer, whatever is locked or silent (docs/contract.md#k34).
DEVICE_SECONDS: Final = 8.0

_Environ = dict[str, Any]
_StartResponse = Callable[..., Any]
_Application = Callable[[_Environ, _StartResponse], Iterable[bytes]]


class DeviceApplication:
    """A WSGI application around another one, which gets the calls that are not devices'.

    An answer to a device in a crowd ends the connection: programs that keep theirs open after the only question they
    have would keep others from asking.
    Cost: one comparison for everybody else.
    """

    def __init__(self, application: _Application, bulkhead: Bulkhead | None = None) -> None:
        """Take the calls of devices from `application`; they wait for a permit of `bulkhead`, where there is one."""
        self._application = application
        self._bulkhead = bulkhead
        security: Any = SecurityMiddleware(convert_exception_to_response(_view))
        self._answer = RequestMiddleware(security)

    def __call__(self, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        if not is_below(environ["PATH_INFO"], DEVICES) and not _begins_with_spare_slashes(environ):
            return self._application(environ, start_response)
        # A request writes the decoded path into `environ`, which nobody could decode again: so there is none before it
        # is clear that it is a device's.
        path = get_path_info(environ).lstrip("/")
        match = next(filter(None, (pattern.resolve(path) for pattern in urlpatterns)), None)
        if match is None:
            return self._application(environ, start_response)
        request = WSGIRequest(environ)
        request.resolver_match = match
        response: Any = (
            self._answer(request) if self._bulkhead is None else self._answer_with_permit(self._bulkhead, request)
        )
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        # Not the response itself: closing it would signal the end of a request of Django's own.
        return [response.content]

    def _answer_with_permit(self, bulkhead: Bulkhead, request: WSGIRequest) -> Any:
        with answered_within(DEVICE_SECONDS), ExitStack() as stack:
            try:
                was_crowded = stack.enter_context(bulkhead.permit())
            except NoPermit as refusal:
                # The view says so, so that it is counted and logged as any other answer.
                request.META[REFUSAL], was_crowded = refusal, True
            response: Any = self._answer(request)
        if was_crowded:
            response.headers["Connection"] = "close"
        return response


def _begins_with_spare_slashes(environ: _Environ) -> bool:
    """Tell whether the path is a device's but for slashes before it.

    An operator whose domain is empty asks for such paths, too: the key says whose call it is.
    """
    path: str = environ["PATH_INFO"]
    if not path.startswith("//") or not environ.get("HTTP_AUTHORIZATION", "").startswith("Client "):
        return False
    return is_below("/" + path.lstrip("/"), DEVICES)


def _view(request: HttpRequest) -> HttpResponse:
    match = request.resolver_match
    assert match is not None  # noqa: S101 - for the type checker: the caller has just found it.
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response
