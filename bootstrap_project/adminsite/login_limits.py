"""When the admin's login is closed to somebody, besides what django-axes counts for a name and an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest

from bootstrap_project.adminsite.logins import client_address

#: How many names may fail as often as one may, from one address, until all logins from there are closed.
NAMES_OF_AN_ADDRESS: Final = 10


class LoginLimits(AxesDatabaseHandler):  # type: ignore[misc]  # Axes carries no types.
    """Closes the login to an address as well that fails under one name after the other.

    Guessing one likely password for many names stays below each name's limit, and costs us a slow hash each time.
    """

    def is_locked(self, request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> bool:
        """Tell whether the login is closed.

        Cost: a query more than axes'.
        """
        return bool(super().is_locked(request, credentials)) or _address_is_locked(request)


def _address_is_locked(request: HttpRequest) -> bool:
    address = client_address(request)
    if address is None:
        return False
    recent = AccessAttempt.objects.filter(ip_address=address, attempt_time__gte=get_cool_off_threshold(request))
    failures: int = recent.aggregate(failures=Sum("failures_since_start"))["failures"] or 0
    return failures >= settings.AXES_FAILURE_LIMIT * NAMES_OF_AN_ADDRESS
