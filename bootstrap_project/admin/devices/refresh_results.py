"""What the admin says of a bind and of a refresh, slot by slot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from bootstrap_project.admin.display import badge, pluralized
from bootstrap_project.slots import CHANNEL, RESOURCE_KINDS, BindingSlot
from enrollments.binding.bind import BindResult
from enrollments.models import BindingSnapshot, ConnectionState
from enrollments.refresh.run_one import RefreshResult
from enrollments.slots import declared_bindings

_OUTCOMES = {
    "changed": ("warn", "changed"),
    "unchanged": ("good", "unchanged"),
    "newer": ("plain", "written by somebody else meanwhile"),
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One member of a snapshot before and after a refresh; None where there was none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class RefreshRow:
    """A slot, what is bound to it, and what a refresh did with that."""

    slot: BindingSlot
    binding: BindingSnapshot | None
    badge: SafeString | str = ""
    changes: tuple[FieldChange, ...] = ()
    secret_changed: bool = False
    reason: str = ""


def stored_rows(slots: Sequence[BindingSlot], bindings: Iterable[BindingSnapshot]) -> list[RefreshRow]:
    """Return a row for each slot, as it is stored."""
    bound = {slot.name: binding for slot, binding in declared_bindings(slots, bindings)}
    return [RefreshRow(slot, bound.get(slot.name)) for slot in slots]


def failed_rows(
    slots: Sequence[BindingSlot], bindings: Iterable[BindingSnapshot], failed: str, reason: str, *, gone: bool = False
) -> list[RefreshRow]:
    """Return a row for each slot after a refresh that failed for the slot `failed`: nothing was written."""
    rows = stored_rows(slots, bindings)
    return [
        RefreshRow(row.slot, row.binding, badge("bad", "gone" if gone else "failed"), reason=reason)
        if row.slot.name == failed
        else RefreshRow(row.slot, row.binding, badge("plain", "left as it was") if row.binding else "")
        for row in rows
    ]


def refreshed_rows(
    slots: Sequence[BindingSlot], bindings: Iterable[BindingSnapshot], result: RefreshResult
) -> list[RefreshRow]:
    """Return a row for each slot with what changed; secrets are in neither snapshot."""
    done = {one.slot: one for one in result.slots}
    rows = []
    for row in stored_rows(slots, bindings):
        one = done.get(row.slot.name)
        if one is not None:
            changes = _changes(one.before, one.after)
            row = RefreshRow(  # noqa: PLW2901 - the same row with its result.
                row.slot, row.binding, badge(*_OUTCOMES[one.outcome.value]), changes, one.secret_changed
            )
        rows.append(row)
    return rows


def summary(result: RefreshResult) -> str:
    """Return one sentence about a refresh."""
    if not result.slots:
        return "Nothing is bound yet, so there was nothing to refresh."
    if not result.changed:
        return "Nothing changed: all snapshots are what Magistrala says now."
    return f"{pluralized(len(result.changed), 'slot')} changed. The device gets it at its next call."


def bound_message(
    slots: Sequence[BindingSlot],
    result: BindResult,
    before: Iterable[BindingSnapshot],
    now: Sequence[BindingSnapshot],
) -> SafeString:
    """Return what was bound to each slot, in place of what, and what it is connected with."""
    old = {binding.slot: binding.resource_id for binding in before}
    declared = [binding for _slot, binding in declared_bindings(slots, now)]
    lines = (
        (_told(binding, old.get(binding.slot, ""), result, declared),)
        for binding in declared
        if binding.slot in result.slots
    )
    return format_html(
        "Bound {}.{}",
        pluralized(len(result.slots), "slot"),
        format_html_join("", '<div class="result">{}</div>', lines),
    )


def _told(binding: BindingSnapshot, before: str, result: BindResult, declared: Sequence[BindingSnapshot]) -> SafeString:
    name = str(binding.snapshot.get("name") or "")
    words = [f"{binding.type} {name} ({binding.resource_id})" if name else f"{binding.type} {binding.resource_id}"]
    if before == binding.resource_id:
        words.append("as before, read again")
    elif before:
        words.append(f"in place of {before}")
    # Whatever is bound was connected before anything was stored (docs/contract.md#k1).
    others = [other.slot for other in declared if other.type != binding.type]
    is_channel = binding.type == CHANNEL.name
    if others:
        words.append(f"connected with the {RESOURCE_KINDS[binding.type].connects_to} of {_listed(others)}")
    elif is_channel and result.connections.get(binding.slot) is not ConnectionState.CONNECTED:
        words.append("connected with nothing yet, as no client is bound")
    if result.connections.get(binding.slot) is ConnectionState.CONNECTED:
        words.append("connected to the device's own id")
    return format_html("<strong>{}</strong>: {}", binding.slot, ", ".join(words))


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[FieldChange, ...]:
    """Return the members that differ, by name."""
    old, new = dict(_texts(before)), dict(_texts(after))
    changes = (FieldChange(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys()))
    return tuple(change for change in changes if change.before != change.after)


def _texts(document: Mapping[str, object], place: str = "") -> Iterator[tuple[str, str]]:
    """Yield name and text of each member, those of objects by their path: `metadata.site`."""
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from _texts(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
