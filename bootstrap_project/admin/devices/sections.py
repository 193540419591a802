"""The sections of a device's page below its form, and why the device gets nothing; `admin.DevicePage` names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from bootstrap_project.admin import permissions
from bootstrap_project.admin.devices.bindings import without_secrets
from bootstrap_project.admin.display import badge, json_block, outcome_badge, placed, render_code, sentence
from bootstrap_project.outcomes import outcome_label
from bootstrap_project.slots import CHANNEL, CLIENT, BindingSlot
from configs.errors import ConfigNotFound
from configs.models import Config, Status
from devices.models import BootstrapAttempt
from enrollments.models import BindingSnapshot, ConnectionState
from enrollments.previews.device import DevicePreview, preview_device
from enrollments.slots import declared_bindings, unbound_slots


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason why the page's object does not work now, in a sentence, with a link to where it is mended."""

    text: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class PanelBody:
    """What a panel shows of one object: a template, what it needs, and what is wrong.

    Problems are shown to everybody who sees the page, also without the panel's permission: they tell what is missing,
    never what is stored, and have no link that the reader may not follow.
    """

    template: str
    context: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a page.

    Shape: `name` is the section's id on the page; `body` takes the request and the object, and returns None where
    there is nothing to show; `permission` is what its reader needs, "" for whoever sees the page.
    Cost: `body` makes a number of queries that does not depend on the object.
    """

    name: str
    title: str
    body: Callable[[HttpRequest, Any], PanelBody | None]
    permission: str = ""


@dataclass(frozen=True, slots=True)
class ShownPanel:
    """A panel made for one object and one reader; `html` is empty where the reader may not see it."""

    name: str
    title: str
    html: SafeString
    problems: Sequence[Problem]


def shown_panels(panels: Iterable[Panel], request: HttpRequest, original: Any) -> list[ShownPanel]:
    """Return the panels of `original` as the reader may see them, beside what each found wrong."""
    return [shown for panel in panels if (shown := _shown(panel, request, original))]


def problems_of(panels: Iterable[ShownPanel]) -> list[Problem]:
    """Return what all the panels found wrong, in the order of the page."""
    return [problem for panel in panels for problem in panel.problems]


def _shown(panel: Panel, request: HttpRequest, original: Any) -> ShownPanel | None:
    body = panel.body(request, original)
    if body is None:
        return None
    may_see = not panel.permission or request.user.has_perm(panel.permission)
    context = {**body.context, "original": original, "panel": panel}
    html = SafeString(render_to_string(body.template, context, request)) if may_see else SafeString("")
    return ShownPanel(panel.name, panel.title, html, body.problems)


def own_problems(config: Config, *, may_change: bool) -> list[Problem]:
    """Return what keeps the device from a configuration; what its bindings lack is for their own application to say.

    Shape: who may not change the device is led nowhere.
    """
    problems = []
    if config.status != Status.ENABLED:
        problems.append(Problem("The device is disabled, so it is refused."))
    if config.profile_id is None and not config.content:
        text = "No profile is assigned and there is no fixed content, so there is nothing to give out."
        problems.append(Problem(text, "#id_profile" if may_change else "", "Assign a profile"))
    return problems


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
    declared = profile.slots if profile else ()
    bound = {slot.name: binding for slot, binding in declared_bindings(declared, stored)}
    clients = tuple(name for name, binding in bound.items() if binding.type == CLIENT.name)
    rows = [Row(slot, bound.get(slot.name), clients) for slot in declared]
    context = {
        "rows": rows,
        "unused": [binding for binding in stored if binding.slot not in bound],
        "bind_url": bind_url,
        "may_refresh": may_bind and bool(bound),
        "copies": [(row, json_block(row.binding.snapshot)) for row in rows if row.binding] if may_see_copies else [],
    }
    unbound = unbound_slots(declared, bound)
    problems = [*_unbound(unbound, bind_url)] or [*_not_rendered(config, preview_url, request.user)]
    return PanelBody("admin/configs/config/panels/slots.html", context, problems)


def _unbound(slots: Iterable[BindingSlot], bind_url: str) -> Iterator[Problem]:
    for slot in slots:
        text = f"Nothing is bound to the slot {slot.name}, which needs a {slot.type}."
        yield Problem(text, bind_url, f"Bind {slot.name}")


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
    return render_code(" ".join(filter(None, words)))


SLOTS: Final = Panel("slots", "Slots", slots, permission=permissions.VIEW_ENROLLMENTS)


_MAX_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Call:
    """A row: one call of the device."""

    attempt: BootstrapAttempt

    @property
    def words(self) -> str:
        return outcome_label(self.attempt.outcome, is_known=self.attempt.config_id is not None)

    @property
    def result(self) -> SafeString:
        return outcome_badge(self.attempt.outcome)


def calls(request: HttpRequest, config: Config) -> PanelBody:
    """Return the last calls of the device, newest first, and where all are.

    Cost: one query, by the index of a config's attempts.
    """
    attempts = list(BootstrapAttempt.objects.of_config(config.pk)[: _MAX_ATTEMPTS + 1])
    listed = reverse("admin:devices_bootstrapattempt_changelist")
    context: dict[str, Any] = {
        "calls": [Call(attempt) for attempt in attempts[:_MAX_ATTEMPTS]],
        "all_url": f"{listed}?q={config.pk}",
        "list_url": listed,
    }
    return PanelBody("admin/devices/bootstrapattempt/device_calls.html", context)


CALLS: Final = Panel("calls", "What the device fetched", calls, permission=permissions.VIEW_ATTEMPTS)


_MAX_ENTRIES = 5


def history(request: HttpRequest, config: Config) -> PanelBody:
    """Return the last changes of the device and who made them."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Config), object_id=str(config.pk)
    ).select_related("user")
    context = {
        # One more than is shown tells whether there are more.
        "entries": list(entries.order_by("-action_time", "-pk")[: _MAX_ENTRIES + 1]),
        "most": _MAX_ENTRIES,
        "history_url": reverse("admin:configs_config_history", args=(config.pk,)),
    }
    return PanelBody("admin/configs/config/panels/history.html", context)


HISTORY: Final = Panel("changes", "Who changed what", history, permission=permissions.VIEW_DEVICES)
