"""Which variables a template cannot do without, and which it may read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bootstrap_project.gotemplate import TemplateSyntaxError
from bootstrap_project.rendering.analysis.analyze import analyze
from bootstrap_project.rendering.analysis.model import Access, Guard, Use

_ANY_ITEM: Final = "[]"


@dataclass(frozen=True, slots=True)
class Need:
    """A variable that a template reads: `path` are the names below `.Vars`, `lines` where it is read.

    Without `is_needed`, the template does something sensible where there is no such variable.
    """

    path: tuple[str, ...]
    is_needed: bool
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a template reads of its variables; with `reads_others`, also some that it does not name."""

    variables: tuple[Need, ...] = ()
    reads_others: bool = False


def find_needs(source: str) -> Needs | None:
    """Return the variables that the template `source` reads; None where it does not parse.

    Shape: of a list's items nothing is asked: what `range` walks is needed, not what is inside.
    Cost: as `analyze`.
    """
    try:
        analysis = analyze(source)
    except (TemplateSyntaxError, RecursionError):
        return None
    found: dict[tuple[str, ...], Need] = {}
    for need in (need for use in analysis.variables for need in _needs(use)):
        known = found.get(need.path, need)
        lines = tuple(sorted({*known.lines, *need.lines}))
        found[need.path] = Need(need.path, known.is_needed or need.is_needed, lines)
    others = any(found.path == ("Vars",) for found in analysis.open_reads)
    return Needs(tuple(found[path] for path in sorted(found)), others or not analysis.is_complete)


def _needs(use: Use) -> Iterator[Need]:
    path = use.path[: use.path.index(_ANY_ITEM)] if _ANY_ITEM in use.path else use.path
    if not path:
        return
    for read in use.reads:
        if read.guard is Guard.CONDITION:
            yield Need(path, False, (read.line,))
            continue
        # A field fails before `default` is asked. `index` finds nothing instead; what it goes through must be there.
        is_field = read.access is Access.FIELD or path != use.path
        yield Need(path, is_field or read.guard is Guard.REQUIRED, (read.line,))
        if not is_field and len(path) > 1:
            yield Need(path[:-1], True, (read.line,))
