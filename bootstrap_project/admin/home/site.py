"""The admin's site: its home page, the search on it, and whether the platform answers."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from bootstrap_project.admin import permissions
from bootstrap_project.admin.access import NO_DOMAIN, granted_domains, limit_to_granted
from bootstrap_project.admin.home.activity import latest_failures, recent_activity
from bootstrap_project.admin.home.chart import charts
from bootstrap_project.admin.home.counts import count_devices
from bootstrap_project.admin.home.platform import probe
from bootstrap_project.admin.home.runs import RELOAD_SECONDS, get_run, runs_for_home
from bootstrap_project.admin.home.search import find
from bootstrap_project.admin.site import ProductAdminSite
from bootstrap_project.runs.services import cancel, has_worker
from configs.models import Config
from devices.models import BootstrapAttempt

_MENU: Final = ("configs", "profiles", "enrollments", "devices")


class HomeSite(ProductAdminSite):
    """Django's admin with a home page that says how the devices are."""

    index_template = "admin/home.html"

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the pages, ours first: Django's last pattern takes everything."""
        return [
            path("find/", self.admin_view(self.find_view), name="find"),
            path("runs/<uuid:run_id>/", self.admin_view(self.run_view), name="run"),
            path("platform/", self.admin_view(self.platform_view), name="platform"),
            *super().get_urls(),
        ]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the menu: what people come for first, the rest in Django's order."""
        menu: list[Any] = super().get_app_list(request, app_label)
        return sorted(menu, key=lambda app: _MENU.index(app["app_label"]) if app["app_label"] in _MENU else len(_MENU))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, self.home(request) | (extra_context or {}))

    def home(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the home page shows beside Django's list of models.

        Cost: eight queries, however many devices there are; counts that take long are remembered for a while.
        """
        context: dict[str, Any] = {"has_no_domain": NO_DOMAIN if granted_domains(request.user) == frozenset() else ""}
        if self._may_view(request, Config):
            context["counts"] = count_devices(request.user)
        if request.user.has_perm(permissions.BIND):
            context |= runs_for_home(request.user)
        if self._may_view(request, BootstrapAttempt):
            activity = recent_activity(request.user)
            context |= {"charts": list(charts(activity)), "failures": latest_failures(request.user)}
        return context

    def find_view(self, request: HttpRequest) -> HttpResponse:
        devices, attempts = self._may_view(request, Config), self._may_view(request, BootstrapAttempt)
        if not (devices or attempts):
            raise PermissionDenied
        term = request.GET.get("q", "").strip()
        url = find(
            term,
            devices=self._rows_of(request, Config) if devices else None,
            attempts=self._rows_of(request, BootstrapAttempt) if attempts else None,
        )
        if url:
            return HttpResponseRedirect(url)
        if term:
            shown = term if len(term) <= 100 else f"{term[:99]}…"
            advice = "Give a name or a part of it, an external id, a config id or an error id."
            messages.warning(request, f"Nothing was found for “{shown}”. {advice}")
        return HttpResponseRedirect(reverse("admin:index"))

    def run_view(self, request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
        """Show a run of the background and how far it is; POST cancels it."""
        run = get_run(request.user, run_id)
        if request.method == "POST":
            cancel(run)
            return HttpResponseRedirect(request.path)
        context = {"run": run, "reload_seconds": RELOAD_SECONDS, "has_no_worker": not has_worker()}
        return self.page(request, "admin/run.html", run.title, context)

    def platform_view(self, request: HttpRequest) -> HttpResponse:
        """Say whether Magistrala answers: as JSON to the home page's script, as a page to people without one."""
        health = probe.health()
        if request.GET.get("format") == "json":
            return JsonResponse(health.to_json())
        return self.page(request, "admin/platform.html", "Magistrala", {"health": health})

    def page(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> TemplateResponse:
        """Return a page of the site itself in the frame of the admin's pages."""
        request.current_app = self.name
        return TemplateResponse(request, template, {**self.each_context(request), "title": title, **context})

    def _may_view(self, request: HttpRequest, model: type[Model]) -> bool:
        return self.is_registered(model) and self.get_model_admin(model).has_view_permission(request)

    def _rows_of(self, request: HttpRequest, model: type[Model]) -> QuerySet[Any]:
        return limit_to_granted(self.get_model_admin(model).get_queryset(request), request.user)
