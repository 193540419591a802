"""From errors to answers: the one table of statuses, the one envelope, the one place that catches everything."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.template.loader import render_to_string
from django.views.defaults import bad_request as refused_page
from django.views.defaults import page_not_found, permission_denied, server_error
from rest_framework import exceptions
from rest_framework.response import Response

from bootstrap_project.api.messages import DENIED, INVALID_QUERY, NO_TOKEN, TOO_LARGE, UNSUPPORTED_TYPE
from bootstrap_project.database.trouble import DATABASE_RETRY_SECONDS, note_trouble, reason_of
from bootstrap_project.documents.json import dump_json
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.observability.middleware import add_to_log
from bootstrap_project.observability.request_id import current_request_id
from bootstrap_project.paths import ADMIN, is_below

logger = logging.getLogger(__name__)

STATUS_OF_KIND: Final = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHORIZED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.LENGTH_REQUIRED: 411,
    ErrorKind.PRECONDITION_FAILED: 412,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorKind.RENDER_FAILED: 422,
    ErrorKind.THROTTLED: 429,
    ErrorKind.UPSTREAM_FAILED: 502,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.UPSTREAM_TIMEOUT: 504,
}
MESSAGE_OF_STATUS: Final = {
    400: "request could not be understood",
    401: NO_TOKEN,
    403: DENIED,
    404: "not found",
    405: "method not allowed",
    406: "not acceptable",
    413: TOO_LARGE,
    414: "the address is too long",
    415: UNSUPPORTED_TYPE,
    431: "a header of the request is too long",
    500: "internal error",
    503: "service temporarily unavailable",
}


def envelope(message: str, detail: str = "") -> dict[str, str]:
    """Return the body of an error: `message`, `error` where there is more to say, and the request id.

    Source: docs/contract.md#b.
    """
    body = {"message": message}
    if detail:
        body["error"] = detail
    return body | {"request_id": current_request_id()}


def json_error(
    status: int, message: str = "", detail: str = "", *, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return an error answer for a plain view."""
    body = dump_json(envelope(message or MESSAGE_OF_STATUS.get(status, "error"), detail))
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


def error_headers(error: BootstrapError) -> dict[str, str]:
    """Return the headers that belong to `error`: when to come back, and how to authenticate."""
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.kind is ErrorKind.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def error_response(error: BootstrapError) -> HttpResponse:
    """Return the answer to `error` for a plain view."""
    return json_error(STATUS_OF_KIND[error.kind], error.message, error.detail, headers=error_headers(error))


def exception_handler(exception: Exception, context: dict[str, Any]) -> Response:
    """Return the answer to whatever a REST view raised; a bug is logged and told apart by its request id alone.

    What is expected to fail now and then, the database and the platform, has its reason in the request's line.
    """
    status, message, detail, headers = _describe(exception)
    if status == 500:
        view = context.get("view")
        logger.error(
            "unexpected error in a view", exc_info=exception, extra={"view": type(view).__name__ if view else ""}
        )
    elif status > 500 and "request" in context:
        # Django REST framework's request is a wrapper, which the middleware never sees.
        _tell_reason(getattr(context["request"], "_request", context["request"]), exception)
    return Response(envelope(message, detail), status=status, headers=headers)


def _tell_reason(request: HttpRequest, exception: BaseException | None) -> None:
    reason = str(exception) if isinstance(exception, BootstrapError) else reason_of(exception)
    add_to_log(request, logging.WARNING, {"reason": reason})


def _describe(exception: Exception) -> tuple[int, str, str, dict[str, str]]:
    if isinstance(exception, BootstrapError):
        return STATUS_OF_KIND[exception.kind], exception.message, exception.detail, error_headers(exception)
    if isinstance(exception, exceptions.MethodNotAllowed):
        return 405, MESSAGE_OF_STATUS[405], exception.detail if isinstance(exception.detail, str) else "", {}
    if isinstance(exception, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return 401, MESSAGE_OF_STATUS[401], "", {"WWW-Authenticate": "Bearer"}
    if isinstance(exception, exceptions.APIException):
        return exception.status_code, MESSAGE_OF_STATUS.get(exception.status_code, "error"), str(exception.detail), {}
    if isinstance(exception, Http404):
        return 404, MESSAGE_OF_STATUS[404], "", {}
    if isinstance(exception, PermissionDenied):
        return 403, MESSAGE_OF_STATUS[403], "", {}
    if isinstance(exception, RequestDataTooBig):
        return 413, MESSAGE_OF_STATUS[413], "", {}
    if isinstance(exception, TooManyFieldsSent):
        return 400, INVALID_QUERY, f"a request has at most {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} parameters", {}
    if isinstance(exception, SuspiciousOperation | BadRequest | UnreadablePostError):
        return 400, MESSAGE_OF_STATUS[400], "", {}
    trouble = note_trouble(exception)
    if trouble is not None:
        return 503, MESSAGE_OF_STATUS[503], trouble.detail, {"Retry-After": str(DATABASE_RETRY_SECONDS)}
    return 500, MESSAGE_OF_STATUS[500], "report the request id to the operators of this service", {}


def _for_people(request: HttpRequest) -> bool:
    return is_below(request.path_info, ADMIN)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself refused: a page to people, JSON to programs."""
    if isinstance(exception, DisallowedHost):
        return HttpResponse(render_to_string("400_host.html"), status=400)
    if _for_people(request):
        return refused_page(request, exception)
    status, message, detail, headers = _describe(exception)
    return json_error(status, message, detail, headers=headers)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403: a page to people, JSON to programs."""
    return permission_denied(request, exception) if _for_people(request) else json_error(403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404: a page to people, JSON to programs."""
    return page_not_found(request, exception) if _for_people(request) else json_error(404)


def internal_error(request: HttpRequest) -> HttpResponse:
    """Answer what nobody has caught: 503 while something is missing that we need, 500 for a bug, which Django logs."""
    # Called while the exception is handled.
    exception = sys.exception()
    trouble = note_trouble(exception)
    if trouble is None:
        return server_error(request) if _for_people(request) else json_error(500)
    _tell_reason(request, exception)
    return _unavailable(request, trouble.heading, trouble.detail)


def _unavailable(request: HttpRequest, heading: str, detail: str) -> HttpResponse:
    headers = {"Retry-After": str(DATABASE_RETRY_SECONDS)}
    if _for_people(request):
        context = {"heading": heading, "detail": detail}
        return HttpResponse(render_to_string("503.html", context), status=503, headers=headers)
    return json_error(503, detail=detail, headers=headers)
