"""Compares stored snapshots with what the platform says now, and writes those that differ; many bindings at a time."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, cast

from django.db import connection
from django.db.models import BigIntegerField, Func, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from bootstrap_project.database.json import ExactFloatEncoder
from bootstrap_project.security.keyring import SealError
from enrollments.binding.fetch import Fetched
from enrollments.binding.resolve import resolve
from enrollments.clock import LEEWAY, microseconds
from enrollments.models import BindingSnapshot, open_secret_snapshot, seal_secret_snapshot
from enrollments.slots import declared_bindings
from profiles.slots import BindingSlot

#: Rows that one UPDATE takes; measured, larger ones gain nothing.
_ROWS_A_STATEMENT: Final = 1000
_LEEWAY: Final = LEEWAY // timedelta(microseconds=1)
#: A moment in whole microseconds since 1970, by vendor. SQLite keeps text, with six digits behind the second or none.
_MICROSECONDS: Final = {
    "postgresql": "(extract(epoch FROM {0}) * 1000000)::bigint",
    "sqlite": "(CAST(strftime('%%s', {0}) AS INTEGER) * 1000000 + CAST(substr({0}, 21, 6) AS INTEGER))",
}


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


class StoredBinding(NamedTuple):
    """A binding's row; `document` is its snapshot as the database writes it, read only where it has to be."""

    #: Both ids as texts, because making objects of them costs more than comparing the binding.
    config_id: str
    id: str
    slot: str
    type: str
    resource_id: str
    document: str
    sealed: str
    #: When it was last written, in microseconds since 1970: reading datetimes would cost more than the comparing.
    written_at: int

    def __repr__(self) -> str:
        """Return what it is about; nothing of the snapshots."""
        return f"<StoredBinding {self.config_id} {self.slot}>"


class _Microseconds(Func):
    """A moment as an integer, which costs a tenth of reading a datetime and loses nothing."""

    output_field = BigIntegerField()

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> Any:  # type: ignore[override]
        """Return the vendor's expression."""
        column, params = compiler.compile(self.source_expressions[0])
        return _MICROSECONDS[connection.vendor].format(column), [*params] * _MICROSECONDS[connection.vendor].count(
            "{0}"
        )


class Kept:
    """What slots with the same fields keep of one resource, worked out once for all configs that bind it."""

    __slots__ = ("_confirmed", "_document", "_seen", "_verdict", "secret", "snapshot")

    def __init__(self, snapshot: dict[str, Any], secret: dict[str, Any]) -> None:
        """Take both parts of a resolution."""
        self.snapshot = snapshot
        self.secret = secret
        self._document: str | None = None
        self._seen: str | None = None
        self._verdict: tuple[bool, Mapping[str, Any]] = (False, snapshot)
        self._confirmed: dict[tuple[str, str], RefreshedSlot] = {}

    @property
    def document(self) -> str:
        """Return the snapshot as it is written."""
        if self._document is None:
            self._document = json.dumps(self.snapshot, cls=ExactFloatEncoder)
        return self._document

    def differs_from(self, document: str) -> tuple[bool, Mapping[str, Any]]:
        """Tell whether a stored document says something else, and what it says.

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


class Known:
    """A fetched resource, and what is worked out of it for the slots that hold it."""

    __slots__ = ("_kept", "asked_at", "fetched")

    def __init__(self, fetched: Fetched) -> None:
        """Start with nothing worked out."""
        self.fetched = fetched
        #: In microseconds since 1970.
        self.asked_at = microseconds(fetched.at)
        self._kept: dict[tuple[str, ...] | None, Kept] = {}

    def kept_by(self, slot: BindingSlot) -> Kept:
        """Return what `slot` keeps of the resource."""
        kept = self._kept.get(slot.fields)
        if kept is None:
            resolved = resolve(slot, self.fetched.resource)
            kept = self._kept[slot.fields] = Kept(resolved.snapshot, resolved.secret_snapshot)
        return kept


@dataclass(slots=True)
class Change:
    """A binding whose snapshot is to be replaced."""

    binding: StoredBinding
    kept: Kept = field(repr=False)
    secret_changed: bool


def read_bindings(config_ids: Collection[uuid.UUID], *, slot: str = "") -> dict[uuid.UUID, list[StoredBinding]]:
    """Return the stored bindings of these configs by slot, or those of one slot only.

    Cost: one statement; no model instances, which would cost more than all the comparing.
    """
    ids = {str(config_id): config_id for config_id in config_ids}
    rows = _rows_by_hand(list(ids), slot) if connection.vendor == "postgresql" else _rows(config_ids, slot)
    found: dict[str, list[StoredBinding]] = defaultdict(list)
    for row in rows:
        # The driver's tuple under another name: the class's own way of making one takes four times as long.
        found[row[0]].append(tuple.__new__(StoredBinding, row))
    return {ids[text]: bindings for text, bindings in found.items()}


def _rows(config_ids: Collection[uuid.UUID], slot: str) -> Iterable[tuple[Any, ...]]:
    stored = BindingSnapshot.objects.filter(config_id__in=config_ids)
    if slot:
        stored = stored.filter(slot=slot)
    document, written_at = Cast("snapshot", TextField()), _Microseconds("updated_at")
    found = stored.order_by("slot").values_list(
        "config_id", "id", "slot", "type", "resource_id", document, "secret_sealed", written_at
    )
    return ((str(config_id), str(binding_id), *rest) for config_id, binding_id, *rest in found)


def _rows_by_hand(config_ids: Collection[str], slot: str) -> list[tuple[Any, ...]]:
    # A third of what the ORM takes for the same: one parameter instead of hundreds, and ids stay texts.
    only, params = ("AND slot = %s ", [slot]) if slot else ("", [])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT config_id::text, id::text, slot, type, resource_id, snapshot::text, secret_sealed,"  # noqa: S608
            f" {_MICROSECONDS['postgresql'].format('updated_at')}"
            f" FROM enrollments_bindingsnapshot WHERE config_id = ANY(%s::uuid[]) {only}ORDER BY slot",
            [f"{{{','.join(config_ids)}}}", *params],
        )
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def declared(slots: Iterable[BindingSlot], stored: Iterable[StoredBinding]) -> list[tuple[BindingSlot, StoredBinding]]:
    """Return each binding that the profile declares beside its slot: the rule of `slots.declared_bindings`, on rows."""
    pairs: Any = declared_bindings(slots, cast("Iterable[BindingSnapshot]", stored))
    return cast("list[tuple[BindingSlot, StoredBinding]]", pairs)


def compare(
    slot: BindingSlot,
    binding: StoredBinding,
    known: Known | None,
    *,
    now: int,
    read_at: int | None = None,
) -> tuple[RefreshedSlot, Change | None]:
    """Return what becomes of one binding, and its change where the platform says something else than is stored.

    A binding that was written after its resource was fetched, or whose resource is not `known`, is left alone. Where
    the row was read before anything was asked, `read_at` is what it then said of its writing: it is as it was, or
    newer, whatever clocks say. Else the times decide; one that lies ahead of the database's `now` counts for nothing.
    Both are in microseconds since 1970.
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
    return changed, Change(binding, kept, secret_changed)


