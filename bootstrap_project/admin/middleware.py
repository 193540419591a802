"""Django's browser middleware, wound around the admin's pages alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from axes.middleware import AxesMiddleware
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import BadRequest, DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin
from whitenoise.middleware import WhiteNoiseMiddleware

from bootstrap_project.admin.known_places import remember_browser
from bootstrap_project.admin.signed_in import is_session_key
from bootstrap_project.api.errors import json_error
from bootstrap_project.api.messages import COMPRESSED
from bootstrap_project.api.parsers import is_encoded
from bootstrap_project.paths import ADMIN, STATIC, is_below

#: How much of a name that nobody expects is logged.
_MAX_HOST: Final = 200


class _AdminOnly(MiddlewareMixin):
    """Lets every request that is not the admin's pass by untouched.

    Cost: one string comparison a layer for everyone else.
    """

    def __call__(self, request: HttpRequest) -> Any:
        if is_below(request.path_info, ADMIN):
            return super().__call__(request)
        return self.get_response(request)


class AdminSessionMiddleware(_AdminOnly, SessionMiddleware):
    """Sessions for the admin."""

    def process_request(self, request: HttpRequest) -> None:
        """Find the session, unless the cookie is none of ours: the database is not asked for just any text."""
        if not is_session_key(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")):
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        super().process_request(request)


class AdminCommonMiddleware(_AdminOnly, CommonMiddleware):
    """The Host check, the slash at the end of the admin's paths, and no NUL in what a page is asked for."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]  # Django takes any.
        """Refuse a body that is encoded, and an address with a NUL: the database has no text with one."""
        if request.method == "POST" and is_encoded(request):
            return json_error(415, detail=COMPRESSED)
        if "%00" in request.META.get("QUERY_STRING", "") or "\0" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("a NUL in the address")
        try:
            return super().process_request(request)
        except DisallowedHost:
            # Django's words name a setting that nobody has here.
            host = repr(request.META.get("HTTP_HOST", ""))[:_MAX_HOST]
            raise DisallowedHost(f"the admin was asked for as {host}, which MG_BOOTSTRAP_ALLOWED_HOSTS lacks") from None


class AdminCsrfMiddleware(_AdminOnly, CsrfViewMiddleware):
    """Protection against forged requests: programs send a bearer token instead of a cookie, and need none."""

    def process_view(
        self, request: HttpRequest, callback: Callable[..., Any], callback_args: tuple[Any, ...], callback_kwargs: Any
    ) -> HttpResponseForbidden | None:
        """Check the admin's unsafe requests."""
        if is_below(request.path_info, ADMIN):
            return super().process_view(request, callback, callback_args, callback_kwargs)
        return None


class AdminAuthenticationMiddleware(_AdminOnly, AuthenticationMiddleware):
    """The user behind an admin session."""


class AdminMessageMiddleware(_AdminOnly, MessageMiddleware):
    """Messages between the admin's pages."""


class AdminXFrameOptionsMiddleware(_AdminOnly, XFrameOptionsMiddleware):
    """No framing of the admin's pages."""


class AdminLoginThrottleMiddleware(AxesMiddleware):  # type: ignore[misc]  # Axes carries no types.
    """The page for whoever failed too often, in place of the login's answer, and the cookie of who got in."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Look at the admin's answers alone."""
        if is_below(request.path_info, ADMIN):
            locked_or_not: HttpResponse = super().__call__(request)
            if name := getattr(request, "logged_in_name", ""):
                remember_browser(locked_or_not, name)
            return locked_or_not
        answer: HttpResponse = self.get_response(request)
        return answer


class AdminHeadersMiddleware(_AdminOnly, CSPMiddleware):
    """What browsers may do with the admin's pages: run and load our own files, keep nothing, use no device of theirs.

    Django's security middleware adds the referrer and opener policies to every answer.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the policies, and no-store where the view did not say how long its page may be kept."""
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        return super().process_response(request, response)


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # WhiteNoise carries no types.
    """Serves scripts and styles from the packages that ship them."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Look up static files for static paths alone."""
        if is_below(request.path_info, STATIC):
            found: HttpResponseBase = super().__call__(request)
            return found
        answer: HttpResponseBase = self.get_response(request)
        return answer
