"""Why a preview fails, thing by thing: what is missing, where in the template, and which page mends it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from bootstrap_project.rendering.analysis.variables import first_slot_reads
from bootstrap_project.rendering.errors import OutputInvalid, RenderError, TemplateInvalid
from bootstrap_project.rendering.renderer import validate_template
from bootstrap_project.slots import BindingSlot
from enrollments.device_config.assemble import read_slots
from enrollments.device_config.records import ProfileRecord
from profiles.models import TemplateFormat

_SLOT: Final = re.compile(r'\(?(?:\$?\.Bindings\.(\w+)|index \$?\.Bindings "((?:[^"\\]|\\.)+)"\)?)(.*)')
_OUTPUT_PLACE: Final = re.compile(r" ?\bat line (\d+), column (\d+) of the output")
#: Characters of a line that are shown around a place.
_ROOM: Final = 120


class FixKind(Enum):
    """Which page mends a problem."""

    VARIABLES = "variables"
    DEFAULTS = "defaults"
    TEMPLATE = "template"
    SLOTS = "slots"
    BIND = "bind"
    REFRESH = "refresh"
    CLIENT_KEY = "client key"


@dataclass(frozen=True, slots=True)
class Fix:
    """One way to mend a problem; `slot` is the slot that it is about, if any."""

    kind: FixKind
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a device from its configuration. `text` may hold words between backticks: code.

    `line` and `column` count from 1 in the template, or in the output where `in_output`; 0 where there is no place.
    """

    text: str
    line: int = 0
    column: int = 0
    excerpt: str = ""
    caret: str = ""
    in_output: bool = False
    fixes: tuple[Fix, ...] = ()
    slot: str = ""


def problems_of(
    error: RenderError, *, template: str, slots: str, output: str = "", quotes_nothing: bool = False
) -> tuple[Problem, ...]:
    """Return what `error` is about: every value that is missing, or the one place where template or text breaks.

    Shape: `slots` is the profile's stored text; `output` is the text that breaks its format, with secrets masked.
    With `quotes_nothing` only places and the template's own words are told, for errors that may quote a secret.
    """
    if isinstance(error, OutputInvalid):
        place = _OUTPUT_PLACE.search(error.detail)
        line, column = (int(place[1]), int(place[2])) if place else (0, 0)
        text = _OUTPUT_PLACE.sub("", error.detail)
        return (_problem(text, output, line, column, 1, (Fix(FixKind.TEMPLATE),), in_output=True),)
    # Only rendering knows the classes of the template engine.
    cause: Any = error.__cause__
    declared = {slot.name: slot for slot in read_slots(slots)}
    missing = getattr(cause, "missing", ())
    if missing:
        found = [_missing(one, template, declared) for one in missing]
        if quotes_nothing:
            told = zip(found, missing, strict=True)
            found = [
                replace(problem, text=f"`{one.expression}` is missing.")
                for problem, one in told
                if one.expression in template
            ]
        if found:
            return tuple(found)
    if not getattr(cause, "line", 0):
        return (Problem(error.message if quotes_nothing else error.detail, fixes=(Fix(FixKind.TEMPLATE),)),)
    text = f"{cause.reason}. {cause.hint}" if cause.hint else cause.reason
    fixes: tuple[Fix, ...] = (Fix(FixKind.TEMPLATE),)
    if not isinstance(error, TemplateInvalid):
        fixes = (*fixes, Fix(FixKind.VARIABLES))
    text = error.message if quotes_nothing else text
    return (_problem(text, template, cause.line, cause.column, cause.place.width, fixes),)


def is_at_same_place(one: RenderError, other: RenderError) -> bool:
    """Tell whether two errors are about the same place of a template, or both about the text it gives."""
    if type(one) is not type(other):
        return False
    places: list[Any] = [one.__cause__, other.__cause__]
    first, second = ((getattr(place, "line", 0), getattr(place, "column", 0)) for place in places)
    return first == second


