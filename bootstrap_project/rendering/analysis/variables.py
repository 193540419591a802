"""What a template reads by name: variables, with those that it cannot do without, and slots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bootstrap_project.diagnostics import Location
from bootstrap_project.gotemplate import TemplateSyntaxError
from bootstrap_project.rendering.analysis.paths import Path, is_slot, leading_names
from bootstrap_project.rendering.analysis.values import Access, AccessMode, Guard
from bootstrap_project.rendering.analysis.walker import analyze

#: Several calls of a template may reach one place; the guard that protects least counts.
_WEAKEST: Final = (Guard.NONE, Guard.DEFAULT, Guard.CONDITION, Guard.REQUIRED)


@dataclass(frozen=True, slots=True)
class VariableUse:
    """A variable that a template reads: `path` are the names below `.Vars`, `lines` where it is read.

    Without `is_needed`, the template does something sensible where there is no such variable.
    """

    path: tuple[str, ...]
    is_needed: bool
    lines: tuple[int, ...]

    def joined(self, other: VariableUse) -> VariableUse:
        """Return both uses as one, under the path of this one."""
        lines = tuple(sorted({*self.lines, *other.lines}))
        return VariableUse(self.path, self.is_needed or other.is_needed, lines)


@dataclass(frozen=True, slots=True)
class VariableUses:
    """All variables that a template reads; with `reads_others`, also some that it does not name."""

    variables: tuple[VariableUse, ...] = ()
    reads_others: bool = False


def find_variables(source: str) -> VariableUses | None:
    """Return the variables that the template `source` reads; None where it does not parse.

    Shape: nothing is asked of a list's items: what `range` walks is needed, not what is inside.
    Cost: as `analyze`.
    """
    try:
        facts = analyze(source)
    except (TemplateSyntaxError, RecursionError):
        return None
    found: dict[tuple[str, ...], VariableUse] = {}
    for use in (use for access in _weakest(facts.accesses) for use in _uses(access, facts.location(access.node).line)):
        found[use.path] = use.joined(found.get(use.path, use))
    others = any(access.path == ("Vars",) for access in facts.accesses if not access.is_named)
    return VariableUses(tuple(found[path] for path in sorted(found)), others or not facts.is_complete)


def _weakest(accesses: Iterable[Access]) -> Iterable[Access]:
    """Return one access of each variable at each place."""
    found: dict[tuple[Path, int, AccessMode], Access] = {}
    for access in accesses:
        if access.is_named and access.path[0] == "Vars":
            key = (access.path, access.node.start, access.mode)
            found[key] = min(found.get(key, access), access, key=lambda one: _WEAKEST.index(one.guard))
    return found.values()


def _uses(access: Access, line: int) -> Iterator[VariableUse]:
    path = leading_names(access.path[1:])
    if not path:
        return
    lines = (line,)
    if access.guard is Guard.CONDITION:
        yield VariableUse(path, False, lines)
        return
    # A field fails before `default` is asked. `index` finds nothing instead; what it goes through must be there.
    is_strict = access.mode is AccessMode.FIELD or len(path) < len(access.path) - 1
    yield VariableUse(path, is_strict or access.guard is Guard.REQUIRED, lines)
    if not is_strict and len(path) > 1:
        yield VariableUse(path[:-1], True, lines)


def first_slot_reads(source: str) -> dict[str, Location]:
    """Return the first place of each slot that the template `source` reads by name.

    Raises: gotemplate's TemplateSyntaxError.
    Cost: as `analyze`.
    """
    facts = analyze(source)
    first: dict[str, Location] = {}
    for access in sorted(facts.accesses, key=lambda access: access.node.start):
        if access.is_named and is_slot(access.path) and isinstance(access.path[1], str):
            first.setdefault(access.path[1], facts.location(access.node))
    return first
