"""What the editor of profiles asks the server while somebody writes; nothing here is stored."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path

from bootstrap_project.admin import permissions
from bootstrap_project.admin.access import may_touch
from bootstrap_project.admin.base import ProductAdmin
from bootstrap_project.admin.profiles.live_answer import answer_of
from bootstrap_project.admin.profiles.live_preview import Draft, check_draft
from bootstrap_project.admin.profiles.review import MAX_COUNTED
from bootstrap_project.admin.profiles.slot_table import Row
from bootstrap_project.api.errors import error_response, json_error
from bootstrap_project.api.parsers import JSON_BODY, read_document
from bootstrap_project.errors import BootstrapError
from bootstrap_project.ids import parse_id
from bootstrap_project.slots import MAX_SLOTS
from enrollments.previews.trials import count_bound, find_devices
from profiles.errors import InvalidProfile, ProfileNotFound
from profiles.models import Profile


def _in_json(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Return `view` with its refusals in JSON, which is what a script can read."""

    def answer(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except BootstrapError as error:
            return error_response(error)
        except PermissionDenied:
            return json_error(403, "this is not allowed", "ask for the permission that it needs")

    return answer


class EditorPages(ProductAdmin[Profile]):
    """The calls of the editor's script."""

    def editor_urls(self) -> list[URLPattern]:
        pages = {"check": self.check_view, "devices": self.devices_view, "bound": self.bound_view}
        return [
            path(f"{name}/", self.admin_site.admin_view(_in_json(view)), name=f"profiles_profile_{name}")
            for name, view in pages.items()
        ]

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """Answer what the posted text, unsaved, gives for a device or for sample data, and what is wrong with it."""
        if request.method != "POST":
            return json_error(405, "method not allowed", "post what stands in the boxes")
        document, _kind = read_document(request, (JSON_BODY,))
        return JsonResponse(answer_of(check_draft(self._draft(request, document))))

    def devices_view(self, request: HttpRequest) -> HttpResponse:
        """Answer the devices whose name or external id holds what was typed."""
        domain_id, profile_id = self._scope(request, request.GET.get("profile", ""), request.GET.get("domain", ""))
        self._check_device(request, domain_id)
        text = request.GET.get("q", "").strip().replace("\0", "")[:256]
        found = find_devices(domain_id=domain_id, text=text, prefer=profile_id)
        own = str(profile_id) if profile_id else None
        devices = [
            {"id": one.id, "name": one.name, "external_id": one.external_id, "uses_it": one.uses == own}
            for one in found
        ]
        return JsonResponse({"devices": devices})

    def bound_view(self, request: HttpRequest) -> HttpResponse:
        """Answer how many devices have bound a slot of a stored profile."""
        _domain_id, profile_id = self._scope(request, request.GET.get("profile", ""), "")
        slot = request.GET.get("slot", "")
        if profile_id is None or not slot or "\0" in slot:
            return JsonResponse({"devices": 0, "is_more": False})
        number = count_bound(profile_id=profile_id, slot=slot, most=MAX_COUNTED)
        return JsonResponse({"devices": number, "is_more": number >= MAX_COUNTED})

    def _scope(self, request: HttpRequest, profile_id: str, domain_id: str) -> tuple[str, uuid.UUID | None]:
        """Return the domain that a call is about and the id of the stored profile, if it is about one.

        Raises: ProfileNotFound, also for a domain that this person may not see; PermissionDenied.
        """
        if not profile_id:
            if not self.has_add_permission(request):
                raise PermissionDenied
            return domain_id, None
        parsed = parse_id(profile_id)
        profile = self.get_object(request, str(parsed)) if parsed else None
        if profile is None or not may_touch(request.user, profile.domain_id):
            raise ProfileNotFound("there is no such profile any more")
        if not self.has_view_or_change_permission(request, profile):
            raise PermissionDenied
        return profile.domain_id, profile.pk

    @staticmethod
    def _check_device(request: HttpRequest, domain_id: str) -> None:
        if not request.user.has_perm(permissions.PREVIEW):
            raise PermissionDenied
        if not may_touch(request.user, domain_id):
            raise ProfileNotFound("there is no such domain")

    def _draft(self, request: HttpRequest, document: dict[str, Any]) -> Draft:
        domain_id, profile_id = self._scope(request, _text(document, "profile"), _text(document, "domain"))
        device = _text(document, "device")
        if device:
            self._check_device(request, domain_id)
        device_id = parse_id(device) if device else None
        if device and device_id is None:
            raise InvalidProfile("unknown device", "choose one from the list")
        slots = document.get("slots", [])
        if not isinstance(slots, list) or len(slots) > 2 * MAX_SLOTS or not all(isinstance(row, dict) for row in slots):
            raise InvalidProfile("slots must be a list of rows", f"a profile has at most {MAX_SLOTS}")
        return Draft(
            domain_id=domain_id,
            profile_id=profile_id,
            device_id=device_id,
            template_format=_text(document, "template_format"),
            content_template=_text(document, "content_template").replace("\r\n", "\n"),
            defaults=_text(document, "defaults"),
            sample=None if document.get("sample") is None else _text(document, "sample"),
            rows=tuple(
                Row(_text(row, "name"), _text(row, "type"), row.get("required") is True, _text(row, "fields"))
                for row in slots
            ),
        )


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str):
        raise InvalidProfile(f"{name} must be a text", "reload the page")
    return value
