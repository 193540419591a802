"""What an unsaved profile gives stored devices; secrets are masked before anything is rendered with them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.errors import BootstrapError
from configs.errors import ConfigNotFound
from configs.models import Config
from enrollments.models import BindingSnapshot
from enrollments.previews.profile import render_preview, stored_subject
from enrollments.slots import declared_bindings, unbound_slots
from profiles.errors import PreviewFailed, PreviewOutputInvalid
from profiles.models import Profile

#: How many devices one search offers.
MAX_FOUND: Final = 20


@dataclass(frozen=True, slots=True)
class Device:
    """A device as people choose it."""

    id: str
    name: str
    external_id: str
    uses: str
    """The id of the profile that it uses; "" for none."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What an unsaved profile gives a device; `unbound` are the required slots for which it would get nothing yet."""

    device: Device
    text: str
    unbound: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrialRender:
    """What a device would get with a changed profile: something, or `failure`."""

    device: Device
    failure: Diagnostic | None = None


def find_devices(*, domain_id: str, text: str, prefer: uuid.UUID | None) -> list[Device]:
    """Return the first few devices whose name or external id holds `text`, those of the profile `prefer` first.

    Cost: one query; without `text` two that follow indexes.
    """
    configs = Config.objects.in_domain(domain_id).only("name", "external_id", "profile_id")
    if text:
        found = configs.filter(Q(name__icontains=text) | Q(external_id__icontains=text))
        first = Case(When(profile_id=prefer, then=Value(0)), default=Value(1), output_field=IntegerField())
        return [_device(config) for config in found.order_by(first, "name", "pk")[:MAX_FOUND]]
    users = list(configs.filter(profile_id=prefer).order_by("pk")[:MAX_FOUND]) if prefer else []
    others: QuerySet[Config] = configs.exclude(pk__in=[user.pk for user in users]).order_by("pk")
    return [_device(config) for config in [*users, *others[: MAX_FOUND - len(users)]]]


def render_device(*, profile: Profile, device_id: uuid.UUID) -> Rendered:
    """Return what the unsaved `profile` gives a device of its domain, secrets masked.

    Slots that are not bound are missing only where the template reads them, so that it can be tried bit by bit.
    Raises: ConfigNotFound; PreviewFailed.
    Cost: two queries.
    """
    configs = Config.objects.in_domain(profile.domain_id).filter(pk=device_id)
    config = configs.prefetch_related("bindings").first()
    if config is None:
        raise ConfigNotFound("the domain has no such device any more")
    return Rendered(
        _device(config),
        render_preview(profile, stored_subject(profile, config)),
        tuple(_unbound(profile, config)),
    )


def render_devices(*, profile: Profile, most: int) -> Iterator[TrialRender]:
    """Render the unsaved `profile` for at most so many of the devices that use it, one by one.

    The first by their ids, which are random, so they are a fair sample.
    Cost: two queries.
    """
    configs = Config.objects.filter(profile_id=profile.pk).order_by("pk").prefetch_related("bindings")
    for config in configs[:most]:
        try:
            if unbound := _unbound(profile, config):
                raise PreviewFailed("required slots are not bound", f"bind these first: {', '.join(unbound)}")
            render_preview(profile, stored_subject(profile, config))
        except BootstrapError as error:
            yield TrialRender(_device(config), _failure(error))
        else:
            yield TrialRender(_device(config))


def count_bound(*, profile_id: uuid.UUID, slot: str, most: int) -> int:
    """Return how many devices of a profile have bound `slot`; counts no further than `most`."""
    bound = BindingSnapshot.objects.filter(config__profile_id=profile_id, slot=slot).order_by()
    return bound.values("pk")[:most].count()


def _device(config: Config) -> Device:
    uses = str(config.profile_id) if config.profile_id else ""
    return Device(str(config.pk), config.display_name, config.external_id, uses)


def _unbound(profile: Profile, config: Config) -> list[str]:
    bound = {slot.name for slot, _binding in declared_bindings(profile.slots, config.bindings.all())}
    return [slot.name for slot in unbound_slots(profile.slots, bound)]


def _failure(error: BootstrapError) -> Diagnostic:
    """Return the first of what is wrong in the template, or else what was refused."""
    places = [one for one in error.diagnostics if one.location.line] if isinstance(error, PreviewFailed) else []
    # A place in the output says nothing of the template.
    is_placed = places and not isinstance(error, PreviewOutputInvalid)
    return places[0] if is_placed else Diagnostic("failed", "error", str(error))
