"""Where people logged in well before: their browsers, by a signed cookie, and their addresses.

Whoever fails in somebody's name, or under many names from a shared address, must not close the login to those whose
place it is. A browser that logged in has failures of its own; an address from which a person logged in is not closed to
that person by failures under other names.
Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from bootstrap_project.admin.models import KnownAddress

COOKIE: Final = "bootstrap_known"
#: How long a place stays known after the last login there.
KNOWN_FOR: Final = timedelta(days=90)
_SALT: Final = "adminsite.known_places"


def browser_of(request: HttpRequest, name: str) -> str:
    """Return what failures of this browser are counted by when `name` logged in with it; "" for all others."""
    try:
        owner, browser = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=KNOWN_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return f"browser {browser}" if owner == name else ""


def remember_browser(response: HttpResponseBase, name: str) -> None:
    """Give the browser a cookie that says no more than that `name` logged in with it; it opens nothing."""
    response.set_cookie(
        COOKIE,
        signing.dumps([name, secrets.token_hex(8)], salt=_SALT),
        max_age=KNOWN_FOR,
        path=reverse("admin:login"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_known_address(name: str, address: str) -> bool:
    """Return whether `name` logged in from `address` lately."""
    known = KnownAddress.objects.filter(user__username=name, address=address, last_login__gt=timezone.now() - KNOWN_FOR)
    return known.exists()


def remember_address(user: AbstractBaseUser, address: str) -> None:
    """Note that `user` logged in from `address`."""
    KnownAddress.objects.update_or_create(user_id=user.pk, address=address, defaults={"last_login": timezone.now()})


def forget_old_addresses() -> int:
    """Delete the addresses that are not known any more, and return how many there were."""
    deleted, _by_model = KnownAddress.objects.filter(last_login__lte=timezone.now() - KNOWN_FOR).delete()
    return deleted
