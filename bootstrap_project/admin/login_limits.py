"""When the admin's login is closed to somebody: django-axes, with guesses paid for in advance."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_str
from axes.models import AccessAttempt
from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import F, QuerySet, Sum
from django.http import HttpRequest

from bootstrap_project.admin.known_places import browser_of, is_known_address, remember_address
from bootstrap_project.admin.logins import client_name

logger = logging.getLogger(__name__)

#: How many names may fail as often as one may, from one address, until logins from there are closed.
NAMES_OF_AN_ADDRESS: Final = 10

Credentials = Mapping[str, Any] | None


class LoginLimits(AxesDatabaseHandler):  # type: ignore[misc]  # Axes carries no types.
    """Counts failures by name, address and known browser, and by address alone for those who are not known there.

    Axes counts a failure when the slow hash has told it, so that any number of guesses that are made at once would all
    be looked at. Here each guess is counted before, and a good login takes its count away again.

    A row holds the name, the address and in `user_agent` the browser that is known; nothing else of the request.
    Guessing one likely password for many names stays below each name's limit and costs us a slow hash each time: hence
    the address' limit. It does not hold for those who logged in from that address before, or with that browser, lest
    one person close the login for an office or for all who come through one proxy.
    """

    def is_allowed(self, request: HttpRequest, credentials: Credentials = None) -> bool:
        """Pay for one guess; tell whether it may be looked at.

        Cost: five statements.
        """
        self.clean_expired_user_attempts(request, credentials)
        name, address = client_name(request, credentials), request.axes_ip_address  # type: ignore[attr-defined]
        is_known = bool(browser_of(request, name)) or is_known_address(name, address)
        most = settings.AXES_FAILURE_LIMIT * NAMES_OF_AN_ADDRESS
        request.address_is_closed = _failures_of(address, request) >= most  # type: ignore[attr-defined]
        if request.address_is_closed and not is_known:  # type: ignore[attr-defined]
            return False
        if not self._pay(request, credentials):
            return False
        if not is_known and _failures_of(address, request) > most:
            # Others have paid meanwhile; of those who come too late nobody is looked at.
            paid = self._attempts(request, credentials).filter(failures_since_start__gt=0)
            paid.update(failures_since_start=F("failures_since_start") - 1)
            return False
        return True

    def user_login_failed(self, sender: Any, credentials: Credentials, request: Any = None, **kwargs: Any) -> None:
        """Close the login where that was the last failure, which is counted already."""
        if request is None:
            return
        name = client_name(request, credentials)
        whom = get_client_str(name, request.axes_ip_address, "", request.axes_path_info, request)
        logger.warning("login failed by %s", whom)
        if not request.axes_locked_out:
            request.axes_failures_since_start = self.get_failures(request, credentials)
            # Where others are not looked at, a wrong guess at a known name tells no more than theirs.
            is_last = request.axes_failures_since_start >= settings.AXES_FAILURE_LIMIT
            request.axes_locked_out = is_last or getattr(request, "address_is_closed", False)
        if request.axes_locked_out:
            logger.warning("login closed to %s", whom)
            request.axes_credentials = credentials
            user_locked_out.send("axes", request=request, username=name, ip_address=request.axes_ip_address)

    def user_logged_in(self, sender: Any, request: Any, user: AbstractBaseUser, **kwargs: Any) -> None:
        """Forget the failures, and remember the place."""
        super().user_logged_in(sender, request, user, **kwargs)
        remember_address(user, request.axes_ip_address)
        request.logged_in_name = user.get_username()

    def filter_user_attempts(self, request: Any, credentials: Credentials = None) -> list[QuerySet[AccessAttempt]]:
        """Return the row that the guess counts in, as axes wants it."""
        return [self._attempts(request, credentials)]

    def _attempts(self, request: Any, credentials: Credentials) -> QuerySet[AccessAttempt]:
        attempts: QuerySet[AccessAttempt] = AccessAttempt.objects.filter(**_row_of(request, credentials))
        return attempts

    def _pay(self, request: Any, credentials: Credentials) -> bool:
        attempts = self._attempts(request, credentials)
        unpaid = attempts.filter(failures_since_start__lt=settings.AXES_FAILURE_LIMIT)
        while True:
            # One statement decides and pays, so that no two guesses pay with the same money.
            if unpaid.update(
                failures_since_start=F("failures_since_start") + 1, attempt_time=request.axes_attempt_time
            ):
                return True
            if attempts.exists():
                return False
            # The first failure, or a good login has just taken the row away.
            first = AccessAttempt(**_row_of(request, credentials), failures_since_start=0)
            AccessAttempt.objects.bulk_create([first], ignore_conflicts=True)


def _row_of(request: Any, credentials: Credentials) -> dict[str, str]:
    name = client_name(request, credentials)
    return {"username": name, "ip_address": request.axes_ip_address, "user_agent": browser_of(request, name)}


def _failures_of(address: str, request: HttpRequest) -> int:
    recent = AccessAttempt.objects.filter(ip_address=address, attempt_time__gte=get_cool_off_threshold(request))
    failures: int = recent.aggregate(failures=Sum("failures_since_start"))["failures"] or 0
    return failures
