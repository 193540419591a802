"""What the pages about one device share: finding it, refusing, writing into its history, and the frame."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bootstrap_project.admin import permissions
from bootstrap_project.admin.base import ProductAdmin
from configs.errors import ConfigNotFound
from configs.models import Config
from configs.services import get_config


class DevicePages(ProductAdmin[Config]):
    """Pages beside a device's own."""

    def find(self, request: HttpRequest, object_id: str, permission: str) -> Config | HttpResponse:
        """Return the device with its profile, or the way back to the list when there is none that the user may see.

        Raises: PermissionDenied without `permission`, or without leave to see the device and what is bound to it.
        """
        row = self.get_object(request, unquote(object_id))
        needed = (permissions.VIEW_ENROLLMENTS, permission)
        if not (self.has_view_permission(request, row) and request.user.has_perms(needed)):
            raise PermissionDenied
        if row is not None:
            # Between the two looks it may be deleted.
            with suppress(ConfigNotFound):
                return get_config(domain_id=row.domain_id, config_id=row.pk, with_profile=True)
        return self.gone(request)

    def gone(self, request: HttpRequest) -> HttpResponse:
        """Lead back to the list from a device that is not there, or not there any more."""
        self.message_user(request, "There is no such device; it may have been deleted.", messages.WARNING)
        return HttpResponseRedirect(reverse("admin:configs_config_changelist"))

    def device_page(
        self, request: HttpRequest, config: Config, name: str, title: str, context: Mapping[str, Any]
    ) -> TemplateResponse:
        """Return the page `name`, which is also the name of its tab."""
        frame = {"subtitle": str(config), "tab": name, **context}
        return self.page(request, f"admin/configs/config/{name}.html", title, config, **frame)


def profile_name(config: Config, user: Any) -> SafeString | str:
    """Return the profile's name and version, leading to its page for those who may see it; "" without a profile."""
    if config.profile is None:
        return ""
    name = f"{config.profile.name} v{config.profile.version}"
    if not user.has_perm(permissions.VIEW_PROFILES):
        return name
    return format_html('<a href="{}">{}</a>', reverse("admin:profiles_profile_change", args=(config.profile.pk,)), name)
