"""From errors to answers: the one table of statuses, the one envelope, the one place that catches everything."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.template.loader import render_to_string
from django.views.defaults import bad_request as refused_page
from django.views.defaults import page_not_found, permission_denied, server_error
from rest_framework import exceptions
from rest_framework.response import Response

from bootstrap_project.api.json import dump_json
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.observability.request_id import current_request_id

logger = logging.getLogger(__name__)

STATUS_OF_KIND: Final = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHORIZED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.LENGTH_REQUIRED: 411,
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
    401: "missing or invalid bearer user token",
    403: "failed to perform authorization over the entity",
    404: "not found",
    405: "method not allowed",
    406: "not acceptable",
    413: "request body too large",
    415: "unsupported content type",
    500: "internal error",
    503: "service temporarily unavailable",
}
DATABASE_RETRY_SECONDS: Final = 2
# PostgreSQL's states "read_only_sql_transaction" and "lock_not_available".
_READ_ONLY: Final = "25006"
_LOCKED: Final = "55P03"
DATABASE_SILENT: Final = "the database does not answer; try again"
DATABASE_LOCKED: Final = "another change to the same data takes too long; try again"


def envelope(message: str, detail: str = "") -> dict[str, str]:
    """Return the body of an error: `message`, `error` where there is more to say, and the request id (contract B)."""
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
    """Return the answer to whatever a REST view raised; a bug is logged and told apart by its request id alone."""
    status, message, detail, headers = _describe(exception)
    if status == 500:
        view = context.get("view")
        logger.error(
            "unexpected error in a view", exc_info=exception, extra={"view": type(view).__name__ if view else ""}
        )
    return Response(envelope(message, detail), status=status, headers=headers)


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
    if isinstance(exception, SuspiciousOperation | BadRequest | UnreadablePostError):
        return 400, MESSAGE_OF_STATUS[400], "", {}
    if _is_database_away(exception):
        logger.warning("the database did not answer", exc_info=exception)
        return 503, MESSAGE_OF_STATUS[503], _why(exception), {"Retry-After": str(DATABASE_RETRY_SECONDS)}
    return 500, MESSAGE_OF_STATUS[500], "report the request id to the operators of this service", {}


def _is_database_away(exception: BaseException | None) -> bool:
    """Tell whether the database is down, or takes no writes, as a standby that is about to take over."""
    return _state(exception) == _READ_ONLY or isinstance(exception, OperationalError | InterfaceError)


def _state(exception: BaseException | None) -> str:
    """Return PostgreSQL's name for what went wrong, empty where it said nothing."""
    return getattr(exception.__cause__, "sqlstate", None) or "" if exception else ""


def _why(exception: BaseException | None) -> str:
    return DATABASE_LOCKED if _state(exception) == _LOCKED else DATABASE_SILENT


def _for_people(request: HttpRequest) -> bool:
    return request.path_info.startswith("/admin")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django itself refused: a page to people, JSON to programs."""
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
    """Answer what nobody has caught, and Django logs: 503 while the database does not answer, 500 for a bug."""
    # Called while the exception is handled.
    if not _is_database_away(sys.exception()):
        return server_error(request) if _for_people(request) else json_error(500)
    headers = {"Retry-After": str(DATABASE_RETRY_SECONDS)}
    if _for_people(request):
        context = {"is_locked": _state(sys.exception()) == _LOCKED}
        return HttpResponse(render_to_string("503.html", context), status=503, headers=headers)
    return json_error(503, detail=_why(sys.exception()), headers=headers)
