"""Rules about binding slots, and what their snapshots hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.gotemplate import quote, shortened
from bootstrap_project.rendering.analysis.paths import BINDINGS, Path
from bootstrap_project.rendering.analysis.values import Access, AccessMode, Guard
from bootstrap_project.rendering.lint.rule import (
    LintContext,
    backticked,
    in_order,
    index_expression,
    rule,
    slot_name,
    warning,
)
from bootstrap_project.slots import RESOURCE_KINDS, BindingSlot

_NAMED: Final = (AccessMode.FIELD, AccessMode.INDEX)


@rule("undeclared-slot", "Nothing can be bound on a slot that the profile does not declare.")
def undeclared_slot(context: LintContext) -> Iterator[Diagnostic]:
    """Find a slot that is read and not declared: nothing can ever be bound on it."""
    seen: set[str] = set()
    for access in in_order(context.facts.accesses):
        name = slot_name(access.path)
        if name is None or name in context.slots or name in seen or access.mode not in _NAMED:
            continue
        seen.add(name)
        effect = "the render fails" if access.mode is AccessMode.FIELD else "it is always empty"
        yield context.warning(
            access.node,
            f"The profile declares no slot {quote(name)}; {effect}.",
            f"Declare it in binding_slots, or correct the name{context.suggestion(name, context.slots) or '.'}",
        )


@rule("unused-slot", "Operators have to bind what no template reads.")
def unused_slot(context: LintContext) -> Iterator[Diagnostic]:
    """Find a declared slot that nothing reads."""
    if context.is_open(BINDINGS):
        return
    used = {slot_name(access.path) for access in context.facts.accesses}
    for slot in context.slots.values():
        if slot.name not in used:
            yield warning(
                f"The template never reads the slot {quote(slot.name)}.",
                "Use it, remove it, or keep it if a channel is bound on it only to be connected.",
                expression=slot.name,
            )


@rule("unknown-field", "What no resource of the type has is never stored.")
def unknown_field(context: LintContext) -> Iterator[Diagnostic]:
    """Find a name among a slot's fields that resources of its type do not have."""
    for slot in context.slots.values():
        known = RESOURCE_KINDS[slot.type].keys
        for field in slot.fields or ():
            if field not in known:
                yield warning(
                    f"The slot {quote(slot.name)} lists the field {quote(shortened(field))}, which no {slot.type} has.",
                    f"A {slot.type} has {', '.join(known)}{context.suggestion(field, known) or '.'}",
                    expression=slot.name,
                )


@rule("optional-slot", "A device without the slot gets no configuration at all.")
def optional_slot(context: LintContext) -> Iterator[Diagnostic]:
    """Find a slot that need not be bound, read in a way that fails where it is not."""
    seen: set[str] = set()
    for access in in_order(context.facts.accesses):
        slot = context.slot(access.path)
        if slot is None or slot.required or slot.name in seen or not _fails_unbound(access):
            continue
        seen.add(slot.name)
        yield context.warning(
            access.node,
            f"The slot {quote(slot.name)} is optional, and reading it so fails on devices without it.",
            f"Put {{{{ if (index .Bindings {quote(slot.name)}).ID }}}} … {{{{ end }}}} around it, or make the slot"
            " required.",
        )


def _fails_unbound(access: Access) -> bool:
    if not access.reachable or access.guard is not Guard.NONE or access.mode is not AccessMode.FIELD:
        return False
    return len(access.path) == 2 or (len(access.path) > 3 and not access.owner_is_certain)


@rule("slot-always-true", "The condition does not tell bound from unbound.")
def slot_always_true(context: LintContext) -> Iterator[Diagnostic]:
    """Find a slot used as a condition: it is true even where nothing is bound."""
    for test in context.facts.slot_tests:
        name, slot = slot_name(test.path), context.slot(test.path)
        if (slot is not None and slot.required and test.names_it) or context.facts.asks_for_id(test):
            # `with` gives a name to what is always there, or to what is asked for inside.
            continue
        member = f"(index .Bindings {quote(name)}).ID" if name is not None else ".ID of it"
        reason = "even where nothing is bound" if test.mode is AccessMode.INDEX else "or fails where nothing is bound"
        yield context.warning(
            test.node,
            f"A slot as a condition is always true, {reason}.",
            f"Ask for its id: `{member}`.",
        )


