"""The admin's pages of devices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.db.models import CASCADE, ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters

from bootstrap_project.api.viewsets import parse_id
from configs.forms import ConfigAddForm, ConfigChangeForm, ProfileSelect, RotateKeyForm
from configs.models import Config, Status
from configs.services import (
    CERTIFICATES,
    CREATABLE,
    EDITABLE,
    create_config,
    set_external_key,
    set_status,
    update_certificates,
    update_config,
)
from profiles.admin import DomainFilter, ProductAdmin, badge, only_domain, short_id, short_time
from profiles.models import Profile

_SECRETS = ("external_key", "repeated_key", "new_client_key")
_MOST_PROFILES = 50
# SQLite takes some thousands of parameters in a statement.
_BATCH = 500


class ProfileFilter(admin.SimpleListFilter):
    """The devices of one profile; the list offers the first fifty of the chosen domain, a link may ask for any."""

    title = "profile"
    parameter_name = "profile"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return profiles by name, and the chosen one."""
        columns = ("pk", "name", "version")
        profiles = Profile.objects.order_by("name", "pk").values_list(*columns)
        if domain_id := request.GET.get(DomainFilter.parameter_name):
            profiles = profiles.filter(domain_id=domain_id)
        offered = {str(pk): f"{name} v{version}" for pk, name, version in profiles[:_MOST_PROFILES]}
        chosen = parse_id(self.value() or "")
        if chosen and str(chosen) not in offered:
            found = Profile.objects.filter(pk=chosen).values_list(*columns)
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
class ConfigAdmin(ProductAdmin[Config]):
    """Devices: their list, their form, switching them on and off, and giving them a new key."""

    form = ConfigChangeForm
    list_display = ("label", "external_id", "domain", "profile_version", "state", "created", "updated")
    list_display_links = ("label", "external_id")
    list_filter = ("status", ReadinessFilter, DomainFilter, ProfileFilter)
    list_select_related = ("profile",)
    ordering = ("-created_at",)
    search_fields = ("name", "external_id")
    search_help_text = "A part of the name or of the external id, or the whole config id."
    actions = ("enable_selected", "disable_selected")
    autocomplete_fields = ("profile",)
    readonly_fields = ("id", "created", "updated")

    def for_list(self, queryset: QuerySet[Config]) -> QuerySet[Config]:
        """Return the rows with what the list shows."""
        own = ("name", "external_id", "domain_id", "status", "created_at", "updated_at")
        return queryset.only(*own, "profile", "profile__name", "profile__version")

    @admin.display(description="name", ordering="name")
    def label(self, config: Config) -> str:
        """Return the name; a config needs none."""
        return config.name or "(no name)"

    @admin.display(description="domain", ordering="domain_id")
    def domain(self, config: Config) -> SafeString:
        """Return the domain, cut short."""
        return short_id(config.domain_id)

    @admin.display(description="profile", ordering="profile__name", empty_value="none")
    def profile_version(self, config: Config) -> str | None:
        """Return the profile's name and version."""
        return f"{config.profile.name} v{config.profile.version}" if config.profile else None

    @admin.display(description="status", ordering="status")
    def state(self, config: Config) -> SafeString:
        """Return the status in its colour."""
        return badge("good" if config.status == Status.ENABLED else "bad", config.status)

    @admin.display(description="created", ordering="created_at")
    def created(self, config: Config) -> str:
        """Return when it was enrolled."""
        return short_time(config.created_at)

    @admin.display(description="updated", ordering="updated_at")
    def updated(self, config: Config) -> str:
        """Return when it was last changed."""
        return short_time(config.updated_at)

    def get_fieldsets(self, request: HttpRequest, obj: Config | None = None) -> Any:
        """Return what belongs on the page; who may only look sees nothing of keys."""
        keys: tuple[str, ...] = ("new_client_key",)
        if obj and obj.client_key_sealed:
            keys = ("new_client_key", "remove_client_key")
        if obj and not self.has_change_permission(request, obj):
            keys = ()
        new: tuple[str, ...] = () if obj else ("external_key",)
        fieldsets: list[tuple[str | None, dict[str, Any]]] = [
            (None, {"fields": ("name", "external_id", *new, "domain_id", "status")}),
            ("What it is given", {"fields": ("profile", "render_context", "content")}),
            ("Certificates", {"fields": ("client_cert", *keys, "ca_cert"), "classes": ("collapse",)}),
        ]
        if obj:
            fieldsets.append(("Record", {"fields": ("id", "created", "updated")}))
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Config | None = None) -> tuple[str, ...]:
        """Return what cannot be written: a device keeps its external id and its domain."""
        return (*self.readonly_fields, "external_id", "domain_id") if obj else self.readonly_fields

    def get_form(
        self, request: HttpRequest, obj: Config | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Config]]:
        """Return the form for a new device or for one that exists."""
        return super().get_form(request, obj, change, **({} if obj else {"form": ConfigAddForm}) | kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Fill in the domain where there is but one."""
        return only_domain() | super().get_changeform_initial_data(request)

    def formfield_for_foreignkey(self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        """Let the profile be found by its name, in the device's domain."""
        if db_field.name == "profile":
            kwargs["widget"] = ProfileSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @method_decorator(sensitive_post_parameters(*_SECRETS))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or save the form; keys stay out of error reports."""
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Config, form: Any, change: bool) -> None:
        """Store the device through its services; of an existing one, what was changed and nothing else."""
        values = dict(form.cleaned_data)
        values["client_key"] = values.pop("new_client_key")
        if not change:
            self._create(obj, values)
            return
        changed = {name: values[name] for name in form.changed_data if name in values}
        if values["client_key"] or values["remove_client_key"]:
            changed["client_key"] = values["client_key"]
        self._change(obj, changed)

    def _create(self, obj: Config, values: dict[str, Any]) -> None:
        profile: Profile | None = values["profile"]
        created = create_config(
            domain_id=values["domain_id"],
            external_id=values["external_id"],
            external_key=values["external_key"],
            profile_id=profile.pk if profile else None,
            values={name: values[name] for name in (*CREATABLE, "client_key")},
        )
        obj.pk = created.pk
        if values["status"] != created.status:
            set_status(domain_id=obj.domain_id, config_id=obj.pk, status=values["status"])

    def _change(self, obj: Config, changed: dict[str, Any]) -> None:
        row: dict[str, Any] = {"domain_id": obj.domain_id, "config_id": obj.pk}
        if not changed.keys().isdisjoint(EDITABLE):
            update_config(**row, values=changed)
        if not changed.keys().isdisjoint(CERTIFICATES):
            update_certificates(**row, values=changed)
        if "status" in changed:
            set_status(**row, status=changed["status"])
        if "profile" in changed:
            obj.save(update_fields=["profile", "updated_at"])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what goes along; a device's bindings do, whatever its deleter may do with bindings."""
        objects, counts, needed, protected = super().get_deleted_objects(objs, request)
        related: Any = [one.related_model for one in self.opts.related_objects if one.on_delete is CASCADE]
        return objects, counts, needed - {str(model._meta.verbose_name) for model in related}, protected  # noqa: SLF001

    @admin.action(permissions=["change"], description="Enable selected devices")
    def enable_selected(self, request: HttpRequest, queryset: QuerySet[Config]) -> None:
        """Let the chosen devices have their configuration."""
        self._switch(request, queryset, Status.ENABLED)

    @admin.action(permissions=["change"], description="Disable selected devices")
    def disable_selected(self, request: HttpRequest, queryset: QuerySet[Config]) -> None:
        """Refuse the chosen devices from their next call on."""
        self._switch(request, queryset, Status.DISABLED)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Config], status: Status) -> None:
        with transaction.atomic():
            chosen = list(queryset.select_for_update(of=("self",)))
            others = [config for config in chosen if config.status != status]
            for start in range(0, len(others), _BATCH):
                ids = [config.pk for config in others[start : start + _BATCH]]
                Config.objects.filter(pk__in=ids).update(status=status, updated_at=timezone.now())
            LogEntry.objects.log_actions(_user_id(request), others, CHANGE, f"{status.capitalize()}, through the list.")
        already = len(chosen) - len(others)
        text = f"{_devices(len(others))} {status}." + (f" {_devices(already)} had been before." if already else "")
        self.message_user(request, text, messages.SUCCESS)

    def get_urls(self) -> list[URLPattern]:
        """Return the pages, with the one for a new key."""
        rotate = self.admin_site.admin_view(self.rotate_key_view)
        return [path("<path:object_id>/rotate-key/", rotate, name="configs_config_rotate_key"), *super().get_urls()]

    @method_decorator(sensitive_post_parameters(*_SECRETS))
    def rotate_key_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a new external key and store its hash; the old key is worth nothing from then on."""
        config = self.get_object(request, unquote(object_id))
        if not self.has_change_permission(request, config):
            raise PermissionDenied
        if config is None:
            self.message_user(request, "There is no such device; it may have been deleted.", messages.WARNING)
            return HttpResponseRedirect(reverse("admin:configs_config_changelist"))
        form = RotateKeyForm(request.POST or None)
        if form.is_valid() and self._rotate(request, config, form.cleaned_data["external_key"]):
            return HttpResponseRedirect(reverse("admin:configs_config_change", args=(config.pk,)))
        # Any form will do for a fieldset; the stubs know of forms of models alone.
        unchecked: Any = form
        fieldsets: Any = [(None, {"fields": ("external_key", "repeated_key")})]
        context = {
            **self.admin_site.each_context(request),
            "title": "Rotate key",
            "subtitle": str(config),
            "adminform": AdminForm(unchecked, fieldsets, {}, model_admin=self),
            "form": form,
            "original": config,
            "opts": self.opts,
            "media": self.media,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/configs/config/rotate_key.html", context)

    def _rotate(self, request: HttpRequest, config: Config, external_key: str) -> bool:
        set_external_key(config, external_key)
        columns = ["external_key_hash", "external_key_digest", "external_key_pepper", "updated_at"]
        try:
            with transaction.atomic():
                config.save(update_fields=columns)
                self.log_change(request, config, "Rotated the external key.")
        except DatabaseError:
            self.message_user(request, "The device was deleted meanwhile.", messages.ERROR)
            return False
        self.message_user(request, "The key was rotated: the device needs the new one from now on.", messages.SUCCESS)
        return True


def _devices(number: int) -> str:
    return f"{number} device{'' if number == 1 else 's'}"


def _user_id(request: HttpRequest) -> Any:
    return request.user.pk
