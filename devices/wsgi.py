"""The short way in for devices: their calls are answered without Django's handler, everything else is handed on.

Django's handler spends as long on a call as the device path itself: signals, the URL table, middleware that browsers
need. A device's call has nothing for them, so its route is looked up among three and its view called at once. Views,
request ids, metrics, log lines and headers are those of Django's way, which tests hold this one to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIRequest, get_path_info
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from bootstrap_project.observability.middleware import RequestMiddleware
from bootstrap_project.paths import DEVICES, is_below
from devices.urls import urlpatterns

_Environ = dict[str, Any]
_StartResponse = Callable[..., Any]
_Application = Callable[[_Environ, _StartResponse], Iterable[bytes]]


class DeviceApplication:
    """A WSGI application around another one, which gets the calls that are not devices'.

    Cost: one comparison for everybody else.
    """

    def __init__(self, application: _Application) -> None:
        """Take the calls of devices from `application`."""
        self._application = application
        security: Any = SecurityMiddleware(convert_exception_to_response(_view))
        self._answer = RequestMiddleware(security)

    def __call__(self, environ: _Environ, start_response: _StartResponse) -> Iterable[bytes]:
        """Answer a device's call, or hand the call on."""
        if not is_below(environ["PATH_INFO"], DEVICES):
            return self._application(environ, start_response)
        # A request writes the decoded path into `environ`, which nobody could decode again: so there is none before it
        # is clear that it is a device's.
        path = get_path_info(environ)[1:]
        match = next(filter(None, (pattern.resolve(path) for pattern in urlpatterns)), None)
        if match is None:
            return self._application(environ, start_response)
        request = WSGIRequest(environ)
        request.resolver_match = match
        response: Any = self._answer(request)
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        # Not the response itself: closing it would tell Django that a request of its own has ended.
        return [response.content]


def _view(request: HttpRequest) -> HttpResponse:
    match = request.resolver_match
    assert match is not None  # noqa: S101 - for the type checker: the caller has just found it.
    response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return response