def write(changes: Sequence[Change]) -> int:
    """Replace the snapshots of these bindings and return how many still were as they had been read.

    The caller holds the lock on their configs, under which nobody else changes a snapshot.

    Cost: one statement for each 1,000 bindings.
    """
    parts = range(0, len(changes), _ROWS_A_STATEMENT)
    return sum(_write_rows(changes[start : start + _ROWS_A_STATEMENT]) for start in parts)


def _write_rows(changes: Sequence[Change]) -> int:
    written_at = _MICROSECONDS[connection.vendor].format("stored.updated_at")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # One JSON text: psycopg takes thirty times as long to write an array of texts.
            cursor.execute(
                "UPDATE enrollments_bindingsnapshot AS stored"  # noqa: S608 - constants of ours.
                " SET snapshot = news.snapshot, secret_sealed = news.sealed, updated_at = statement_timestamp()"
                " FROM jsonb_to_recordset(%s::jsonb) AS news(id uuid, snapshot jsonb, sealed text, read_as bigint)"
                f" WHERE stored.id = news.id AND {written_at} = news.read_as",
                [f"[{','.join(map(_news, changes))}]"],
            )
        else:
            stamp = connection.ops.adapt_datetimefield_value(timezone.now())
            cursor.executemany(
                "UPDATE enrollments_bindingsnapshot AS stored"  # noqa: S608 - constants of ours.
                " SET snapshot = %s, secret_sealed = %s, updated_at = %s"
                f" WHERE id = %s AND {written_at} = %s",
                [
                    (
                        change.kept.document,
                        _sealed(change),
                        stamp,
                        change.binding.id.replace("-", ""),
                        change.binding.written_at,
                    )
                    for change in changes
                ],
            )
        return int(cursor.rowcount)


def _news(change: Change) -> str:
    """Return a row as JSON; sealed texts are of letters, digits and a few signs that JSON takes as they are."""
    binding = change.binding
    return (
        f'{{"id":"{binding.id}","snapshot":{change.kept.document},"sealed":"{_sealed(change)}",'
        f'"read_as":{binding.written_at}}}'
    )


def _sealed(change: Change) -> str:
    binding = change.binding
    if not change.secret_changed:
        return binding.sealed
    return seal_secret_snapshot(change.kept.secret, config_id=binding.config_id, slot=binding.slot)


def _secret_differs(binding: StoredBinding, kept: Kept) -> bool:
    if not binding.sealed:
        return bool(kept.secret)
    try:
        return open_secret_snapshot(binding.sealed, config_id=binding.config_id, slot=binding.slot) != kept.secret
    except SealError:
        # What cannot be opened is of no use to a device; refreshing is how it is mended.
        return True


def _says_the_same(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Tell whether two snapshots are alike to the letter: Python holds 1, 1.0 and True for equal, templates do not."""
    if before != after:
        return False
    if all(type(value) is str for value in after.values()):
        return True
    return _canonical(before) == _canonical(after)


def _canonical(snapshot: Mapping[str, Any]) -> str:
    return json.dumps(snapshot, cls=ExactFloatEncoder, sort_keys=True)
