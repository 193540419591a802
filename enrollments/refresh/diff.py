"""Compares stored snapshots with what the platform says now; the work is shared by bindings that are alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from bootstrap_project.database.json import ExactFloatEncoder
from bootstrap_project.security.keyring import SealError
from bootstrap_project.slots import BindingSlot
from enrollments.binding.fetch import Fetched
from enrollments.binding.resolve import resolve
from enrollments.clock import LEEWAY, microseconds
from enrollments.models import open_secret_snapshot, seal_secret_snapshot
from enrollments.refresh.rows import NewSnapshot, StoredBinding

_LEEWAY: Final = LEEWAY // timedelta(microseconds=1)


class SlotOutcome(Enum):
    """What a refresh did with one binding."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    #: Bound or refreshed by somebody else while the platform was being asked: what is stored is at least as new.
    NEWER = "newer"


class RefreshedSlot(NamedTuple):
    """One declared binding after a refresh; `before` and `after` are the open snapshots, never the secret ones."""

    slot: str
    type: str
    resource_id: str
    outcome: SlotOutcome
    secret_changed: bool = False
    before: Mapping[str, Any] = MappingProxyType({})
    after: Mapping[str, Any] = MappingProxyType({})

    def __repr__(self) -> str:
        """Return what it is about; snapshots are left out of logs and error reports."""
        return f"<RefreshedSlot {self.slot} {self.outcome.value}>"


class ResolvedSnapshot:
    """What slots with the same fields keep of one resource, worked out once for all configs that bind it."""

    __slots__ = ("_confirmed", "_document", "_seen", "_verdict", "secret", "snapshot")

    def __init__(self, snapshot: dict[str, Any], secret: dict[str, Any]) -> None:
        self.snapshot = snapshot
        self.secret = secret
        self._document: str | None = None
        self._seen: str | None = None
        self._verdict: tuple[bool, Mapping[str, Any]] = (False, snapshot)
        self._confirmed: dict[tuple[str, str], RefreshedSlot] = {}

    @property
    def document(self) -> str:
        if self._document is None:
            self._document = json.dumps(self.snapshot, cls=ExactFloatEncoder)
        return self._document

    def differs_from(self, document: str) -> tuple[bool, Mapping[str, Any]]:
        """Return whether a stored document differs, and the stored snapshot.

        Cost: one comparison of texts for the second and every further config that stores the same.
        """
        if document != self._seen:
            before: Mapping[str, Any] = json.loads(document)
            self._verdict = (not _says_the_same(before, self.snapshot), before)
            self._seen = document
            self._confirmed.clear()
        return self._verdict

    def confirmed(self, slot: BindingSlot, binding: StoredBinding) -> RefreshedSlot:
        """Return that a binding holds all of this already; one object for all that `differs_from` finds alike."""
        known = self._confirmed.get((slot.name, binding.type))
        if known is None:
            known = self._confirmed[(slot.name, binding.type)] = RefreshedSlot(
                slot.name,
                binding.type,
                binding.resource_id,
                SlotOutcome.UNCHANGED,
                False,
                self._verdict[1],
                self.snapshot,
            )
        return known


class FetchedResource:
    """A fetched resource, and what is worked out of it for the slots that hold it."""

    __slots__ = ("_kept", "asked_at", "fetched")

    def __init__(self, fetched: Fetched) -> None:
        self.fetched = fetched
        #: In microseconds since 1970.
        self.asked_at = microseconds(fetched.at)
        self._kept: dict[tuple[str, ...] | None, ResolvedSnapshot] = {}

    def kept_by(self, slot: BindingSlot) -> ResolvedSnapshot:
        """Return what `slot` keeps of the resource."""
        kept = self._kept.get(slot.fields)
        if kept is None:
            resolved = resolve(slot, self.fetched.resource)
            kept = self._kept[slot.fields] = ResolvedSnapshot(resolved.snapshot, resolved.secret_snapshot)
        return kept


@dataclass(slots=True)
class SnapshotChange:
    """A binding whose snapshot is to be replaced."""

    binding: StoredBinding
    kept: ResolvedSnapshot = field(repr=False)
    secret_changed: bool

    def new_snapshot(self) -> NewSnapshot:
        """Return what is to be written; a secret that is the same stays sealed as it is."""
        binding = self.binding
        sealed = binding.sealed
        if self.secret_changed:
            sealed = seal_secret_snapshot(self.kept.secret, config_id=binding.config_id, slot=binding.slot)
        return NewSnapshot(binding.id, self.kept.document, sealed, binding.written_at)


def compare(
    slot: BindingSlot,
    binding: StoredBinding,
    known: FetchedResource | None,
    *,
    now: int,
    read_at: int | None = None,
) -> tuple[RefreshedSlot, SnapshotChange | None]:
    """Return what becomes of one binding, and its change where the platform says something else than is stored.

    A binding that was written after its resource was fetched, or whose resource is not `known`, is left alone. If the
    row was read before the platform was asked, `read_at` is when it had been written, and any other time in the row
    now means that it was written since. Without `read_at`, the time of writing is compared with the time of asking; one
    ahead of the database's `now` is not believed. `now` and `read_at` are in microseconds since 1970.
    """
    if read_at is not None:
        is_newer = binding.written_at != read_at
    else:
        is_newer = known is not None and known.asked_at < binding.written_at <= now + _LEEWAY
    if known is None or is_newer:
        return RefreshedSlot(slot.name, binding.type, binding.resource_id, SlotOutcome.NEWER), None
    kept = known.kept_by(slot)
    differs, before = kept.differs_from(binding.document)
    # Most bindings are channels', which have nothing secret on either side.
    secret_changed = bool(binding.sealed or kept.secret) and _secret_differs(binding, kept)
    if not differs and not secret_changed:
        return kept.confirmed(slot, binding), None
    changed = RefreshedSlot(
        slot.name, binding.type, binding.resource_id, SlotOutcome.CHANGED, secret_changed, before, kept.snapshot
    )
    return changed, SnapshotChange(binding, kept, secret_changed)


def _secret_differs(binding: StoredBinding, kept: ResolvedSnapshot) -> bool:
    if not binding.sealed:
        return bool(kept.secret)
    try:
        return open_secret_snapshot(binding.sealed, config_id=binding.config_id, slot=binding.slot) != kept.secret
    except SealError:
        # What cannot be opened is of no use to a device; refreshing fixes it.
        return True


def _says_the_same(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether two snapshots are exactly alike: 1, 1.0 and True are equal in Python, but not in templates."""
    if before != after:
        return False
    if all(type(value) is str for value in after.values()):
        return True
    return _canonical(before) == _canonical(after)


def _canonical(snapshot: Mapping[str, Any]) -> str:
    return json.dumps(snapshot, cls=ExactFloatEncoder, sort_keys=True)
