"""The admin's pages of devices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bootstrap_project.adminsite.access import limit_to_granted
from bootstrap_project.adminsite.display import badge, counted, short_date, short_time
from bootstrap_project.api.viewsets import parse_id
from configs.admin_columns import ConfigColumns
from configs.admin_page import DevicePage
from configs.models import Config, Status
from configs.services import set_statuses
from profiles.admin import DomainFilter
from profiles.models import Profile

_MOST_PROFILES = 50
_LAST_BOOTSTRAP_COLUMNS = ("last_bootstrap_at", "last_bootstrap_outcome", "last_bootstrap_profile_version")
# The outcomes of `devices.attempts` with which a device got its configuration, or has it already.
_SERVED = frozenset({"ok", "static", "not_modified"})


class ProfileFilter(admin.SimpleListFilter):
    """The devices of one profile; the list offers the first fifty of the chosen domain, a link may ask for any."""

    title = "profile"
    parameter_name = "profile"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return profiles by name, and the chosen one."""
        columns = ("pk", "name", "version")
        granted = limit_to_granted(Profile.objects.all(), request.user)
        profiles = granted.order_by("name", "pk").values_list(*columns)
        if domain_id := request.GET.get(DomainFilter.parameter_name):
            profiles = profiles.filter(domain_id=domain_id)
        offered = {str(pk): f"{name} v{version}" for pk, name, version in profiles[:_MOST_PROFILES]}
        chosen = parse_id(self.value() or "")
        if chosen and str(chosen) not in offered:
            found = granted.filter(pk=chosen).values_list(*columns)
            offered |= {str(pk): f"{name} v{version}" for pk, name, version in found}
        return list(offered.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Config]) -> QuerySet[Config]:
        """Limit the list to the chosen profile."""
        if not self.value():
            return queryset
        chosen = parse_id(self.value() or "")
        return queryset.filter(profile_id=chosen) if chosen else queryset.none()


class ReadinessFilter(admin.SimpleListFilter):
    """The devices that have what they need, or that lack something."""

    title = "readiness"
    parameter_name = "readiness"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return what can be missing."""
        return [("profile", "has a profile"), ("no-profile", "has no profile")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Config]) -> QuerySet[Config]:
        """Limit the list to the chosen readiness."""
        if self.value() not in {"profile", "no-profile"}:
            return queryset
        return queryset.filter(profile__isnull=self.value() == "no-profile")


@admin.register(Config)
class ConfigAdmin(ConfigColumns, DevicePage):
    """Devices: their list, and switching many at once; the page of one is in `configs.admin_page`."""

    list_display = (
        "label",
        "external_id",
        "domain",
        "profile_version",
        "state",
        "last_bootstrap",
        "created_on",
        "updated_on",
    )
    list_display_links = ("label", "external_id")
    list_filter = ("status", ReadinessFilter, DomainFilter, ProfileFilter)
    list_select_related = ("profile",)
    ordering = ("-created_at",)
    search_fields = ("name", "external_id")
    search_help_text = "A part of the name or of the external id, or the whole config id."
    actions = ("enable_selected", "disable_selected")

    def for_list(self, queryset: QuerySet[Config]) -> QuerySet[Config]:
        """Return the rows with what the list shows."""
        own = ("name", "external_id", "domain_id", "status", "created_at", "updated_at", *_LAST_BOOTSTRAP_COLUMNS)
        return queryset.only(*own, "profile", "profile__name", "profile__version")

    @admin.display(description="last bootstrap", ordering="last_bootstrap_at")
    def last_bootstrap(self, config: Config) -> SafeString | str:
        """Return when the device last called, what became of it, and which version of its profile it has."""
        if config.last_bootstrap_at is None:
            return "never"
        version = config.last_bootstrap_profile_version
        shown = "" if version is None else f"v{version}"
        return format_html("{} {} {}", short_time(config.last_bootstrap_at), self.last_result(config), shown)

    @admin.display(description="result")
    def last_result(self, config: Config) -> SafeString | str:
        """Return what became of the device's last call, in its colour."""
        outcome = config.last_bootstrap_outcome
        if not outcome:
            return "never called"
        return badge("good" if outcome in _SERVED else "bad", outcome.replace("_", " "))

    @admin.display(description="created", ordering="created_at")
    def created_on(self, config: Config) -> SafeString | str:
        """Return the day on which it was enrolled."""
        return short_date(config.created_at)

    @admin.display(description="updated", ordering="updated_at")
    def updated_on(self, config: Config) -> SafeString | str:
        """Return the day on which it was last changed."""
        return short_date(config.updated_at)

    @admin.action(permissions=["switch"], description="Enable selected devices")
    def enable_selected(self, request: HttpRequest, queryset: QuerySet[Config]) -> None:
        """Let the chosen devices have their configuration."""
        self._switch(request, queryset, Status.ENABLED)

    @admin.action(permissions=["switch"], description="Disable selected devices")
    def disable_selected(self, request: HttpRequest, queryset: QuerySet[Config]) -> None:
        """Refuse the chosen devices from their next call on."""
        self._switch(request, queryset, Status.DISABLED)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Config], status: Status) -> None:
        with transaction.atomic():
            switched, already = set_statuses(configs=queryset, status=status)
            words = f"{status.capitalize()}, through the list."
            LogEntry.objects.log_actions(_user_id(request), switched, CHANGE, words)
        text = f"{counted(len(switched), 'device')} {status}."
        text += f" {counted(already, 'device')} had been before." if already else ""
        self.message_user(request, text, messages.SUCCESS)


def _user_id(request: HttpRequest) -> Any:
    return request.user.pk
