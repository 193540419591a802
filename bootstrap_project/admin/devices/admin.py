"""The admin's page of one device: its form, its state and its panels; enrolling a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import CASCADE, ForeignKey
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters

from bootstrap_project.admin import permissions
from bootstrap_project.admin.access import only_domain
from bootstrap_project.admin.base import RecordTimes
from bootstrap_project.admin.devices.bind import PlatformPages
from bootstrap_project.admin.devices.forms import ConfigAddForm, ConfigChangeForm, ProfileSelect
from bootstrap_project.admin.devices.key_forms import KEY_FIELDS
from bootstrap_project.admin.devices.keys import SHOWN_ONCE, KeyPages, new_enrolment, read_enrolment
from bootstrap_project.admin.devices.list import ConfigList
from bootstrap_project.admin.devices.preview import PreviewPages
from bootstrap_project.admin.devices.sections import (
    CALLS,
    HISTORY,
    SLOTS,
    Panel,
    own_problems,
    problems_of,
    shown_panels,
)
from bootstrap_project.admin.devices.variables import VariablePages
from bootstrap_project.admin.display import json_block, sentence
from bootstrap_project.ids import parse_id
from configs.errors import ConfigNotFound
from configs.models import Config, Status
from configs.services import (
    CERTIFICATES,
    CREATABLE,
    EDITABLE,
    create_config,
    delete_config,
    doubts_about_external_id,
    set_profile,
    set_status,
    update_certificates,
    update_config,
)
from profiles.models import Profile

_DOCUMENTS = {
    "render_context": "variables_document",
    "effective_variables": "variables_as_read",
    "content": "content_document",
    "client_cert": "client_cert_document",
    "ca_cert": "ca_cert_document",
}


class DevicePage(RecordTimes, VariablePages, KeyPages, PreviewPages, PlatformPages):
    """One device: what is written in the form goes through the services, what else is known comes in panels."""

    #: What is shown below the form, in this order.
    panels: ClassVar[tuple[Panel, ...]] = (SLOTS, CALLS, HISTORY)

    form = ConfigChangeForm
    autocomplete_fields = ("profile",)
    readonly_fields = ("id", "created", "updated", "effective_variables", *_DOCUMENTS.values())

    @admin.display(description="variables")
    def variables_document(self, config: Config) -> SafeString | str:
        return json_block(config.render_context) if config.render_context else "none of its own"

    @admin.display(description="content")
    def content_document(self, config: Config) -> SafeString | str:
        return _text_block(config.content)

    @admin.display(description="client certificate")
    def client_cert_document(self, config: Config) -> SafeString | str:
        return _text_block(config.client_cert)

    @admin.display(description="CA certificate")
    def ca_cert_document(self, config: Config) -> SafeString | str:
        return _text_block(config.ca_cert)

    def get_fieldsets(self, request: HttpRequest, obj: Config | None = None) -> Any:
        """Return what belongs on the page; who may only look sees nothing of keys."""
        may_write = obj is None or self.has_change_permission(request, obj)
        given: tuple[str, ...] = ("profile", "render_context", "effective_variables")
        content: tuple[str, ...] = ("content",)
        certificates: tuple[str, ...] = ("client_cert", *_client_key_fields(obj), "ca_cert")
        if not may_write:
            given = tuple(_DOCUMENTS.get(name, name) for name in given)
            content = (_DOCUMENTS["content"],)
            certificates = tuple(_DOCUMENTS[name] for name in certificates if name in _DOCUMENTS)
        rest: list[tuple[str | None, dict[str, Any]]] = [
            ("What it is given", {"fields": given}),
            ("Fixed content", {"fields": content, "classes": () if obj and obj.content else ("collapse",)}),
            ("Certificates", {"fields": certificates, "classes": ("collapse",)}),
        ]
        if obj is None:
            status = ("status",) if self.has_switch_permission(request) else ()
            return [
                ("Identity", {"fields": ("enrolment", "name", "external_id", "domain_id", *status)}),
                ("Key", {"fields": ("key_choice", "external_key")}),
                *rest,
            ]
        base = ("base",) if may_write else ()
        return [
            ("Identity", {"fields": (*base, "name", "external_id", "domain_id")}),
            *rest,
            ("Record", {"fields": ("id", "created", "updated"), "classes": ("collapse",)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Config | None = None) -> tuple[str, ...]:
        """Return what cannot be written: a device keeps its external id and its domain."""
        return (*self.readonly_fields, "external_id", "domain_id") if obj else self.readonly_fields

    def get_form(
        self, request: HttpRequest, obj: Config | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Config]]:
        return super().get_form(request, obj, change, **({} if obj else {"form": ConfigAddForm}) | kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Fill in the domain where there is but one, and draw the id of the new device."""
        given = super().get_changeform_initial_data(request)
        return only_domain(request.user) | given | {"enrolment": new_enrolment(request.user)}

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "profile":
            kwargs["widget"] = ProfileSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Config | None:
        """Return the device; while it is saved, nobody else writes it between the look and the writing."""
        row_id = parse_id(object_id)
        route = request.resolver_match
        if row_id and request.method == "POST" and route and route.url_name == "configs_config_change":
            held = Config.objects.filter(pk=row_id).order_by().select_for_update()
            held.values_list("pk").first()
        return super().get_object(request, object_id, from_field)

    @method_decorator(sensitive_post_parameters(*KEY_FIELDS, "new_client_key"))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or save the form; keys stay out of error reports, and a form sent twice enrols one device."""
        if request.method == "POST" and object_id is None and (answer := self._enrolled_before(request)):
            return answer
        return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Config | None = None,
    ) -> Any:
        if obj is not None:
            context |= self.state_of(request, obj)
        context["check_url"] = reverse("admin:configs_config_check_variables")
        return super().render_change_form(request, context, add, change, form_url, obj)

    def state_of(self, request: HttpRequest, config: Config) -> dict[str, Any]:
        # The form's instance holds what was typed; what a device gets now is what is stored.
        stored = self.get_queryset(request).select_related("profile").filter(pk=config.pk).first() or config
        panels = shown_panels(self.panels, request, stored)
        return {
            "stored": stored,
            "panels": [panel for panel in panels if panel.html],
            "problems": [
                *own_problems(stored, may_change=self.has_change_permission(request, stored)),
                *problems_of(panels),
            ],
            "last_outcome": stored.last_bootstrap_outcome.replace("_", " "),
            "is_enabled": stored.status == Status.ENABLED,
            "may_switch": self.has_switch_permission(request),
            "may_rotate": request.user.has_perm(permissions.ROTATE_KEYS),
        }

    def save_model(self, request: HttpRequest, obj: Config, form: Any, change: bool) -> None:
        """Store the device through its services; of an existing one, what was changed and nothing else."""
        values = dict(form.cleaned_data)
        values["client_key"] = values.pop("new_client_key", "")
        if not change:
            self._create(request, obj, values)
            # For the answer to this request, and for nothing else.
            request.made_key = values["external_key"] if form.was_generated else ""  # type: ignore[attr-defined]
            return
        changed = {name: values[name] for name in form.changed_data if name in values}
        if values["client_key"] or values["remove_client_key"]:
            changed["client_key"] = values["client_key"]
        _change(obj, changed)

    def _create(self, request: HttpRequest, obj: Config, values: Mapping[str, Any]) -> None:
        profile: Profile | None = values["profile"]
        created = create_config(
            domain_id=values["domain_id"],
            external_id=values["external_id"],
            external_key=values["external_key"],
            profile_id=profile.pk if profile else None,
            config_id=read_enrolment(values["enrolment"], request.user),
            values={name: values[name] for name in (*CREATABLE, "client_key")},
        )
        obj.pk = created.pk
        for doubt in doubts_about_external_id(created.external_id, self.get_queryset(request)):
            self.message_user(request, f"About the external id: {sentence(doubt)}", messages.WARNING)
        if values.get("status", created.status) != created.status:
            set_status(domain_id=obj.domain_id, config_id=obj.pk, status=values["status"])

    def _enrolled_before(self, request: HttpRequest) -> HttpResponse | None:
        drawn = read_enrolment(request.POST.get("enrolment", ""), request.user)
        config = self.get_queryset(request).filter(pk=drawn).first() if drawn else None
        if config is None or not self.has_view_permission(request, config):
            return None
        text = f"{config.display_name} is enrolled already; nothing was done twice. {SHOWN_ONCE}"
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:configs_config_change", args=(config.pk,)))

    def response_add(self, request: HttpRequest, obj: Config, post_url_continue: str | None = None) -> HttpResponse:
        """Show a key that was made here, this once; otherwise go on as ever."""
        made: str = getattr(request, "made_key", "")
        if made:
            return self.show_key(request, obj, made, is_new=True)
        return super().response_add(request, obj, post_url_continue)

    def has_switch_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(permissions.SWITCH_DEVICES)

    def get_urls(self) -> list[URLPattern]:
        switch = self.admin_site.admin_view(self.switch_view)
        return [path("<path:object_id>/switch/", switch, name="configs_config_switch"), *super().get_urls()]

    def switch_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        config = self.get_object(request, unquote(object_id))
        if not (self.has_view_permission(request, config) and self.has_switch_permission(request)):
            raise PermissionDenied
        if config is None:
            return self.gone(request)
        status = request.POST.get("status", "")
        if request.method == "POST" and status in Status.values:
            try:
                with transaction.atomic():
                    set_status(domain_id=config.domain_id, config_id=config.pk, status=Status(status))
                    if config.status != status:
                        self.log_change(request, config, f"{status.capitalize()}.")
            except ConfigNotFound:
                return self.gone(request)
            told = {
                Status.ENABLED: "The device is enabled: it gets its configuration at its next call.",
                Status.DISABLED: "The device is disabled: it is refused from its next call on.",
            }
            self.message_user(request, told[Status(status)], messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:configs_config_change", args=(config.pk,)))

    def delete_model(self, request: HttpRequest, obj: Config) -> None:
        """Remove the device through its service, which keeps binds away meanwhile."""
        delete_config(domain_id=obj.domain_id, config_id=obj.pk)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what goes along; a device's bindings do, whatever its deleter may do with bindings."""
        objects, counts, needed, protected = super().get_deleted_objects(objs, request)
        related: Any = [one.related_model for one in self.opts.related_objects if one.on_delete is CASCADE]
        return objects, counts, needed - {str(model._meta.verbose_name) for model in related}, protected  # noqa: SLF001


@admin.register(Config)
class ConfigAdmin(ConfigList, DevicePage):
    """Devices: their list, and the page of each of them."""


def _change(obj: Config, changed: dict[str, Any]) -> None:
    row: dict[str, Any] = {"domain_id": obj.domain_id, "config_id": obj.pk}
    if not changed.keys().isdisjoint(EDITABLE):
        update_config(**row, values=changed)
    if not changed.keys().isdisjoint(CERTIFICATES):
        update_certificates(**row, values=changed)
    if "profile" in changed:
        profile: Profile | None = changed["profile"]
        set_profile(**row, profile_id=profile.pk if profile else None)


def _client_key_fields(config: Config | None) -> tuple[str, ...]:
    return ("new_client_key", "remove_client_key") if config and config.client_key_sealed else ("new_client_key",)


def _text_block(text: str) -> SafeString | str:
    return format_html('<pre class="document" tabindex="0">{}</pre>', text) if text else "none"
