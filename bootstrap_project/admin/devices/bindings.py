"""The admin's pages of bindings, of all devices; they are changed by binding and refreshing alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bootstrap_project.admin.base import ProductAdmin, ReadOnly
from bootstrap_project.admin.display import (
    badge,
    json_block,
    short_time,
)
from bootstrap_project.admin.filters import DomainFilter
from enrollments.models import BindingSnapshot, ConnectionState


def without_secrets(bindings: QuerySet[BindingSnapshot]) -> QuerySet[BindingSnapshot]:
    """Return `bindings` with whether a secret is stored, and with the secret itself left in the database."""
    stored = ExpressionWrapper(~Q(secret_sealed=""), output_field=BooleanField())
    return bindings.annotate(has_secret=stored).defer("secret_sealed")


@admin.register(BindingSnapshot)
class BindingSnapshotAdmin(ReadOnly, ProductAdmin[BindingSnapshot]):
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
        own = ("slot", "type", "resource_id", "connection", "updated_at", "config")
        return queryset.defer(None).only(*own, "config__name", "config__external_id", "config__domain_id")

    @admin.display(description="device", ordering="config__name")
    def device(self, binding: BindingSnapshot) -> SafeString:
        url = reverse("admin:configs_config_change", args=(binding.config_id,))
        return format_html('<a href="{}">{}</a>', url, binding.config.display_name)

    @admin.display(description="snapshot")
    def snapshot_document(self, binding: BindingSnapshot) -> SafeString:
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
        return short_time(binding.updated_at)
