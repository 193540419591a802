"""The variables that a device's template sees, each with where it comes from, and those that nobody defines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from bootstrap_project.rendering.analysis.paths import dotted
from bootstrap_project.rendering.analysis.variables import VariableUse, VariableUses, find_variables
from bootstrap_project.rendering.suggestions import Suggestions
from profiles.models import Profile, TemplateFormat

#: More rows than this nobody reads; a context may have a hundred thousand.
MAX_ROWS: Final = 300
_VALUE_LENGTH: Final = 160


class Origin(StrEnum):
    """Where a variable comes from."""

    DEFAULT = "default"
    DEVICE = "device"
    OVERRIDDEN = "overridden"
    MISSING = "missing"
    """The template needs it, and nobody defines it: the render fails."""
    UNSET = "unset"
    """The template reads it, and can do without."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A row: a variable's name, value and origin, and what the profile has under it where the device overrides that.

    Shape: values are JSON, cut to a length; `lines` are the template's that read it; `alike` is a variable that may
    have been meant.
    """

    name: str
    origin: Origin
    value: str = ""
    default: str = ""
    lines: tuple[int, ...] = ()
    is_unread: bool = False
    alike: str = ""


@dataclass(frozen=True, slots=True)
class VariableTable:
    """All the rows: those that are missing first, then the others by name; `left_out` is how many are not shown."""

    rows: tuple[Variable, ...]
    left_out: int = 0
    is_parsed: bool = True
    """False where the template does not parse: nothing is known of what it reads."""

    @property
    def missing(self) -> tuple[Variable, ...]:
        """Return the variables without which the render fails."""
        return tuple(row for row in self.rows if row.origin is Origin.MISSING)


def effective_variables(*, profile: Profile | None, render_context: Mapping[str, Any]) -> VariableTable:
    """Return the variables of a device: the profile's defaults with the device's own over them, key by key.

    Cost: no queries; one analysis of the template.
    """
    defaults: Mapping[str, Any] = profile.defaults if profile else {}
    uses = _variables_of(profile)
    known = uses or VariableUses(reads_others=True)
    merged = {**defaults, **render_context}
    missing = list(_missing(known, merged))
    lines: dict[str, set[int]] = {}
    for use in known.variables:
        lines.setdefault(use.path[0], set()).update(use.lines)
    # Without a profile nothing is rendered; a variable is then not unread but of no use yet.
    asks = profile is not None and not known.reads_others
    present = [
        Variable(
            name=name,
            origin=_origin(name, defaults, render_context),
            value=shown(merged[name]),
            default=shown(defaults[name]) if name in defaults and name in render_context else "",
            lines=tuple(sorted(lines.get(name, ()))),
            is_unread=asks and name not in lines,
        )
        for name in sorted(merged)[:MAX_ROWS]
    ]
    return VariableTable(
        tuple(missing[:MAX_ROWS] + present),
        left_out=max(0, len(merged) - MAX_ROWS),
        is_parsed=uses is not None,
    )


def shown(value: Any) -> str:
    """Return `value` as JSON on one line, cut to a length."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_LENGTH else f"{text[: _VALUE_LENGTH - 1]}…"


def _variables_of(profile: Profile | None) -> VariableUses | None:
    # The template of a raw profile is no template.
    if profile is None or profile.template_format == TemplateFormat.RAW:
        return VariableUses()
    return find_variables(profile.content_template)


def _origin(name: str, defaults: Mapping[str, Any], render_context: Mapping[str, Any]) -> Origin:
    if name not in render_context:
        return Origin.DEFAULT
    return Origin.OVERRIDDEN if name in defaults else Origin.DEVICE


def _missing(uses: VariableUses, merged: Mapping[str, Any]) -> Iterator[Variable]:
    """Yield what the template reads and nobody defines, what it needs before what it can do without."""
    found: dict[tuple[str, ...], VariableUse] = {}
    for use in uses.variables:
        path = _first_missing(use.path, merged)
        if path is not None:
            missing = replace(use, path=path)
            found[path] = missing.joined(found.get(path, missing))
    suggestions = Suggestions()
    for use in sorted(found.values(), key=lambda use: (not use.is_needed, use.path)):
        alike = suggestions.closest(use.path[0], merged) if len(use.path) == 1 else None
        yield Variable(
            name=dotted(use.path).removeprefix("."),
            origin=Origin.MISSING if use.is_needed else Origin.UNSET,
            lines=use.lines,
            alike=alike or "",
        )


def _first_missing(path: tuple[str, ...], merged: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the beginning of `path` that leads to nothing; None where all of it is there."""
    value: Any = merged
    for length, name in enumerate(path, start=1):
        if not isinstance(value, Mapping):
            # Not a map: that is another defect than a missing variable, and the preview tells it.
            return None
        if name not in value:
            return path[:length]
        value = value[name]
    return None
