"""The admin's preview of what a device gets: with secrets masked, or revealed to those who may and who ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.cache import patch_cache_control
from django.utils.safestring import SafeString

from bootstrap_project.admin import permissions
from bootstrap_project.admin.devices.page import DevicePages, profile_name
from bootstrap_project.admin.display import explained, render_code, sentence
from bootstrap_project.admin.highlight import highlight
from bootstrap_project.admin.tree import tree
from bootstrap_project.documents.kinds import kind_of_format
from bootstrap_project.errors import BootstrapError
from bootstrap_project.rendering.renderer import MASK
from configs.models import Config
from enrollments.previews.device import DevicePreview, preview_device
from enrollments.previews.problems import Fix, FixKind, Problem
from enrollments.slots import anchor

_MAX_NAMED: Final = 20
#: Where each problem is mended: the permission to look there, the page, the place on it, and its name.
_PLACES: Final = {
    FixKind.VARIABLES: (permissions.VIEW_DEVICES, "configs_config", "id_render_context", "the device's variables"),
    FixKind.CLIENT_KEY: (permissions.VIEW_DEVICES, "configs_config", "id_new_client_key", "the device's client key"),
    FixKind.DEFAULTS: (permissions.VIEW_PROFILES, "profiles_profile", "id_defaults", "the profile's defaults"),
    FixKind.TEMPLATE: (permissions.VIEW_PROFILES, "profiles_profile", "id_content_template", "the profile's template"),
    FixKind.SLOTS: (permissions.VIEW_PROFILES, "profiles_profile", "id_binding_slots", "the profile's slots"),
}


@dataclass(frozen=True, slots=True)
class FixLink:
    """Where a problem is mended; `url` is "" for users who may not go there."""

    words: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class ShownProblem:
    """A problem with its sentence set, and the links that mend it."""

    problem: Problem
    text: SafeString
    links: tuple[FixLink, ...]


class PreviewPages(DevicePages):
    """Preview, beside the other pages of a device."""

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(self.preview_view)
        return [path("<path:object_id>/preview/", preview, name="configs_config_preview"), *super().get_urls()]

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what the device would get now, or why it would get nothing; secrets only when they are asked for."""
        found = self.find(request, object_id, permissions.PREVIEW)
        if not isinstance(found, Config):
            return found
        # An address can be sent to somebody, prefetched and kept; only a form's button asks for secrets.
        wants_secrets = request.method == "POST" and request.POST.get("reveal") == "yes"
        may_reveal = request.user.has_perm(permissions.REVEAL_SECRETS)
        if wants_secrets and not may_reveal:
            self.message_user(request, "You may see the preview, and not the secrets in it.", messages.ERROR)
            return HttpResponseRedirect(request.path)
        try:
            preview = preview_device(found.pk, may_reveal=may_reveal, reveal=wants_secrets)
        except BootstrapError as error:
            self.message_user(request, sentence(error.detail or error.message), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:configs_config_changelist"))
        wanted = request.POST.get("download", "")
        if wants_secrets:
            place = "a download" if wanted else "the preview"
            self.log_change(request, found, f"Revealed secrets of {_secrets_of(found, preview)} in {place}.")
        response = self._download(request, found, preview, wanted, masked=not wants_secrets) if wanted else None
        if response is None:
            context = _context(request, found, preview, revealed=wants_secrets)
            response = self.device_page(request, found, "preview", "Preview", context)
        patch_cache_control(response, no_store=True, private=True)
        return response

    def _download(
        self, request: HttpRequest, config: Config, preview: DevicePreview, wanted: str, *, masked: bool
    ) -> HttpResponse | None:
        """Return the content, or the whole answer, as a file; None where there is nothing of that kind."""
        if preview.shown is None or preview.failure or wanted not in {"content", "answer"}:
            self.message_user(request, "There is nothing to download.", messages.WARNING)
            return None
        content = wanted == "content"
        body = preview.content.encode("utf-8", "replace") if content else preview.body
        kind = kind_of_format(preview.template_format)
        ending = "answer.json" if not content else kind.endings[0] if kind else "txt"
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", config.external_id).strip("-.")[:80] or "device"
        response = HttpResponse(body, content_type="application/octet-stream")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}{".masked" if masked else ""}.{ending}"'
        return response


def _context(request: HttpRequest, config: Config, preview: DevicePreview, *, revealed: bool) -> dict[str, Any]:
    mask = "" if revealed else MASK
    last = config.last_bootstrap_etag
    return {
        "preview": preview,
        "content": preview.content if preview.shown else None,
        "shown_content": highlight(preview.content, preview.template_format, mask=mask),
        "shown_answer": highlight(preview.body.decode().rstrip("\n"), "json", mask=mask) if preview.shown else "",
        "tree": tree(preview.context, mask=mask) if preview.context is not None else "",
        "failure": sentence(preview.failure) if preview.failure else "",
        "todo": sentence(preview.todo) if preview.todo else "",
        "problems": [_shown(problem, config, request.user) for problem in preview.problems],
        "profile_name": profile_name(config, request.user),
        "mask": MASK,
        "revealed": revealed,
        "may_reveal": request.user.has_perm(permissions.REVEAL_SECRETS),
        "has_secrets": _has_secrets(config, preview),
        "has_it_already": bool(last) and last in {preview.etag, preview.secure_etag} and not preview.failure,
    }


def _shown(problem: Problem, config: Config, user: Any) -> ShownProblem:
    links = [_link(fix, config, user) for fix in problem.fixes]
    return ShownProblem(problem, render_code(explained(problem.diagnostic)), tuple(links))


def _link(fix: Fix, config: Config, user: Any) -> FixLink:
    if fix.kind in {FixKind.BIND, FixKind.REFRESH}:
        page = fix.kind.value
        words = f"bind slot {fix.slot}" if page == "bind" else "refresh the bindings"
        url = reverse(f"admin:configs_config_{page}", args=(config.pk,))
        url += f"#{anchor(fix.slot)}" if fix.slot else ""
        return FixLink(words, url if user.has_perm(permissions.BIND) else "")
    permission, model, place, words = _PLACES[fix.kind]
    row = config.pk if model == "configs_config" else config.profile_id
    return FixLink(
        words, f"{reverse(f'admin:{model}_change', args=(row,))}#{place}" if user.has_perm(permission) else ""
    )


def _secret_slots(preview: DevicePreview) -> list[str]:
    bindings: dict[str, Any] = (preview.context or {}).get("Bindings", {})
    return [slot for slot, binding in bindings.items() if binding["Secret"]]


def _has_secrets(config: Config, preview: DevicePreview) -> bool:
    return bool(config.client_key_sealed or _secret_slots(preview))


def _secrets_of(config: Config, preview: DevicePreview) -> str:
    """Return what is revealed, by name."""
    names = [f"slot {slot}" for slot in _secret_slots(preview)[:_MAX_NAMED]]
    names += ["the client key"] if config.client_key_sealed else []
    return ", ".join(names) or "nothing, as none are stored,"
