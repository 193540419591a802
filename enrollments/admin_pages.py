"""The admin's pages that ask Magistrala: binding and refreshing, with the service's own credential."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from bootstrap_project.adminsite.display import badge, counted
from bootstrap_project.adminsite.pages import ProductAdmin
from bootstrap_project.errors import BootstrapError
from bootstrap_project.magistrala.credential import is_configured, with_service_token
from bootstrap_project.magistrala.factory import get_client
from configs.models import Config
from enrollments.forms import BindForm, advice, blame, credential_advice
from enrollments.models import BindingSnapshot, ConnectionState, Enrollment
from enrollments.services import (
    BindResult,
    RefreshResult,
    bind_resources,
    get_enrollment,
    list_bindings,
    refresh_bindings,
)
from enrollments.slots import declared_bindings

_FOLDER = "admin/enrollments/enrollment"
_MOST_NAMED = 20
_OUTCOMES = {"changed": "changed", "unchanged": "unchanged", "newer": "written by somebody else meanwhile"}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One member of a snapshot before and after a refresh; None where there was none."""

    name: str
    before: str | None
    after: str | None


class PlatformPages(ProductAdmin[Enrollment]):
    """Bind and Refresh, beside the other pages of an enrollment.

    Whoever may change bindings may use them: bindings are changed in no other way.
    """

    def has_bind_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may bind and refresh."""
        return request.user.has_perm("enrollments.change_bindingsnapshot")

    def platform_urls(self) -> list[URLPattern]:
        """Return the addresses of the two pages."""
        bind, refresh = self.admin_site.admin_view(self.bind_view), self.admin_site.admin_view(self.refresh_view)
        return [
            path("<path:object_id>/bind/", bind, name="enrollments_enrollment_bind"),
            path("<path:object_id>/refresh/", refresh, name="enrollments_enrollment_refresh"),
        ]

    def bind_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a resource for each slot, and bind those that were given: all, or none with the reason."""
        found = self._find(request, object_id)
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
                return HttpResponseRedirect(reverse("admin:enrollments_enrollment_change", args=(found.pk,)))
        context = {"form": form, "rows": form.rows(bindings)}
        return self._page(request, found, "bind", "Bind", context)

    def refresh_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Read all bound resources again, and show what changed in each slot."""
        found = self._find(request, object_id)
        if not isinstance(found, Config):
            return found
        context: dict[str, Any] = {}
        if request.method == "POST" and is_configured():
            try:
                result = with_service_token(
                    lambda token: refresh_bindings(config=found, magistrala=get_client(), token=token)
                )
            except BootstrapError as error:
                slot, words = blame(error, found.profile.slots if found.profile else ())
                context["failure"] = f"Slot {slot.name}: {words}" if slot else words
                context["advice"] = advice(error)
            else:
                changed = ", ".join(one.slot for one in result.changed[:_MOST_NAMED]) or "nothing"
                self._record(request, found, f"Refreshed the bindings; changed: {changed}.")
                context |= {"results": _results(result), "summary": _summary(result)}
        context["bound"] = len(_declared(found))
        return self._page(request, found, "refresh", "Refresh", context)

    def _find(self, request: HttpRequest, object_id: str) -> Config | HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if not (self.has_view_permission(request, row) and self.has_bind_permission(request)):
            raise PermissionDenied
        if row is None:
            self.message_user(request, "There is no such device; it may have been deleted.", messages.WARNING)
            return HttpResponseRedirect(reverse("admin:enrollments_enrollment_changelist"))
        return get_enrollment(domain_id=row.domain_id, config_id=row.pk)

    def _bind(self, config: Config, form: BindForm) -> BindResult:
        return with_service_token(
            lambda token: bind_resources(config=config, requests=form.requests(), magistrala=get_client(), token=token)
        )

    def _tell_bound(
        self, request: HttpRequest, config: Config, result: BindResult, before: Iterable[BindingSnapshot]
    ) -> None:
        old = {binding.slot: binding.resource_id for binding in before}
        new = {binding.slot: binding for binding in list_bindings(config=config)}
        bound = [new[slot] for slot in result.slots if slot in new]
        self._record(request, config, f"Bound {', '.join(map(str, bound[:_MOST_NAMED]))}.")
        lines = ((_told(binding, old.get(binding.slot, ""), result),) for binding in bound)
        self.message_user(
            request,
            format_html(
                "Bound {}.{}",
                counted(len(bound), "slot"),
                format_html_join("", '<div class="result">{}</div>', lines),
            ),
            messages.SUCCESS,
        )

    def _record(self, request: HttpRequest, config: Any, message: str) -> None:
        """Write into the history of the device, which is where people look."""
        self.log_change(request, config, message)

    def _page(
        self, request: HttpRequest, config: Config, name: str, title: str, context: Mapping[str, Any]
    ) -> HttpResponse:
        request.current_app = self.admin_site.name
        page = {
            **self.admin_site.each_context(request),
            "title": title,
            "subtitle": str(config),
            "original": config,
            "opts": self.opts,
            "media": self.media,
            "missing_credential": "" if is_configured() else credential_advice(),
            **context,
        }
        return TemplateResponse(request, f"{_FOLDER}/{name}.html", page)


def _declared(config: Config) -> list[Any]:
    return declared_bindings(config.profile.slots, list_bindings(config=config)) if config.profile else []


def _told(binding: BindingSnapshot, before: str, result: BindResult) -> SafeString:
    """Return one line about what was bound to one slot."""
    name = str(binding.snapshot.get("name") or "")
    words = [f"{binding.type} {name} ({binding.resource_id})" if name else f"{binding.type} {binding.resource_id}"]
    if before == binding.resource_id:
        words.append("as before, read again")
    elif before:
        words.append(f"in place of {before}")
    if result.connections.get(binding.slot) is ConnectionState.CONNECTED:
        words.append("connected to the device")
    return format_html("<strong>{}</strong>: {}", binding.slot, ", ".join(words))


def _summary(result: RefreshResult) -> str:
    if not result.slots:
        return "Nothing is bound yet, so there was nothing to refresh."
    if not result.changed:
        return "Nothing changed: all snapshots are what Magistrala says now."
    return f"{counted(len(result.changed), 'slot')} changed. The device gets it at its next call."


def _results(result: RefreshResult) -> list[dict[str, Any]]:
    kinds = {"changed": "warn", "unchanged": "good"}
    return [
        {
            "slot": one,
            "badge": badge(kinds.get(one.outcome.value, "plain"), _OUTCOMES[one.outcome.value]),
            "changes": _changes(one.before, one.after),
        }
        for one in result.slots
    ]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldChange]:
    """Return the members that differ, by name; secrets are in neither snapshot."""
    old, new = dict(_texts(before)), dict(_texts(after))
    changes = (FieldChange(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys()))
    return [change for change in changes if change.before != change.after]


def _texts(document: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """Yield name and text of each member, those of objects by their path: `metadata.site`."""
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from _texts(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
