"""The rows of bindings as a refresh reads and replaces them: by hand, many at a time, without model instances."""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

from django.db import connection
from django.db.models import BigIntegerField, Func, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from bootstrap_project.slots import BindingSlot
from enrollments.models import BindingSnapshot
from enrollments.slots import declared_bindings

#: Rows that one UPDATE takes; measured, larger ones gain nothing.
_ROWS_PER_STATEMENT: Final = 1000
#: A moment in whole microseconds since 1970, by vendor. SQLite keeps text, with six digits behind the second or none.
_MICROSECONDS: Final = {
    "postgresql": "(extract(epoch FROM {0}) * 1000000)::bigint",
    "sqlite": "(CAST(strftime('%%s', {0}) AS INTEGER) * 1000000 + CAST(substr({0}, 21, 6) AS INTEGER))",
}


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


class NewSnapshot(NamedTuple):
    """What replaces the snapshots of the binding `id`, as long as it still was written at `read_as`."""

    id: str
    #: The open part as JSON.
    document: str
    sealed: str
    read_as: int

    def __repr__(self) -> str:
        """Return what it is about; nothing of the snapshots."""
        return f"<NewSnapshot {self.id}>"


class _Microseconds(Func):
    """A moment as an integer, which costs a tenth of reading a datetime and loses nothing."""

    output_field = BigIntegerField()

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> Any:  # type: ignore[override]
        column, params = compiler.compile(self.source_expressions[0])
        return _MICROSECONDS[connection.vendor].format(column), [*params] * _MICROSECONDS[connection.vendor].count(
            "{0}"
        )


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


def replace_snapshots(news: Sequence[NewSnapshot]) -> int:
    """Replace the snapshots of these bindings and return how many still were as they had been read.

    The caller holds the lock on their configs, under which nobody else changes a snapshot.

    Cost: one statement for each 1,000 bindings.
    """
    parts = range(0, len(news), _ROWS_PER_STATEMENT)
    return sum(_replace(news[start : start + _ROWS_PER_STATEMENT]) for start in parts)


def _replace(news: Sequence[NewSnapshot]) -> int:
    written_at = _MICROSECONDS[connection.vendor].format("stored.updated_at")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # One JSON text: psycopg takes thirty times as long to write an array of texts. Snapshots are texts in it,
            # since configs share them.
            cursor.execute(
                "UPDATE enrollments_bindingsnapshot AS stored"  # noqa: S608 - constants of ours.
                " SET snapshot = news.document::jsonb, secret_sealed = news.sealed, updated_at = statement_timestamp()"
                " FROM jsonb_to_recordset(%s::jsonb) AS news(id uuid, document text, sealed text, read_as bigint)"
                f" WHERE stored.id = news.id AND {written_at} = news.read_as",
                [json.dumps([row._asdict() for row in news])],
            )
        else:
            stamp = connection.ops.adapt_datetimefield_value(timezone.now())
            cursor.executemany(
                "UPDATE enrollments_bindingsnapshot AS stored"  # noqa: S608 - constants of ours.
                " SET snapshot = %s, secret_sealed = %s, updated_at = %s"
                f" WHERE id = %s AND {written_at} = %s",
                [(row.document, row.sealed, stamp, row.id.replace("-", ""), row.read_as) for row in news],
            )
        return int(cursor.rowcount)
