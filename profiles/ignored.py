"""Members of a file that profiles do not have: they are left out, and who sent the file is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.documents.defects import shown
from bootstrap_project.rendering.suggestions import Suggestions
from profiles.serializers import BindingSlotSerializer, SavedProfileSerializer
from profiles.services import EDITABLE

_RULE: Final = "ignored-member"
_MAX_WARNINGS: Final = 20
_MAX_NAMED: Final = 5
#: What answers have: a profile as it was answered is a file, too.
_ANSWERED: Final = frozenset(SavedProfileSerializer().get_fields())
_OF_SLOTS: Final = tuple(BindingSlotSerializer().get_fields())


def ignored_members(document: Mapping[str, Any]) -> tuple[Diagnostic, ...]:
    """Return warnings about the members of an uploaded document, and of its slots, that were left out; the first few.

    Source: docs/contract.md#a0: unknown members are ignored, so this refuses nothing.
    """
    return tuple(islice(_ignored(document), _MAX_WARNINGS))


def _ignored(document: Mapping[str, Any]) -> Iterator[Diagnostic]:
    suggestions = Suggestions()
    unknown = [name for name in document if name not in _ANSWERED]
    yield from _warnings("A profile", unknown, [name for name in EDITABLE if name not in document], suggestions)
    slots = document.get("binding_slots")
    for number, slot in enumerate(slots if isinstance(slots, list) else ()):
        if isinstance(slot, dict):
            unknown = [name for name in slot if name not in _OF_SLOTS]
            free = [name for name in _OF_SLOTS if name not in slot]
            yield from _warnings(f"The slot binding_slots[{number}]", unknown, free, suggestions)


def _warnings(
    owner: str, unknown: Sequence[str], free: Sequence[str], suggestions: Suggestions
) -> Iterator[Diagnostic]:
    """Yield a warning for each name that is like one of those that are `free`, and one for all others."""
    others: list[str] = []
    for name in unknown:
        near = suggestions.closest(name, free)
        if near is None:
            others.append(name)
        else:
            message = f"{owner} has no member {shown(name)}; it was left out."
            yield Diagnostic(_RULE, "warning", message, f"Write `{near}`.", expression=name)
    if others:
        named = ", ".join(map(shown, others[:_MAX_NAMED]))
        more = f" and {len(others) - _MAX_NAMED} more" if len(others) > _MAX_NAMED else ""
        message = f"{owner} has no member {named}{more}; what stands there was left out."
        known = EDITABLE if owner == "A profile" else _OF_SLOTS
        yield Diagnostic(_RULE, "warning", message, f"There are {', '.join(known)}.")
