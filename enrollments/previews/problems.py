"""Why a preview fails, thing by thing: what is missing, where in the template, and which page fixes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from bootstrap_project.diagnostics import NOWHERE, Diagnostic, Excerpt, Location, excerpt
from bootstrap_project.rendering.analysis.variables import first_slot_reads
from bootstrap_project.rendering.errors import OutputInvalid, RenderError, TemplateInvalid
from bootstrap_project.rendering.renderer import validate_template
from bootstrap_project.slots import BindingSlot
from enrollments.device_config.assemble import read_slots
from enrollments.device_config.records import ProfileRecord
from profiles.models import TemplateFormat

_NO_EXCERPT: Final = Excerpt("", "")


class FixKind(Enum):
    """Which page fixes a problem."""

    VARIABLES = "variables"
    DEFAULTS = "defaults"
    TEMPLATE = "template"
    SLOTS = "slots"
    BIND = "bind"
    REFRESH = "refresh"
    CLIENT_KEY = "client key"


@dataclass(frozen=True, slots=True)
class Fix:
    """One way to fix a problem; `slot` is the slot that it is about, if any."""

    kind: FixKind
    slot: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a device from its configuration, and the ways to fix it.

    `excerpt` is the line of the template that it is in, or of the output where `in_output`.
    """

    diagnostic: Diagnostic
    fixes: tuple[Fix, ...] = ()
    excerpt: Excerpt = _NO_EXCERPT
    in_output: bool = False


def problems_of(
    error: RenderError, *, template: str, slots: str, output: str = "", redact: bool = False
) -> tuple[Problem, ...]:
    """Return what `error` is about: every value that is missing, or the one place where template or text breaks.

    Shape: `slots` is the profile's stored text; `output` is the text that breaks its format, with secrets masked.
    With `redact` they are places and the template's own words alone, for errors that may quote a secret.
    """
    if isinstance(error, OutputInvalid):
        fixes = (Fix(FixKind.TEMPLATE),)
        return tuple(
            Problem(one, fixes, excerpt(output, one.location), in_output=bool(one.location.line))
            for one in error.diagnostics
        )
    declared = {slot.name: slot for slot in read_slots(slots)}
    missing = [one for one in error.diagnostics if one.code == "missing"]
    found = [
        _missing(one, template, declared, redact=redact) for one in missing if not redact or one.expression in template
    ]
    return tuple(found) or (_failure(error, template, redact=redact),)


def is_at_same_place(one: RenderError, other: RenderError) -> bool:
    """Return whether two errors are about the same place of a template, or both about the text it gives."""
    return type(one) is type(other) and (isinstance(one, OutputInvalid) or one.location == other.location)


def unbound_problems(
    profile: ProfileRecord, missing: Sequence[str], others: Iterable[Problem] = ()
) -> tuple[Problem, ...]:
    """Return a problem for each of the `missing` slots, at the first place that reads it, and then the `others`."""
    template = profile.content_template
    places = _first_reads(profile)
    kinds = {slot.name: slot.type for slot in read_slots(profile.binding_slots)}
    problems: list[Problem] = []
    for name in missing:
        message = f"Slot `{name}` is required and nothing is bound to it: bind a {kinds[name]}."
        diagnostic = Diagnostic("unbound", "error", message, "", places.get(name, NOWHERE), ("Bindings", name))
        problems.append(Problem(diagnostic, (Fix(FixKind.BIND, name),), excerpt(template, diagnostic.location)))
    # A slot is reported once, whatever number of places read it.
    unbound = {("Bindings", name) for name in missing}
    problems += [one for one in others if one.diagnostic.path not in unbound]
    return tuple(sorted(problems, key=_place))


def _place(problem: Problem) -> tuple[int, int]:
    return problem.diagnostic.location.line, problem.diagnostic.location.column


def _first_reads(profile: ProfileRecord) -> Mapping[str, Location]:
    """Return the first place of each slot that the template reads by name."""
    if profile.template_format == TemplateFormat.RAW:
        return {}
    try:
        validate_template(template_format=profile.template_format, content_template=profile.content_template)
    except TemplateInvalid:
        return {}
    return first_slot_reads(profile.content_template)


def _missing(missing: Diagnostic, template: str, declared: Mapping[str, BindingSlot], *, redact: bool) -> Problem:
    diagnostic = missing
    fixes: tuple[Fix, ...] = (Fix(FixKind.TEMPLATE), Fix(FixKind.VARIABLES))
    match missing.path:
        case ("Bindings", name) if name in declared:
            kind = declared[name].type
            message = f"Slot `{name}` is not bound: bind a {kind}, or let the template ask for it with `if`."
            diagnostic = replace(missing, message=message, hint="")
            fixes = (Fix(FixKind.BIND, name), Fix(FixKind.TEMPLATE))
        case ("Bindings", name, *_) if name in declared:
            fixes = (Fix(FixKind.REFRESH), Fix(FixKind.BIND, name), Fix(FixKind.SLOTS))
        case ("Bindings", name, *_):
            message = f"The profile declares no slot `{name}`: declare it there, or correct the name in the template."
            diagnostic = replace(missing, message=message, hint="")
            fixes = (Fix(FixKind.SLOTS), Fix(FixKind.TEMPLATE))
        case ("Vars", *_):
            fixes = (Fix(FixKind.VARIABLES), Fix(FixKind.DEFAULTS), Fix(FixKind.TEMPLATE))
    if redact:
        diagnostic = replace(diagnostic, message=f"`{missing.expression}` is missing.", hint="")
    return Problem(diagnostic, fixes, excerpt(template, diagnostic.location))


def _failure(error: RenderError, template: str, *, redact: bool) -> Problem:
    """Return the place where a template broke off."""
    if not error.location.line:
        words = error.message if redact else error.detail
        return Problem(Diagnostic("failed", "error", words), (Fix(FixKind.TEMPLATE),))
    shown = next((one for one in error.diagnostics if one.code != "missing" and not redact), None)
    diagnostic = shown or Diagnostic("failed", "error", error.message, location=error.location)
    others = () if isinstance(error, TemplateInvalid) else (Fix(FixKind.VARIABLES),)
    return Problem(diagnostic, (Fix(FixKind.TEMPLATE), *others), excerpt(template, diagnostic.location))
