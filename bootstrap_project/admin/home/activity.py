"""What devices were answered lately: by hour, by day, and the latest failures."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncHour
from django.utils import timezone

from bootstrap_project.admin.access import granted_domains, limit_to_granted
from bootstrap_project.admin.home.cache import memo
from bootstrap_project.outcomes import outcome_label
from configs.models import Config
from devices.models import BootstrapAttempt

HOURS: Final = 24
DAYS: Final = 7
_MAX_FAILURES: Final = 8


@dataclass(frozen=True, slots=True)
class Span:
    """An hour or a day, and how many calls were answered in it: with a configuration, or without."""

    start: datetime | date
    served: int
    refused: int


@dataclass(frozen=True, slots=True)
class Activity:
    """The last hours and days up to `at`, oldest first."""

    at: datetime
    hours: tuple[Span, ...]
    days: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that gave a device no configuration; `name` is "" where no device is known, or it has none."""

    pk: int
    at: datetime
    config_id: uuid.UUID | None
    external_id: str
    name: str
    outcome: str
    words: str
    error_id: str


def recent_activity(user: Any) -> Activity:
    """Return the activity of the devices that `user` may see; unknown ones are seen by superusers alone.

    Cost: two queries on indexes; what takes long is remembered for a while (`memo`).
    """
    return memo.get(("activity", granted_domains(user)), lambda: _activity(user))


def _activity(user: Any) -> Activity:
    now = timezone.localtime()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    today = now.date()
    first_day = today - timedelta(days=DAYS - 1)
    since = timezone.make_aware(datetime.combine(first_day, time.min))
    attempts: Any = limit_to_granted(BootstrapAttempt.objects.filter(at__gte=since), user)
    every, refused = _by_hour(attempts), _by_hour(attempts.failed())
    every_day, refused_day = _by_day(every), _by_day(refused)
    # In UTC, so that an hour is an hour on the days on which clocks are put forward or back.
    starts = [timezone.localtime(this_hour - timedelta(hours=back)) for back in reversed(range(HOURS))]
    hours = (Span(start, every[start] - refused[start], refused[start]) for start in starts)
    dates = [first_day + timedelta(days=number) for number in range(DAYS)]
    days = (Span(one, every_day[one] - refused_day[one], refused_day[one]) for one in dates)
    return Activity(now, tuple(hours), tuple(days))


def _by_hour(attempts: QuerySet[BootstrapAttempt]) -> Counter[datetime]:
    rows = attempts.order_by().annotate(hour=TruncHour("at")).values_list("hour").annotate(number=Count("pk"))
    return Counter({timezone.localtime(hour): number for hour, number in rows})


def _by_day(hours: Counter[datetime]) -> Counter[date]:
    days: Counter[date] = Counter()
    for hour, number in hours.items():
        days[hour.date()] += number
    return days


def latest_failures(user: Any) -> list[Failure]:
    """Return the newest calls of the last days that gave a device nothing.

    Cost: two queries.
    """
    since = timezone.now() - timedelta(days=DAYS)
    failed: Any = limit_to_granted(BootstrapAttempt.objects.failed().filter(at__gte=since), user)
    attempts = list(failed.order_by("-at", "-id")[:_MAX_FAILURES])
    ids = {attempt.config_id for attempt in attempts if attempt.config_id}
    names = {}
    if ids:
        known = limit_to_granted(Config.objects.filter(pk__in=ids), user)
        names = dict(known.values_list("pk", "name"))
    return [
        Failure(
            pk=attempt.pk,
            at=attempt.at,
            config_id=attempt.config_id if attempt.config_id in names else None,
            external_id=attempt.external_id or "(by its key)",
            name=names.get(attempt.config_id, "") if attempt.config_id else "",
            outcome=attempt.outcome,
            words=outcome_label(attempt.outcome, is_known=attempt.config_id is not None),
            error_id=attempt.error_id,
        )
        for attempt in attempts
    ]