@rule("missing-snapshot-key", "The snapshot never holds this key.")
def missing_snapshot_key(context: LintContext) -> Iterator[Diagnostic]:
    """Find a key that a slot's snapshot never holds, by its resource's type or the slot's fields."""
    for access, slot, key in _keys(context, "Snapshot"):
        known = RESOURCE_KINDS[slot.type].snapshot_keys
        if key not in known:
            where = _moved(slot, key) or (
                f"It has {', '.join(sorted(known))}" + (context.suggestion(key, sorted(known)) or ".")
            )
            yield context.warning(access.node, f"The snapshot of a {slot.type} has no {quote(key)}.", where)
        elif slot.fields is not None and key not in slot.fields:
            yield _excluded(context, access, slot, key)


def _moved(slot: BindingSlot, key: str) -> str:
    if key in RESOURCE_KINDS[slot.type].secret_keys:
        return f"It is in the slot's Secret: `{index_expression(('Bindings', slot.name, 'Secret', key))}`."
    return ""


@rule("missing-secret", "The secret snapshot never holds this key.")
def missing_secret(context: LintContext) -> Iterator[Diagnostic]:
    """Find a secret that a slot never holds, by its resource's type or the slot's fields."""
    for access, slot, key in _keys(context, "Secret"):
        known = RESOURCE_KINDS[slot.type].secret_keys
        if key not in known:
            hint = f"It has {', '.join(sorted(known))}." if known else "Only clients have one."
            if key in RESOURCE_KINDS[slot.type].snapshot_keys:
                hint = f"It is in the slot's Snapshot: `{index_expression(('Bindings', slot.name, 'Snapshot', key))}`."
            yield context.warning(access.node, f"The secret of a {slot.type} has no {quote(key)}.", hint)
        elif slot.fields is not None and key not in slot.fields:
            yield _excluded(context, access, slot, key)


@rule("optional-snapshot-key", "Resources without the key break the render.")
def optional_snapshot_key(context: LintContext) -> Iterator[Diagnostic]:
    """Find a key that not every resource has, read in a way that fails where it is missing."""
    for access, slot, key in _keys(context, "Snapshot"):
        strict = access.mode is AccessMode.FIELD or len(access.path) > 4
        if (
            strict
            and access.reachable
            and access.guard is Guard.NONE
            and key in RESOURCE_KINDS[slot.type].optional_keys
            and (slot.fields is None or key in slot.fields)
        ):
            path: Path = ("Bindings", slot.name, "Snapshot", key)
            yield context.warning(
                access.node,
                f"Not every {slot.type} has {key}; {backticked(path)} fails where there is none.",
                f"Put {{{{ with {index_expression(path)} }}}} … {{{{ end }}}} around it.",
            )


def _excluded(context: LintContext, access: Access, slot: BindingSlot, key: str) -> Diagnostic:
    return context.warning(
        access.node,
        f"The fields of the slot {quote(slot.name)} leave out {quote(key)}, so it is never stored.",
        f"Add {quote(key)} to the slot's fields, then bind or refresh.",
    )


def _keys(context: LintContext, member: str) -> Iterator[tuple[Access, BindingSlot, str]]:
    """Yield the first read of each key of a declared slot's Snapshot or Secret, and reads below it."""
    seen: set[Path] = set()
    for access in in_order(context.facts.accesses):
        slot, path = context.slot(access.path), access.path
        if slot is None or len(path) < 4 or path[2] != member or path in seen or access.mode not in _NAMED:
            continue
        key = path[3]
        if isinstance(key, str) and path[:4] not in seen:
            seen |= {path[:4]} if access.guard is Guard.NONE else set()
            yield access, slot, key
