"""The admin's pages of enrollments, bindings and previews; bindings are changed by binding and refreshing alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import BooleanField, ExpressionWrapper, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bootstrap_project.admin import permissions
from bootstrap_project.admin.base import ProductAdmin, ReadOnly
from bootstrap_project.admin.devices.bind import PlatformPages
from bootstrap_project.admin.devices.columns import ConfigColumns
from bootstrap_project.admin.devices.filters import ProfileFilter, ReadinessFilter
from bootstrap_project.admin.devices.preview import PreviewPages
from bootstrap_project.admin.display import (
    badge,
    json_block,
    short_date,
    short_time,
)
from bootstrap_project.admin.profiles.admin import DomainFilter
from configs.models import Config
from enrollments.models import BindingSnapshot, ConnectionState, Enrollment
from enrollments.slots import declared_bindings


def without_secrets(bindings: QuerySet[BindingSnapshot]) -> QuerySet[BindingSnapshot]:
    """Return `bindings` with whether a secret is stored, and with the secret itself left in the database."""
    stored = ExpressionWrapper(~Q(secret_sealed=""), output_field=BooleanField())
    return bindings.annotate(has_secret=stored).defer("secret_sealed")


class BindingColumns:
    """What the admin shows of a binding, beside its own columns."""

    @admin.display(description="snapshot")
    def snapshot_document(self, binding: BindingSnapshot) -> SafeString:
        """Return our copy of the resource."""
        return json_block(binding.snapshot)

    @admin.display(description="secret stored")
    def secret_stored(self, binding: Any) -> str:
        """Return whether there is a secret part, and nothing of it."""
        return "yes" if binding.has_secret else "no"

    @admin.display(description="connection")
    def connection_state(self, binding: BindingSnapshot) -> SafeString | str:
        """Return what is known of the connection to the config's own id."""
        state = ConnectionState(binding.connection)
        kinds = {ConnectionState.CONNECTED: "good", ConnectionState.NO_SUCH_CLIENT: "plain"}
        return badge(kinds[state], state.label) if state in kinds else state.label

    @admin.display(description="updated", ordering="updated_at")
    def updated(self, binding: BindingSnapshot) -> str:
        """Return when the copy was made."""
        return short_time(binding.updated_at)


class BindingInline(ReadOnly, BindingColumns, admin.StackedInline[BindingSnapshot, Enrollment]):
    """The bindings on an enrollment's page."""

    model = BindingSnapshot
    extra = 0
    fields = (
        ("type", "resource_id"),
        ("connection_state", "secret_stored", "updated"),
        "snapshot_document",
    )
    readonly_fields = ("snapshot_document", "secret_stored", "connection_state", "updated")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BindingSnapshot]:
        """Return the bindings without their secrets."""
        return without_secrets(super().get_queryset(request))


