"""The admin's pages of devices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import CASCADE, ForeignKey
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters

from bootstrap_project.adminsite.display import sentence, short_time
from bootstrap_project.errors import BootstrapError
from configs.admin_list import ConfigList, result_badge
from configs.forms import ConfigAddForm, ConfigChangeForm, ProfileSelect, RotateKeyForm
from configs.models import Config
from configs.services import (
    CERTIFICATES,
    CREATABLE,
    EDITABLE,
    create_config,
    rotate_external_key,
    set_profile,
    set_status,
    update_certificates,
    update_config,
)
from profiles.admin import only_domain
from profiles.models import Profile

_SECRETS = ("external_key", "repeated_key", "new_client_key")
#: The group of the device's page that tells of its calls.
LAST_BOOTSTRAP = (
    *("first_time", "last_time", "last_result", "last_version"),
    *("last_bootstrap_error_id", "last_bootstrap_etag"),
)


@admin.register(Config)
class ConfigAdmin(ConfigList):
    """Devices: their list, their form, switching them on and off, and giving them a new key."""

    form = ConfigChangeForm
    autocomplete_fields = ("profile",)
    readonly_fields = ("id", "created", "updated", *LAST_BOOTSTRAP)

    @admin.display(description="result")
    def last_result(self, config: Config) -> SafeString | str:
        """Return what became of the device's last call, in its colour."""
        return result_badge(config.last_bootstrap_outcome)

    @admin.display(description="last bootstrap")
    def last_time(self, config: Config) -> str:
        """Return when the device last called with its key."""
        return short_time(config.last_bootstrap_at)

    @admin.display(description="first bootstrap")
    def first_time(self, config: Config) -> str:
        """Return when the device first got a configuration."""
        return short_time(config.first_bootstrap_at)

    @admin.display(description="profile version served")
    def last_version(self, config: Config) -> str:
        """Return the version that the device was given last."""
        version = config.last_bootstrap_profile_version
        return "none" if version is None else f"v{version}"

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
            fieldsets.append(_last_bootstrap_fields(request, obj))
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
            profile: Profile | None = changed["profile"]
            set_profile(**row, profile_id=profile.pk if profile else None)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what goes along; a device's bindings do, whatever its deleter may do with bindings."""
        objects, counts, needed, protected = super().get_deleted_objects(objs, request)
        related: Any = [one.related_model for one in self.opts.related_objects if one.on_delete is CASCADE]
        return objects, counts, needed - {str(model._meta.verbose_name) for model in related}, protected  # noqa: SLF001

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
        try:
            with transaction.atomic():
                rotate_external_key(domain_id=config.domain_id, config_id=config.pk, external_key=external_key)
                self.log_change(request, config, "Rotated the external key.")
        except BootstrapError as error:
            self.message_user(request, sentence(error.detail or error.message), messages.ERROR)
            return False
        self.message_user(request, "The key was rotated: the device needs the new one from now on.", messages.SUCCESS)
        return True


def _last_bootstrap_fields(request: HttpRequest, config: Config) -> tuple[str, dict[str, Any]]:
    options: dict[str, Any] = {"fields": LAST_BOOTSTRAP}
    if request.user.has_perm("devices.view_bootstrapattempt"):
        url = f"{reverse('admin:devices_bootstrapattempt_changelist')}?q={config.pk}"
        options["description"] = format_html('<a href="{}">All calls of this device</a>', url)
    return "Last bootstrap", options
