"""Who tries to log in from where, and what they see after too many failures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from bootstrap_project.admin.display import pluralized
from bootstrap_project.wsgi_middleware.client_address import rate_limit_key

_MAX_NAME_LENGTH: Final = 255
#: Stands for an address that the server does not know, as behind a proxy on a Unix socket.
_NO_ADDRESS: Final = "::"


def client_address(request: HttpRequest) -> str:
    """Return what failures are counted by beside the user's name.

    An IPv6 address counts as its /64 network, as for devices.
    """
    return rate_limit_key(request.META.get("REMOTE_ADDR", "")) or _NO_ADDRESS


def client_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the user name that failures are counted by; a digest of it where nobody has that name.

    What was typed as a name may have been a password, and rows of failures are in backups. The login's form takes names
    of any length, which the database would refuse.
    Cost: one query a request.
    """
    given = request.POST if credentials is None else credentials
    name = str(given.get("username") or "")
    known: dict[str, str] = vars(request).setdefault("_names_of_failures", {})
    if name not in known:
        known[name] = name if _is_somebody(name) else _digest(name)
    return known[name]


def _is_somebody(name: str) -> bool:
    return len(name) <= _MAX_NAME_LENGTH and "\0" not in name and User.objects.filter(username=name).exists()


def _digest(name: str) -> str:
    # With a blank, which no user's name has.
    text = name.encode("utf-8", "surrogatepass")
    return f"unknown {salted_hmac('adminsite.unknown_name', text, algorithm='sha256').hexdigest()[:40]}"


def needs_https(request: HttpRequest) -> dict[str, bool]:
    """Tell templates whether a page was opened by http where only https lets anybody log in.

    Who is logged in came by https, whatever a proxy in front failed to say.
    """
    is_plain = settings.HTTPS_ONLY and not request.is_secure()
    user = getattr(request, "user", None) if is_plain else None
    return {"needs_https": is_plain and not (user and user.is_authenticated)}


def lockout_response(
    request: HttpRequest, _response: HttpResponse | None, credentials: Mapping[str, Any] | None
) -> HttpResponse:
    """Return the page that says when to try again; the same for names that nobody has.

    Cost: one query.
    """
    wait = _seconds_left(request, credentials)
    context = {
        **admin.site.each_context(request),
        "title": "Too many failed logins",
        "wait": pluralized(wait, "second") if wait < 60 else pluralized(math.ceil(wait / 60), "minute"),
    }
    answer = TemplateResponse(
        request, "admin/login_locked.html", context, status=429, headers={"Retry-After": str(wait)}
    )
    return answer.render()


def _seconds_left(request: HttpRequest, credentials: Mapping[str, Any] | None) -> int:
    attempts = AccessAttempt.objects.filter(
        username=client_name(request, credentials), ip_address=client_address(request)
    )
    newest = attempts.aggregate(newest=Max("attempt_time"))["newest"] or timezone.now()
    seconds: float = (newest + get_cool_off(request) - timezone.now()).total_seconds()
    return max(1, math.ceil(seconds))
