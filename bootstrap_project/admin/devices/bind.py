"""The admin's pages that ask Magistrala: binding and refreshing, with the service's own credential."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from bootstrap_project.admin import permissions
from bootstrap_project.admin.devices.bind_form import (
    BindForm,
    credential_advice,
    find_slot,
    is_outage,
    remedy,
    words_about,
)
from bootstrap_project.admin.devices.page import DevicePages, profile_name
from bootstrap_project.admin.devices.refresh_results import (
    bound_message,
    failed_rows,
    refreshed_rows,
    stored_rows,
    summary,
)
from bootstrap_project.admin.display import sentence
from bootstrap_project.deadline import deadline
from bootstrap_project.errors import BootstrapError
from bootstrap_project.magistrala.credential import is_configured, with_service_token
from bootstrap_project.magistrala.errors import ResourceNotFound
from bootstrap_project.magistrala.factory import QUICK_SECONDS, get_client, get_quick_client
from bootstrap_project.slots import RESOURCE_KINDS
from configs.models import Config
from enrollments.binding.bind import BindResult, bind_resources
from enrollments.binding.search import ResourceChoices, find_resources
from enrollments.models import BindingSnapshot
from enrollments.refresh.run_one import refresh_bindings
from enrollments.services import list_bindings

_MAX_NAMED = 20


class PlatformPages(DevicePages):
    """Bind and Refresh, beside the other pages of a device.

    Whoever may change bindings may use them: bindings are changed in no other way.
    """

    def get_urls(self) -> list[URLPattern]:
        views = {"bind": self.bind_view, "refresh": self.refresh_view, "resources": self.resources_view}
        ours = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=f"configs_config_{name}")
            for name, view in views.items()
        ]
        return [*ours, *super().get_urls()]

    def bind_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a resource for each slot, and bind those that were given: all, or none with the reason."""
        found = self.find(request, object_id, permissions.BIND)
        if not isinstance(found, Config):
            return found
        form = BindForm(found.profile.slots if found.profile else (), request.POST or None)
        bindings = list_bindings(config=found)
        if form.is_valid() and not is_configured():
            form.add_error(None, "Nothing was bound; what you typed is still here.")
        elif form.is_valid():
            try:
                result = self._bind(found, form)
            except BootstrapError as error:
                form.refuse(error)
            else:
                self._tell_bound(request, found, result, bindings)
                return HttpResponseRedirect(request.path)
        rows = form.rows(bindings)
        lookup = reverse("admin:configs_config_resources", args=(found.pk,)) if is_configured() else ""
        return self._page(request, found, "bind", {"form": form, "rows": rows, "lookup": lookup})

    def refresh_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Read all bound resources again, and show what changed in each slot."""
        found = self.find(request, object_id, permissions.BIND)
        if not isinstance(found, Config):
            return found
        slots = found.profile.slots if found.profile else ()
        context: dict[str, Any] = {}
        if request.method == "POST" and is_configured():
            try:
                with deadline(settings.PLATFORM_DEADLINE_SECONDS):
                    result = with_service_token(
                        lambda token: refresh_bindings(config=found, magistrala=get_client(), token=token)
                    )
            except BootstrapError as error:
                slot = find_slot(error, slots)
                words = words_about(error, slot)
                failed, gone = slot.name if slot else "", isinstance(error, ResourceNotFound)
                rows = failed_rows(slots, list_bindings(config=found), failed, words, gone=gone)
                failure = f"Slot {slot.name}: {words}" if slot else words
                context = {"failure": failure, "advice": remedy(error), "rows": rows}
            else:
                changed = ", ".join(one.slot for one in result.changed[:_MAX_NAMED]) or "nothing"
                self.log_change(request, found, f"Refreshed the bindings; changed: {changed}.")
                rows = refreshed_rows(slots, list_bindings(config=found), result)
                context = {"rows": rows, "summary": summary(result)}
        else:
            context["rows"] = stored_rows(slots, list_bindings(config=found))
        context["bound"] = sum(row.binding is not None for row in context["rows"])
        return self._page(request, found, "refresh", context)

    def resources_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer the clients or channels of the device's domain whose name contains `q`, as JSON.

        What the platform fails at is told in `error`, with status 200: it is for the list under the box, and a
        browser writes every other status into its console.
        """
        found = self.find(request, object_id, permissions.BIND)
        if not isinstance(found, Config):
            raise PermissionDenied
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        kind = request.GET.get("type", "")
        if kind not in RESOURCE_KINDS:
            return JsonResponse({"error": f"type must be one of {', '.join(RESOURCE_KINDS)}."}, status=400)
        if not is_configured():
            return JsonResponse({"error": credential_advice()})
        try:
            offers = self._look_up(found, kind, request.GET.get("q", ""))
        except BootstrapError as error:
            # An outage says by itself that it may be over in a minute.
            words = sentence(error.message) if is_outage(error) else f"{sentence(error.message)} {remedy(error)}"
            return JsonResponse({"error": f"{words.strip()} You can also paste an id."})
        return JsonResponse({"found": [asdict(offer) for offer in offers.found], "has_more": offers.has_more})

    def _look_up(self, config: Config, kind: str, text: str) -> ResourceChoices:
        # Signing in included.
        with deadline(QUICK_SECONDS):
            return with_service_token(
                lambda token: find_resources(
                    config=config, resource_type=kind, text=text, magistrala=get_quick_client(), token=token
                )
            )

    def _bind(self, config: Config, form: BindForm) -> BindResult:
        requests = form.requests()
        with deadline(settings.PLATFORM_DEADLINE_SECONDS):
            return with_service_token(
                lambda token: bind_resources(config=config, requests=requests, magistrala=get_client(), token=token)
            )

    def _tell_bound(
        self, request: HttpRequest, config: Config, result: BindResult, before: list[BindingSnapshot]
    ) -> None:
        now = list_bindings(config=config)
        bound = [str(binding) for binding in now if binding.slot in result.slots]
        self.log_change(request, config, f"Bound {', '.join(bound[:_MAX_NAMED])}.")
        slots = config.profile.slots if config.profile else ()
        self.message_user(request, bound_message(slots, result, before, now))

    def _page(self, request: HttpRequest, config: Config, name: str, context: dict[str, Any]) -> TemplateResponse:
        context["missing_credential"] = "" if is_configured() else credential_advice()
        context["profile_name"] = profile_name(config, request.user)
        return self.device_page(request, config, name, name.capitalize(), context)
