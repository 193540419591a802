"""Renews the stored snapshots of a config from the platform."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from bootstrap_project.columns import ExactFloatEncoder
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.keyring import SealError
from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.observability.metrics import count_binding_refresh
from configs.errors import ConfigNotFound
from configs.models import Config
from enrollments.fetching import Fetched, ResourceRef, fetch_all
from enrollments.models import BindingSnapshot
from enrollments.resolver import Resolution, resolve
from enrollments.slots import declared_bindings
from profiles.slots import BindingSlot

logger = logging.getLogger(__name__)

_OUTCOME_OF_KIND: Final = {
    ErrorKind.INVALID: "invalid",
    ErrorKind.UNAUTHORIZED: "unauthorized",
    ErrorKind.FORBIDDEN: "forbidden",
    ErrorKind.NOT_FOUND: "not_found",
    ErrorKind.UPSTREAM_FAILED: "unavailable",
    ErrorKind.UNAVAILABLE: "unavailable",
    ErrorKind.UPSTREAM_TIMEOUT: "timeout",
}


class SlotOutcome(Enum):
    """What a refresh did with one binding."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    #: Bound or refreshed by somebody else while the platform was being asked: what is stored is at least as new.
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class RefreshedSlot:
    """One declared binding after a refresh; `before` and `after` are the open snapshots, never the secret ones."""

    slot: str
    type: str
    resource_id: str
    outcome: SlotOutcome
    secret_changed: bool = False
    before: Mapping[str, Any] = field(default_factory=dict, repr=False)
    after: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """What a refresh did, by slot."""

    slots: tuple[RefreshedSlot, ...] = ()

    @property
    def changed(self) -> tuple[RefreshedSlot, ...]:
        """Return the slots whose snapshot was replaced."""
        return self._with(SlotOutcome.CHANGED)

    @property
    def unchanged(self) -> tuple[RefreshedSlot, ...]:
        """Return the slots whose snapshot the platform confirmed."""
        return self._with(SlotOutcome.UNCHANGED)

    def _with(self, outcome: SlotOutcome) -> tuple[RefreshedSlot, ...]:
        return tuple(slot for slot in self.slots if slot.outcome is outcome)


def refresh_bindings(*, config: Config, magistrala: MagistralaClient, token: str) -> RefreshResult:
    """Read every declared binding's resource again and replace the snapshots that differ, all or none.

    A resource that is disabled by now is refreshed like any other: refusing would keep the rest of the device from its
    news, and nobody is choosing the resource anew. Nothing is connected.

    Raises: MagistralaError and ResourceNotInDomain naming the slot, all snapshots left as they were; ConfigNotFound.
    Cost: one call for each distinct resource outside any transaction; then one transaction of at most three statements.
    Source: contract E.6 and K15.
    """
    wanted = needed_resources(config)
    if not wanted:
        return RefreshResult()
    try:
        resources = fetch_all(wanted, magistrala=magistrala, token=token)
        result = apply_refresh(config=config, resources=resources)
    except BootstrapError as error:
        count_binding_refresh(_OUTCOME_OF_KIND.get(error.kind, "error"), len(wanted))
        raise
    count_binding_refresh("ok", len(result.slots))
    logger.info(
        "bindings refreshed",
        extra={
            "config_id": config.pk,
            "bindings": len(result.slots),
            "changed": len(result.changed),
            "unchanged": len(result.unchanged),
        },
    )
    return result


def needed_resources(config: Config) -> list[tuple[str, ResourceRef]]:
    """Return slot and resource of every declared binding of `config`, by slot; none without a profile."""
    if config.profile is None:
        return []
    stored = BindingSnapshot.objects.filter(config_id=config.pk).only("slot", "type", "resource_id").order_by("slot")
    return [
        (slot.name, ResourceRef(config.domain_id, binding.type, binding.resource_id))
        for slot, binding in declared_bindings(config.profile.slots, stored)
    ]


def apply_refresh(*, config: Config, resources: Mapping[ResourceRef, Fetched], dry_run: bool = False) -> RefreshResult:
    """Replace the snapshots of `config` that differ from `resources`, in one short transaction; asks nobody.

    The slots are those of the profile as it is now, so a profile that changed meanwhile does no harm. A binding that
    was written after its resource was fetched, or whose resource is not among `resources`, is left alone.

    Raises: ConfigNotFound when the config is gone.
    Cost: at most three statements; only changed rows are written, and none with `dry_run`.
    """
    with transaction.atomic():
        current = (
            Config.objects.select_for_update(of=("self",))
            .select_related("profile")
            .only("id", "domain_id", "profile__id", "profile__binding_slots")
            .filter(pk=config.pk)
            .first()
        )
        if current is None:
            raise ConfigNotFound("entity not found", f"the config {config.pk} was removed meanwhile")
        slots = current.profile.slots if current.profile is not None else ()
        stored = BindingSnapshot.objects.filter(config_id=config.pk).order_by("slot")
        outcomes, changed = _compare(current, slots, list(stored), resources)
        if changed and not dry_run:
            now = timezone.now()
            for binding in changed:
                binding.updated_at = now
            BindingSnapshot.objects.bulk_update(changed, ["snapshot", "secret_sealed", "updated_at"])
    return RefreshResult(tuple(outcomes))


def _compare(
    config: Config,
    slots: Sequence[BindingSlot],
    stored: Sequence[BindingSnapshot],
    resources: Mapping[ResourceRef, Fetched],
) -> tuple[list[RefreshedSlot], list[BindingSnapshot]]:
    """Return the outcome of every declared binding, and those that changed with their new snapshots filled in."""
    outcomes: list[RefreshedSlot] = []
    changed: list[BindingSnapshot] = []
    for slot, binding in declared_bindings(slots, stored):
        fetched = resources.get(ResourceRef(config.domain_id, binding.type, binding.resource_id))
        if fetched is None or binding.updated_at > fetched.at:
            outcomes.append(RefreshedSlot(slot.name, binding.type, binding.resource_id, SlotOutcome.NEWER))
            continue
        resolved = resolve(slot, fetched.resource)
        before = binding.snapshot
        secret_changed = _secret_differs(binding, resolved)
        differs = secret_changed or _canonical(before) != _canonical(resolved.snapshot)
        if differs:
            binding.snapshot = resolved.snapshot
            binding.secret_snapshot = resolved.secret_snapshot
            changed.append(binding)
        outcomes.append(
            RefreshedSlot(
                slot=slot.name,
                type=binding.type,
                resource_id=binding.resource_id,
                outcome=SlotOutcome.CHANGED if differs else SlotOutcome.UNCHANGED,
                secret_changed=secret_changed,
                before=before,
                after=resolved.snapshot,
            )
        )
    return outcomes, changed


def _secret_differs(binding: BindingSnapshot, resolved: Resolution) -> bool:
    try:
        return binding.secret_snapshot != resolved.secret_snapshot
    except SealError:
        # What cannot be opened is of no use to a device; refreshing is how it is mended.
        return True


def _canonical(snapshot: Mapping[str, Any]) -> str:
    # As text, because Python holds 1 and 1.0 for equal, which templates print differently.
    return json.dumps(snapshot, cls=ExactFloatEncoder, sort_keys=True)
