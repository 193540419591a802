"""Effective variables on a device's page: as a table, and made anew while somebody types."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache

from bootstrap_project.admin.access import limit_to_granted
from bootstrap_project.admin.base import ProductAdmin
from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.json import parse_json
from bootstrap_project.ids import parse_id
from configs.models import Config
from configs.variables import effective_variables
from profiles.models import Profile


class VariablePages(ProductAdmin[Config]):
    """The table, and the address that checks what is being typed by the same rules as saving does."""

    def get_urls(self) -> list[URLPattern]:
        check = self.admin_site.admin_view(never_cache(self.check_variables_view))
        return [path("check-variables/", check, name="configs_config_check_variables"), *super().get_urls()]

    @admin.display(description="What the template sees")
    def effective_variables(self, config: Config) -> SafeString:
        """Return the table of the device as its form has it."""
        return variable_table(config.profile, config.render_context)

    @admin.display(description="What the template sees")
    def variables_as_read(self, config: Config) -> SafeString:
        """Return the table for who may not change the device: it leads to no field."""
        return variable_table(config.profile, config.render_context, may_change=False)

    def check_variables_view(self, request: HttpRequest) -> HttpResponse:
        """Answer where the typed variables are wrong, or the table that they make with a profile's defaults."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        if request.method != "POST":
            return JsonResponse({"error": "This address takes what is typed, by POST."}, status=405)
        try:
            typed = _parsed(request.POST.get("render_context", ""))
        except InvalidDocument as error:
            where = {"line": error.location.line or 1, "column": error.location.column or 1}
            return JsonResponse({"error": f"This is not valid JSON: {error.detail}.", **where})
        profile_id = parse_id(request.POST.get("profile", ""))
        profiles = limit_to_granted(Profile.objects.all(), request.user)
        profile = profiles.filter(pk=profile_id).first() if profile_id else None
        return JsonResponse({"html": variable_table(profile, typed)})


def variable_table(profile: Profile | None, render_context: Any, *, may_change: bool = True) -> SafeString:
    """Return the table of effective variables as HTML."""
    own = render_context if isinstance(render_context, dict) else {}
    context: dict[str, Any] = {
        "may_change": may_change,
        "profile": profile,
        "table": effective_variables(profile=profile, render_context=own),
        "defaults_url": f"{reverse('admin:profiles_profile_change', args=(profile.pk,))}#id_defaults"
        if profile
        else "",
        "template_url": f"{reverse('admin:profiles_profile_change', args=(profile.pk,))}" if profile else "",
    }
    return SafeString(render_to_string("admin/configs/config/variables.html", context))


def _parsed(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    document = parse_json(text)
    if not isinstance(document, dict):
        raise InvalidDocument("", 'it must be an object, such as {"site": "north"}')
    return document
