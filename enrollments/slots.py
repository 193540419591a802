"""Which stored bindings count: those that the profile of today still declares."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

from bootstrap_project.slots import BindingSlot
from enrollments.models import BindingSnapshot


def declared_bindings(
    slots: Iterable[BindingSlot], bindings: Iterable[BindingSnapshot]
) -> list[tuple[BindingSlot, BindingSnapshot]]:
    """Return each binding whose slot is declared with the same type, beside that slot.

    Another profile, or another version of it, may lack a slot or declare it with the other type. Such rows are kept, so
    that assigning a profile by mistake loses nothing, and ignored: nothing renders, refreshes or connects them. Binding
    the slot again replaces them.
    """
    known = {slot.name: slot for slot in slots}
    return [
        (known[binding.slot], binding)
        for binding in bindings
        if binding.slot in known and known[binding.slot].type == binding.type
    ]


def unbound_slots(slots: Iterable[BindingSlot], bound: Container[str]) -> list[BindingSlot]:
    """Return the required slots for which nothing counts; `bound` has the names of those for which something does.

    A device gets nothing before it is empty. `enrollments.readiness` asks the same of many devices at once, in SQL.
    """
    return [slot for slot in slots if slot.required and slot.name not in bound]


def anchor(slot: str) -> str:
    """Return what a slot's row on the Bind page is called in addresses, of letters, digits, "-" and "_" alone."""
    return "slot-" + re.sub(r"[^A-Za-z0-9-]", lambda match: f"_{ord(match[0]):x}_", slot)