@admin.register(Enrollment)
class EnrollmentAdmin(ReadOnly, ConfigColumns, PreviewPages, PlatformPages):
    """Which profile a device has, and how many of its slots are bound; binding, refreshing, and what comes of it."""

    list_display = ("label", "external_id", "domain", "profile_version", "required_slots", "state", "updated_on")
    list_display_links = ("label", "external_id")
    list_filter = ("status", ReadinessFilter, DomainFilter, ProfileFilter)
    list_select_related = ("profile",)
    ordering = ("-created_at",)
    search_fields = ("name", "external_id")
    search_help_text = "A part of the name or of the external id, or the whole config id."
    fields = ("state", "profile_link", "required_slots", "unbound_slots")
    readonly_fields = (*fields, "profile_name")
    inlines = (BindingInline,)

    def get_fields(self, request: HttpRequest, obj: Enrollment | None = None) -> list[Any] | tuple[Any, ...]:
        """Return what is shown; who may not see profiles gets no link to one."""
        if request.user.has_perm(permissions.VIEW_PROFILES):
            return self.fields
        return ["profile_name" if name == "profile_link" else name for name in self.fields]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Stay out of the menus of people who have the list of devices, which shows all this and more."""
        return super().has_module_permission(request) and not request.user.has_perm(permissions.VIEW_DEVICES)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:  # type: ignore[override]
        """Show the list of devices to who may see it: it has all that this one has, and takes the same address."""
        devices = self.admin_site.get_model_admin(Config)
        if devices.has_view_permission(request):
            return devices.changelist_view(request, extra_context)
        return super().changelist_view(request, extra_context)

    def for_list(self, queryset: QuerySet[Enrollment]) -> QuerySet[Enrollment]:
        """Return the rows with what the list shows: of the profile its slots, of the bindings their slots and types."""
        own = ("name", "external_id", "domain_id", "status", "created_at", "updated_at")
        bindings = BindingSnapshot.objects.only("config_id", "slot", "type")
        return queryset.only(
            *own, "profile", "profile__name", "profile__version", "profile__binding_slots"
        ).prefetch_related(Prefetch("bindings", queryset=bindings))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Enrollment]:
        """Return the rows with their profiles."""
        return super().get_queryset(request).select_related("profile")

    @admin.display(description="profile", empty_value="none")
    def profile_link(self, config: Config) -> SafeString | None:
        """Return the profile's name and version, leading to its page."""
        if config.profile is None:
            return None
        url = reverse("admin:profiles_profile_change", args=(config.profile.pk,))
        return format_html('<a href="{}">{} v{}</a>', url, config.profile.name, config.profile.version)

    @admin.display(description="profile", empty_value="none")
    def profile_name(self, config: Config) -> str | None:
        """Return the profile's name and version, for who may not see its page."""
        return f"{config.profile.name} v{config.profile.version}" if config.profile else None

    @admin.display(description="required slots bound", empty_value="-")
    def required_slots(self, config: Any) -> SafeString | None:
        """Return "2 of 3"."""
        if config.profile is None:
            return None
        required = {slot.name for slot in config.profile.slots if slot.required}
        missing = required.intersection(unbound(config))
        text = f"{len(required) - len(missing)} of {len(required)}"
        return badge("bad" if missing else "good", text)

    @admin.display(description="unbound slots", empty_value="none")
    def unbound_slots(self, config: Any) -> str | None:
        """Return the names of declared slots that have no binding of their type."""
        return ", ".join(unbound(config)) or None

    @admin.display(description="updated", ordering="updated_at")
    def updated_on(self, config: Config) -> SafeString | str:
        """Return the day on which it was last changed."""
        return short_date(config.updated_at)

    def get_urls(self) -> list[URLPattern]:
        """Return the pages, with those to bind, to refresh and to preview."""
        return [*self.preview_urls(), *self.platform_urls(), *super().get_urls()]


@admin.register(BindingSnapshot)
class BindingSnapshotAdmin(ReadOnly, BindingColumns, ProductAdmin[BindingSnapshot]):
    """All bindings: what is bound where, for finding the devices that a client or a channel belongs to."""

    domain_field = "config__domain_id"
    list_display = ("slot", "type", "resource_id", "device", "connection_state", "secret_stored", "updated")
    list_filter = ("type", "connection", DomainFilter)
    list_select_related = ("config",)
    ordering = ("-updated_at",)
    search_fields = ("resource_id", "slot", "config__name", "config__external_id")
    search_help_text = "A part of the resource's id, of the slot's name, or of the device's name or external id."
    fields = (
        "slot",
        "type",
        "resource_id",
        "device",
        "connection_state",
        "secret_stored",
        "snapshot_document",
        "created_at",
        "updated_at",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[BindingSnapshot]:
        """Return the bindings without their secrets."""
        return without_secrets(super().get_queryset(request)).select_related("config")

    def for_list(self, queryset: QuerySet[BindingSnapshot]) -> QuerySet[BindingSnapshot]:
        """Return the rows with what the list shows."""
        own = ("slot", "type", "resource_id", "connection", "updated_at", "config")
        return queryset.defer(None).only(*own, "config__name", "config__external_id", "config__domain_id")

    @admin.display(description="device", ordering="config__name")
    def device(self, binding: BindingSnapshot) -> SafeString:
        """Return the config, leading to its enrollment's page."""
        url = reverse("admin:enrollments_enrollment_change", args=(binding.config_id,))
        return format_html('<a href="{}">{}</a>', url, binding.config.display_name)


def unbound(config: Any) -> list[str]:
    """Return the names of the slots that the config's profile declares and nothing of their type is bound to."""
    if config.profile is None:
        return []
    bound = {slot.name for slot, _binding in declared_bindings(config.profile.slots, config.bindings.all())}
    return [slot.name for slot in config.profile.slots if slot.name not in bound]
