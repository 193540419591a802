"""What the admin's lists of devices can be limited to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from bootstrap_project.admin.access import limit_to_granted
from bootstrap_project.admin.filters import DomainFilter, DropdownFilter
from bootstrap_project.ids import parse_id
from bootstrap_project.outcomes import AUTHENTICATED, SERVED, Outcome
from configs.models import Config
from enrollments.readiness import NOT_READY, Readiness, limited_to
from profiles.models import Profile

_MAX_PROFILES: Final = 50
#: What became of a device's last call: with its own word, or with several that mean the same to people.
LAST_RESULTS: Final = {
    "served": ("served", tuple(sorted(SERVED))),
    "failed": ("not served", tuple(sorted(AUTHENTICATED - SERVED))),
    "disabled": ("· disabled", (Outcome.DISABLED,)),
    "missing-binding": ("· missing binding", (Outcome.MISSING_BINDING,)),
    "render-failed": ("· render failed", (Outcome.RENDER_FAILED,)),
    "never": ("never called", ("",)),
}


class ProfileFilter(DropdownFilter):
    """The devices of one profile; the list offers the first fifty of the chosen domain, a link may ask for any."""

    title = "profile"
    parameter_name = "profile"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        columns = ("pk", "name", "version")
        granted = limit_to_granted(Profile.objects.all(), request.user)
        profiles = granted.order_by("name", "pk").values_list(*columns)
        domain_id = request.GET.get(DomainFilter.parameter_name)
        if domain_id and "\0" not in domain_id:
            profiles = profiles.filter(domain_id=domain_id)
        offered = {str(pk): f"{name} v{version}" for pk, name, version in profiles[:_MAX_PROFILES]}
        chosen = parse_id(self.value() or "")
        if chosen:
            # However it is spelt in the address.
            self.used_parameters[self.parameter_name] = str(chosen)
        if chosen and str(chosen) not in offered:
            found = granted.filter(pk=chosen).values_list(*columns)
            offered |= {str(pk): f"{name} v{version}" for pk, name, version in found}
        return list(offered.items())

    def has_output(self) -> bool:
        """Be there also where no profile can be offered: the address may name one."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Config]) -> QuerySet[Config]:
        if not self.value():
            return queryset
        chosen = parse_id(self.value() or "")
        return queryset.filter(profile_id=chosen) if chosen else queryset.none()


class ReadinessFilter(admin.SimpleListFilter):
    """The devices that have what they need, or that lack something, and what."""

    title = "readiness"
    parameter_name = "readiness"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        reasons = [(state.value, f"· {state.label}") for state in NOT_READY]
        return [(Readiness.READY.value, Readiness.READY.label), ("not-ready", "not ready"), *reasons]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Config]) -> QuerySet[Config]:
        if self.value() == "not-ready":
            return limited_to(queryset, *NOT_READY)
        state = self.value() or ""
        return limited_to(queryset, Readiness(state)) if state in Readiness.values else queryset


class LastResultFilter(admin.SimpleListFilter):
    """What became of the last call."""

    title = "last result"
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(name, words) for name, (words, _outcomes) in LAST_RESULTS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Config]) -> QuerySet[Config]:
        chosen = LAST_RESULTS.get(self.value() or "")
        return queryset.filter(last_bootstrap_outcome__in=chosen[1]) if chosen else queryset


class ServedVersionFilter(admin.SimpleListFilter):
    """Whether the device has the profile's current version."""

    title = "version served"
    parameter_name = "version"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("current", "current"), ("outdated", "outdated")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Config]) -> QuerySet[Config]:
        """Limit the list to the chosen answer; who was given no version yet is in neither."""
        if self.value() not in {"current", "outdated"}:
            return queryset
        is_current = Q(last_bootstrap_profile_version__gte=F("profile__version")) & (
            Q(last_bootstrap_profile_id=F("profile_id")) | Q(last_bootstrap_profile_id__isnull=True)
        )
        served = queryset.filter(last_bootstrap_profile_version__isnull=False, profile__isnull=False)
        return served.filter(is_current) if self.value() == "current" else served.exclude(is_current)
