"""What enrollments put onto a device's page: its slots, and why it cannot be rendered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from bootstrap_project.admin import permissions
from bootstrap_project.admin.devices.bindings import without_secrets
from bootstrap_project.admin.devices.sections import Panel, PanelBody, Problem
from bootstrap_project.admin.display import badge, json_block, placed, prose, sentence
from bootstrap_project.slots import CHANNEL, CLIENT, BindingSlot
from configs.errors import ConfigNotFound
from configs.models import Config
from enrollments.models import BindingSnapshot, ConnectionState
from enrollments.previews.device import DevicePreview, preview_device
from enrollments.slots import declared_bindings

_CONNECTIONS = {ConnectionState.CONNECTED: "good", ConnectionState.NO_SUCH_CLIENT: "plain"}


@dataclass(frozen=True, slots=True)
class Row:
    """A slot of the profile, what is bound to it, and the slots to which clients are bound."""

    slot: BindingSlot
    binding: BindingSnapshot | None
    clients: tuple[str, ...] = ()

    @property
    def resource_name(self) -> str:
        """Return how the platform calls what is bound; "" where the slot does not keep that."""
        name = self.binding.snapshot.get("name") if self.binding else None
        return name if isinstance(name, str) else ""

    @property
    def connection(self) -> Any:
        """Return which clients a channel was connected with when it was bound.

        That the platform has no client of the config's own id besides is as it should be where clients are bound.
        """
        if self.binding is None or self.slot.type != CHANNEL.name:
            return ""
        state = ConnectionState(self.binding.connection)
        if self.clients and state in _CONNECTIONS:
            return badge("good", f"with {', '.join(self.clients)}")
        return badge(_CONNECTIONS.get(state, "plain"), state.label)


def slots(request: HttpRequest, config: Config) -> PanelBody:
    """Return the slots of the device's profile as rows, with what is missing.

    Cost: two queries, for the bindings and for the rendering; the rendering is bounded by the limits of templates.
    """
    profile = config.profile
    may_see_copies = request.user.has_perm(permissions.VIEW_BINDINGS)
    may_bind = request.user.has_perms((permissions.VIEW_ENROLLMENTS, permissions.BIND))
    may_preview = request.user.has_perms((permissions.VIEW_ENROLLMENTS, permissions.PREVIEW))
    bind_url = reverse("admin:configs_config_bind", args=(config.pk,)) if may_bind else ""
    preview_url = reverse("admin:configs_config_preview", args=(config.pk,)) if may_preview else ""
    stored = list(without_secrets(BindingSnapshot.objects.filter(config_id=config.pk)))
    bound = {slot.name: binding for slot, binding in declared_bindings(profile.slots if profile else (), stored)}
    clients = tuple(name for name, binding in bound.items() if binding.type == CLIENT.name)
    rows = [Row(slot, bound.get(slot.name), clients) for slot in (profile.slots if profile else ())]
    context = {
        "rows": rows,
        "unused": [binding for binding in stored if binding.slot not in bound],
        "bind_url": bind_url,
        "may_refresh": may_bind and bool(bound),
        "copies": [(row, json_block(row.binding.snapshot)) for row in rows if row.binding] if may_see_copies else [],
    }
    problems = [*_unbound(rows, bind_url)] or [*_not_rendered(config, preview_url, request.user)]
    return PanelBody("admin/configs/config/panels/slots.html", context, problems)


def _unbound(rows: Sequence[Row], bind_url: str) -> Iterator[Problem]:
    for row in rows:
        if row.slot.required and row.binding is None:
            text = f"Nothing is bound to the slot {row.slot.name}, which needs a {row.slot.type}."
            yield Problem(text, bind_url, f"Bind {row.slot.name}")


def _not_rendered(config: Config, preview_url: str, user: Any) -> Iterator[Problem]:
    if config.profile is None:
        return
    try:
        preview = preview_device(config.pk, may_reveal=user.has_perm(permissions.REVEAL_SECRETS))
    except ConfigNotFound:
        # Removed a moment ago; the page says so when it is opened again.
        return
    if preview.failure:
        link = "See where it fails" if preview_url else "See the variables"
        yield Problem(_told(preview), preview_url or "#variables", link)


def _told(preview: DevicePreview) -> SafeString:
    """Return what is wrong in one line; of several things the first, and how many others there are."""
    words = ["" if preview.is_certain else "With masked secrets:", sentence(preview.failure)]
    if preview.problems:
        first, *others = preview.problems
        words.append(placed(first.diagnostic))
        words += [f"There {'is one more' if len(others) == 1 else f'are {len(others)} more'}."] if others else []
    return prose(" ".join(filter(None, words)))


SLOTS: Final = Panel("slots", "Slots", slots, permission=permissions.VIEW_ENROLLMENTS)