def unbound_problems(
    profile: ProfileRecord, missing: Sequence[str], others: Iterable[Problem] = ()
) -> tuple[Problem, ...]:
    """Return a problem for each of the `missing` slots, at the first place that reads it, and then the `others`."""
    rest = list(others)
    places = _first_reads(profile)
    kinds = {slot.name: slot.type for slot in read_slots(profile.binding_slots)}
    problems: list[Problem] = []
    for name in missing:
        text = f"Slot `{name}` is required and nothing is bound to it: bind a {kinds[name]}."
        fixes = (Fix(FixKind.BIND, name),)
        line, column, width = places.get(name, (0, 0, 1))
        problem = _problem(text, profile.content_template, line, column, width, fixes)
        problems.append(replace(problem, slot=name))
    # A slot is told once, whatever number of places read it.
    problems += [one for one in rest if one.slot not in missing]
    return tuple(sorted(problems, key=lambda one: (one.line, one.column)))


def _first_reads(profile: ProfileRecord) -> dict[str, tuple[int, int, int]]:
    """Return line, column and width of the first place of each slot that the template reads by name."""
    if profile.template_format == TemplateFormat.RAW:
        return {}
    try:
        validate_template(template_format=profile.template_format, content_template=profile.content_template)
    except TemplateInvalid:
        return {}
    places = first_slot_reads(profile.content_template)
    return {slot: (place.line, place.column, place.width) for slot, place in places.items()}


def _missing(missing: Any, template: str, declared: dict[str, BindingSlot]) -> Problem:
    fixes, slot, text = _fixes(missing.expression), "", missing.hint
    match = _SLOT.match(missing.expression)
    if match:
        name, below = match[1] or json.loads(f'"{match[2]}"'), match[3]
        known = declared.get(name)
        if known is None:
            text = f"The profile declares no slot `{name}`: declare it there, or correct the name in the template."
            fixes = (Fix(FixKind.SLOTS), Fix(FixKind.TEMPLATE))
        elif below.strip(")"):
            fixes = (Fix(FixKind.REFRESH), Fix(FixKind.BIND, name), Fix(FixKind.SLOTS))
        else:
            slot = name
            text = f"Slot `{name}` is not bound: bind a {known.type}, or let the template ask for it with `if`."
            fixes = (Fix(FixKind.BIND, name), Fix(FixKind.TEMPLATE))
    problem = _problem(text, template, missing.line, missing.column, len(missing.expression), fixes)
    return replace(problem, slot=slot)


def _fixes(expression: str) -> tuple[Fix, ...]:
    if ".Vars" in expression or expression.startswith("required "):
        return (Fix(FixKind.VARIABLES), Fix(FixKind.DEFAULTS), Fix(FixKind.TEMPLATE))
    return (Fix(FixKind.TEMPLATE), Fix(FixKind.VARIABLES))


def _problem(
    text: str, source: str, line: int, column: int, width: int, fixes: tuple[Fix, ...], *, in_output: bool = False
) -> Problem:
    """Return a problem with its line, cut around the place, and the caret that goes below it."""
    lines = source.split("\n")
    if not 0 < line <= len(lines):
        return Problem(text, fixes=fixes, in_output=in_output)
    whole, offset = lines[line - 1].rstrip("\r"), max(0, column - 1)
    start = 0 if offset < _ROOM * 3 // 4 else offset - _ROOM // 2
    shown = whole[start : start + _ROOM]
    before = shown[: offset - start]
    # Tabs stay tabs, so that the caret stands right whatever their width.
    pad = "".join("\t" if character == "\t" else " " for character in before)
    caret = f"{pad}{'^' * max(1, min(width, len(shown) - len(before)))}"
    excerpt = f"{'…' if start else ''}{shown}{'…' if start + _ROOM < len(whole) else ''}"
    return Problem(text, line, column, excerpt, f"{' ' if start else ''}{caret}", in_output, fixes)
