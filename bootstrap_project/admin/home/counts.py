"""How many devices there are, by status and readiness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from bootstrap_project.admin.access import granted_domains, limit_to_granted
from bootstrap_project.admin.database import without_jit
from bootstrap_project.admin.home.cache import memo
from configs.models import Config, Status
from enrollments.readiness import MEANINGS, NOT_READY, Readiness, readiness

#: Counting these takes about as long as `memo` finds worth remembering.
_MANY: Final = 5000


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, what it counts, and the list of just those devices."""

    number: int
    label: str
    url: str
    meaning: str = ""

    @property
    def shown(self) -> str:
        return f"{self.number:,}"


@dataclass(frozen=True, slots=True)
class DeviceCounts:
    """Counts as of a moment; readiness is that of enabled devices, since disabled ones get nothing anyway."""

    at: datetime
    statuses: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)

    @property
    def may_be_old(self) -> bool:
        """Return whether there are so many devices that counts of them are remembered."""
        return self.statuses.total() >= _MANY

    @property
    def total(self) -> Figure:
        return Figure(self.statuses.total(), "devices", _list())

    @property
    def enabled(self) -> Figure:
        return Figure(self.statuses[Status.ENABLED], "enabled", _list(status__exact=Status.ENABLED.value))

    @property
    def disabled(self) -> Figure:
        return Figure(self.statuses[Status.DISABLED], "disabled", _list(status__exact=Status.DISABLED.value))

    @property
    def ready(self) -> Figure:
        """Return the enabled ones that have what they need, and have called."""
        return self._state(Readiness.READY)

    @property
    def not_ready(self) -> Figure:
        """Return the enabled ones that lack something."""
        number = sum(self.states[state] for state in NOT_READY)
        return Figure(number, "not ready", _list(status__exact=Status.ENABLED.value, readiness="not-ready"))

    @property
    def reasons(self) -> Iterator[Figure]:
        """Yield why, each device at its first reason."""
        for state in NOT_READY:
            yield self._state(state)

    def _state(self, state: Readiness) -> Figure:
        url = _list(status__exact=Status.ENABLED.value, readiness=state.value)
        return Figure(self.states[state], state.label, url, MEANINGS[state])


def count_devices(user: Any) -> DeviceCounts:
    """Return the counts of the devices that `user` may see.

    Cost: one query, some 6 µs a device; what takes long is remembered for a while (`memo`).
    """
    granted = granted_domains(user)
    return memo.get(("devices", granted), lambda: _count(user))


def _count(user: Any) -> DeviceCounts:
    devices = limit_to_granted(Config.objects.all(), user)
    rows = devices.order_by().annotate(state=readiness()).values_list("status", "state").annotate(number=Count("pk"))
    counts = DeviceCounts(timezone.now())
    with without_jit():
        for status, state, number in rows:
            counts.statuses[status] += number
            if status == Status.ENABLED:
                counts.states[state] += number
    return counts


def _list(**query: str) -> str:
    url = reverse("admin:configs_config_changelist")
    return f"{url}?{urlencode(query)}" if query else url
