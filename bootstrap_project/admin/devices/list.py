"""The admin's list of devices: columns, filters, search and what can be done with many at once."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bootstrap_project.admin.bulk import BulkActions
from bootstrap_project.admin.changelist import LargeTableAdmin
from bootstrap_project.admin.devices.actions import AssignProfile, Delete, Disable, Enable, UnassignProfile
from bootstrap_project.admin.devices.bulk_refresh import Refresh
from bootstrap_project.admin.devices.export import Export
from bootstrap_project.admin.devices.filters import (
    LastResultFilter,
    ProfileFilter,
    ReadinessFilter,
    ServedVersionFilter,
)
from bootstrap_project.admin.display import badge, outcome_badge, short_id, short_time
from bootstrap_project.admin.filters import DomainFilter, LastDateRangeFilter
from bootstrap_project.database.constraints import NAME_LENGTH
from bootstrap_project.visible_text import shown
from configs.models import Config, Status
from enrollments.readiness import MEANINGS, Readiness, with_readiness

#: What a device says about its calls, and the list shows.
LAST_BOOTSTRAP_COLUMNS: Final = (
    "last_bootstrap_at",
    "last_bootstrap_outcome",
    "last_bootstrap_profile_id",
    "last_bootstrap_profile_version",
)
_KINDS: Final = {Readiness.READY: "good", Readiness.NOT_SEEN: "plain", Readiness.NO_PROFILE: "warn"}
_MAX_SLOTS: Final = 3
_MAX_COUNTED_BY_READINESS: Final = 1000


class ConfigList(LargeTableAdmin[Config], BulkActions[Config]):
    """The list's half of the admin of devices."""

    list_display = ("label", "external_id_shown", "domain", "profile_version", "state", "readiness", "last_bootstrap")
    list_display_links = ("label", "external_id_shown")
    list_filter = (
        "status",
        ReadinessFilter,
        LastResultFilter,
        ("last_bootstrap_at", LastDateRangeFilter),
        ServedVersionFilter,
        DomainFilter,
        ProfileFilter,
    )
    # By these, 100,000 rows are sorted in some 50 ms; what is left out is filtered by instead.
    sortable_by = ("label", "external_id_shown", "last_bootstrap")
    ordering = ("-created_at",)
    search_fields = ("name", "external_id")
    bulk_actions = (Enable(), Disable(), AssignProfile(), UnassignProfile(), Export(), Delete(), Refresh())
    search_help_text = "A part of the name or of the external id, or the whole config id."

    def max_counted(self, request: HttpRequest) -> int:
        """Return how many devices may be counted; to know of one whether it is ready takes a look at its bindings."""
        costly = ReadinessFilter.parameter_name in request.GET
        return _MAX_COUNTED_BY_READINESS if costly else super().max_counted(request)

    def for_list(self, queryset: QuerySet[Config]) -> QuerySet[Config]:
        own = ("name", "external_id", "domain_id", "status", *LAST_BOOTSTRAP_COLUMNS)
        rows = queryset.select_related("profile").only(*own, "profile", "profile__name", "profile__version")
        return with_readiness(rows)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Config], search_term: str
    ) -> tuple[QuerySet[Config], bool]:
        """Search by substring; no name is longer than a name can be, and SQLite refuses patterns of 50,000 bytes."""
        if len(search_term) > NAME_LENGTH:
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="name", ordering="name")
    def label(self, config: Config) -> str:
        return shown(config.name) or "(no name)"

    @admin.display(description="external id", ordering="external_id")
    def external_id_shown(self, config: Config) -> str:
        return shown(config.external_id)

    @admin.display(description="domain", ordering="domain_id")
    def domain(self, config: Config) -> SafeString:
        return short_id(config.domain_id)

    @admin.display(description="profile", ordering="profile__name", empty_value="none")
    def profile_version(self, config: Config) -> str | None:
        return str(config.profile) if config.profile else None

    @admin.display(description="status", ordering="status")
    def state(self, config: Config) -> SafeString:
        return badge("good" if config.status == Status.ENABLED else "bad", config.status)

    @admin.display(description="readiness")
    def readiness(self, config: Any) -> SafeString:
        """Return whether the device has what it needs, and what it lacks; the whole shows under the pointer."""
        return readiness_badge(Readiness(config.readiness), config.unbound_slots)

    @admin.display(description="last bootstrap", ordering="last_bootstrap_at")
    def last_bootstrap(self, config: Config) -> SafeString | str:
        """Return when the device last called, what became of it, and which version of its profile it has."""
        if config.last_bootstrap_at is None:
            return "never"
        version = config.last_bootstrap_profile_version
        shown: SafeString | str = "" if version is None else f"v{version}"
        if version is not None and config.profile is not None:
            if config.last_bootstrap_profile_id not in {None, config.profile_id}:
                title = "It was served another profile, and has not called since."
                shown = format_html('<span class="outdated" title="{}">another profile</span>', title)
            elif version < config.profile.version:
                title = f"The profile is at v{config.profile.version}."
                shown = format_html('<span class="outdated" title="{}">v{}, outdated</span>', title, version)
        return format_html(
            '<span class="moment">{}</span> {} {}',
            short_time(config.last_bootstrap_at),
            outcome_badge(config.last_bootstrap_outcome),
            shown,
        )


def readiness_badge(state: Readiness, unbound_slots: list[str] | None = None) -> SafeString:
    """Return a readiness in its colour, with the names of the slots that are unbound."""
    words = state.label
    if state is Readiness.UNBOUND and unbound_slots:
        words = f"unbound: {', '.join(unbound_slots[:_MAX_SLOTS])}{'…' if len(unbound_slots) > _MAX_SLOTS else ''}"
    return format_html('<span title="{}">{}</span>', MEANINGS[state], badge(_KINDS.get(state, "bad"), words))
