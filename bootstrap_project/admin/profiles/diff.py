"""Two versions of a profile side by side: what was written, line by line."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bootstrap_project.slots import BindingSlot
from profiles.models import Profile, TemplateFormat
from profiles.services import EDITABLE

#: How many unchanged lines are shown around a change.
_AROUND: Final = 3
#: Differences that take more pairs of lines to find are shown as one block taken out and one put in: comparing takes
#: time that grows with the square where many lines are equal, and with the cube where they are interleaved.
_MAX_COMPARED: Final = 1_000_000
_MAX_SHOWN: Final = 1_500
_MAX_LINE_LENGTH: Final = 400
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_LABELS: Final = {
    "name": "Name",
    "description": "Description",
    "template_format": "Format",
    "content_template": "Template",
    "binding_slots": "Slots",
    "defaults": "Defaults",
}


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a comparison: `kind` is kept, removed, added or gap; `old` and `new` are its numbers, 0 for none."""

    kind: str
    text: str = ""
    old: int = 0
    new: int = 0

    @property
    def sign(self) -> str:
        """Return what stands before the line."""
        return {"removed": "\N{MINUS SIGN}", "added": "+"}.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """What changed in one member of a profile."""

    label: str
    lines: Sequence[DiffLine]
    removed: int
    added: int


class _TooMuch(Exception):
    """Comparing takes more than it is worth."""


class _Matcher(difflib.SequenceMatcher[str]):
    """The library's comparison, which ends when it has looked at too many pairs of lines."""

    # What the library keeps, which its stubs leave out.
    a: Sequence[str]
    b2j: dict[str, list[int]]
    _left = _MAX_COMPARED

    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Any:
        """Return what the library does; it looks at each pair of equal lines, and once at every line.

        Raises: _TooMuch.
        """
        end = len(self.a) if ahi is None else ahi
        places = self.b2j
        self._left -= end - alo + sum(len(places.get(self.a[at], ())) for at in range(alo, end))
        if self._left < 0:
            raise _TooMuch
        return super().find_longest_match(alo, ahi, blo, bhi)


def copy_values(profile: Profile) -> dict[str, Any]:
    """Return what a person can write of `profile`."""
    return {name: getattr(profile, name) for name in EDITABLE}


def compare_values(old: dict[str, Any], new: dict[str, Any]) -> list[FieldDiff]:
    """Return what changed from `old` to `new`, member by member; nothing for members that are equal."""
    return [
        _section(_LABELS[name], _text(name, old[name]), _text(name, new[name]))
        for name in EDITABLE
        if old[name] != new[name]
    ]


def _text(name: str, value: Any) -> str:
    if name == "binding_slots":
        # A slot stays on a line: it is changed as a whole.
        slots = (BindingSlot.from_json(slot).to_json() for slot in value)
        return "".join(json.dumps(slot, ensure_ascii=False) + "\n" for slot in slots)
    if name == "template_format":
        return f"{TemplateFormat(value).label}\n"
    if name == "defaults":
        # The database keeps no order of members.
        return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n" if value else ""
    # A name is one line, with or without an end.
    return f"{value}\n" if name == "name" else str(value)


def _section(label: str, old: str, new: str) -> FieldDiff:
    changes = list(compare_lines(old, new))
    removed = sum(change.kind == "removed" for change in changes)
    added = sum(change.kind == "added" for change in changes)
    if len(changes) > _MAX_SHOWN:
        changes = [*changes[:_MAX_SHOWN], DiffLine("gap")]
    return FieldDiff(label, changes, removed, added)


def compare_lines(old: str, new: str) -> Iterable[DiffLine]:
    """Yield the changed lines between two texts with a few lines around them.

    Cost: bounded, also for texts of many lines that have nothing in common.
    """
    before, after = _lines(old), _lines(new)
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    # What is equal at both ends has been found; a few lines of it are shown around.
    left = max(0, start - _AROUND)
    right = min(end, _AROUND)
    part_before = before[left : len(before) - end + right]
    part_after = after[left : len(after) - end + right]
    try:
        groups: Iterable[Iterable[tuple[str, int, int, int, int]]] = [
            [(tag, i1 + left, i2 + left, j1 + left, j2 + left) for tag, i1, i2, j1, j2 in group]
            for group in _Matcher(None, part_before, part_after, autojunk=False).get_grouped_opcodes(_AROUND)
        ]
    except _TooMuch:
        codes = [("replace", start, len(before) - end, start, len(after) - end)]
        groups = [[("equal", left, start, left, start), *codes]]
    shown = 0
    for group in groups:
        for tag, i1, i2, j1, j2 in group:
            if i1 > shown and tag == "equal":
                yield DiffLine("gap")
            if tag == "equal":
                for offset in range(i2 - i1):
                    text = _shown(before[i1 + offset], is_changed=False)
                    yield DiffLine("kept", text, i1 + offset + 1, j1 + offset + 1)
            else:
                for number in range(i1, i2):
                    yield DiffLine("removed", _shown(before[number], is_changed=True), old=number + 1)
                for number in range(j1, j2):
                    yield DiffLine("added", _shown(after[number], is_changed=True), new=number + 1)
            shown = i2
    if shown < len(before):
        yield DiffLine("gap")


def _lines(text: str) -> list[str]:
    return _LINE.findall(text)


def _shown(line: str, *, is_changed: bool) -> str:
    """Return a line cut to what a page holds; that a last line has no end is told only where it was changed."""
    text = line.removesuffix("\n").replace("\r", "␍")
    text = text if len(text) <= _MAX_LINE_LENGTH else f"{text[:_MAX_LINE_LENGTH]}…"
    return f"{text}  (no line end)" if is_changed and not line.endswith("\n") else text
