"""Renews the stored snapshots of a config from the platform."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.errors import ResourceNotFound
from bootstrap_project.observability.metrics import count_binding_refresh
from configs.errors import ConfigNotFound
from configs.models import Config
from enrollments.binding.fetch import ResourceRef, fetch_all
from enrollments.clock import database_time, microseconds, time_of
from enrollments.errors import check_time
from enrollments.models import BindingSnapshot
from enrollments.refresh.diff import FetchedResource, RefreshedSlot, SlotOutcome, SnapshotChange, compare
from enrollments.refresh.rows import declared, read_bindings, replace_snapshots
from enrollments.slots import declared_bindings

__all__ = [
    "RefreshResult",
    "RefreshedSlot",
    "SlotOutcome",
    "apply_known",
    "outcome_of",
    "refresh_bindings",
]

logger = logging.getLogger(__name__)

_OUTCOME_OF_KIND: Final = {
    ErrorKind.INVALID: "rejected",
    ErrorKind.UNAUTHORIZED: "unauthorized",
    ErrorKind.FORBIDDEN: "forbidden",
    ErrorKind.NOT_FOUND: "not_found",
    ErrorKind.UPSTREAM_FAILED: "unavailable",
    ErrorKind.UNAVAILABLE: "unavailable",
    ErrorKind.UPSTREAM_TIMEOUT: "timeout",
}


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """What a refresh did, by slot."""

    slots: tuple[RefreshedSlot, ...] = ()

    @property
    def changed(self) -> tuple[RefreshedSlot, ...]:
        return self._with(SlotOutcome.CHANGED)

    @property
    def unchanged(self) -> tuple[RefreshedSlot, ...]:
        return self._with(SlotOutcome.UNCHANGED)

    def _with(self, outcome: SlotOutcome) -> tuple[RefreshedSlot, ...]:
        return tuple(slot for slot in self.slots if slot.outcome is outcome)


def refresh_bindings(*, config: Config, magistrala: MagistralaClient, token: str) -> RefreshResult:
    """Read every declared binding's resource again and replace the snapshots that differ, all or none.

    A resource that is disabled by now is refreshed like any other: refusing would keep the rest of the device from its
    news, and nobody is choosing the resource anew. Nothing is connected.

    Raises: MagistralaError naming the slot, all snapshots left as they were; ConfigNotFound;
    DeadlinePassed, also when all is there and the time is over.
    Cost: one call for each distinct resource outside any transaction, a few at once; then one transaction of at most
    three statements.
    Source: docs/contract.md#e6 and #k15.
    """
    bound = _bound(config)
    wanted = [(binding.slot, _ref(config, binding)) for binding in bound]
    if not wanted:
        return RefreshResult()
    try:
        resources = fetch_all(wanted, magistrala=magistrala, token=token)
        known = {ref: FetchedResource(fetched) for ref, fetched in resources.items()}
        as_read = {binding.slot: microseconds(binding.updated_at) for binding in bound}
        result = apply_known(config_id=config.pk, known=known, as_read=as_read)
    except BootstrapError as error:
        count_binding_refresh(outcome_of(error), len(wanted))
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


def _bound(config: Config) -> list[BindingSnapshot]:
    if config.profile is None:
        return []
    stored = BindingSnapshot.objects.filter(config_id=config.pk).only("slot", "type", "resource_id", "updated_at")
    return [binding for _slot, binding in declared_bindings(config.profile.slots, stored.order_by("slot"))]


def _ref(config: Config, binding: BindingSnapshot) -> ResourceRef:
    return ResourceRef(config.domain_id, binding.type, binding.resource_id)


def outcome_of(error: BootstrapError) -> str:
    """Return the word that metrics and summaries have for a refresh that failed so: gone for what is bound no more."""
    if isinstance(error, ResourceNotFound):
        return "gone"
    return _OUTCOME_OF_KIND.get(error.kind, "error")


def apply_known(
    *,
    config_id: uuid.UUID,
    known: Mapping[ResourceRef, FetchedResource],
    slot: str = "",
    dry_run: bool = False,
    as_read: Mapping[str, int] | None = None,
) -> RefreshResult:
    """Replace the snapshots of a config, or of one slot of it, that differ from what is `known`; asks nobody.

    The slots are those of the profile as it is now, so a profile that changed meanwhile does no harm. A binding that
    was written after its resource was fetched, or whose resource is not `known`, is left alone. `as_read` is when each
    slot's binding had been written, as it was read before anybody was asked (`compare`).

    Raises: ConfigNotFound when the config is gone; DeadlinePassed when something is to be written and the time is over.
    Cost: one short transaction of three statements at the most; only changed rows are written, and none with `dry_run`.
    """
    outcomes: list[RefreshedSlot] = []
    changes: list[SnapshotChange] = []
    with transaction.atomic():
        current = (
            Config.objects.select_for_update(of=("self",))
            .select_related("profile")
            .only("id", "domain_id", "profile__id", "profile__binding_slots")
            .annotate(database_time=database_time())
            .filter(pk=config_id)
            .first()
        )
        if current is None:
            raise ConfigNotFound(f"the config {config_id} was removed meanwhile")
        slots = current.profile.slots if current.profile is not None else ()
        now = microseconds(time_of(current))
        for one, binding in declared(slots, read_bindings([config_id], slot=slot).get(config_id, ())):
            ref = ResourceRef(current.domain_id, binding.type, binding.resource_id)
            read_at = None if as_read is None else as_read.get(binding.slot, -1)
            outcome, change = compare(one, binding, known.get(ref), now=now, read_at=read_at)
            outcomes.append(outcome)
            if change is not None:
                changes.append(change)
        if changes and not dry_run:
            check_time()
            replace_snapshots([change.new_snapshot() for change in changes])
    return RefreshResult(tuple(outcomes))
