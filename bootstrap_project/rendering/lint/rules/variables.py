"""Rules about variables: what must be set, what may be missing, what nobody reads."""

from __future__ import annotations

from collections.abc import Iterator

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.gotemplate.go.strconv import quote
from bootstrap_project.rendering.analysis.facts import Printed
from bootstrap_project.rendering.analysis.paths import VARS, Path, Step
from bootstrap_project.rendering.analysis.values import Access, Guard, Reading
from bootstrap_project.rendering.lint.resources import OPTIONAL_KEYS, SNAPSHOT_KEYS
from bootstrap_project.rendering.lint.rule import Presence, Subject, code, in_order, indexed, rule, warning


@rule("required-variable", "Devices that do not set it get nothing.")
def required_variable(subject: Subject) -> Iterator[Diagnostic]:
    """Find a variable that the render cannot do without and the defaults do not have."""
    seen: set[Path] = set()
    # What every device needs comes first: a variable is told once, by its most demanding read.
    for reading in sorted(in_order(subject.facts.readings), key=lambda reading: reading.is_conditional):
        path = _needed(reading)
        if path is None:
            continue
        found = subject.find(path)
        missing = path[: found.steps]
        if found.presence is not Presence.MISSING or missing in seen or Step.ITEM in path[found.steps :]:
            # What is missing of a list's items before the list itself is, is told by the read of the list.
            continue
        seen.add(missing)
        name = missing[-1] if isinstance(missing[-1], str) else ""
        hint = f"Set it in the profile's defaults or in every device's render_context{_alike(subject, missing, name)}"
        if reading.is_tested:
            hint += f" To ask whether it is set, write `if {indexed(missing)}`."
        yield subject.warning(reading.node, _demand(missing, reading), hint)
    yield from _null_defaults(subject, seen)


def _needed(reading: Reading) -> Path | None:
    """Return what must be there for a read to succeed; None where that is nothing, or is seen to."""
    if reading.path[:1] != VARS or not reading.reachable or reading.guard is not Guard.NONE:
        return None
    if reading.access is Access.FIELD:
        return reading.path
    return reading.path[:-1] if reading.access is Access.INDEX and len(reading.path) > 2 else None


def _demand(missing: Path, reading: Reading) -> str:
    if Step.ITEM in missing:
        return f"{code(missing)} must be set in every item: one of those in the defaults does not have it, and fails."
    devices = "every device that this part is rendered for" if reading.is_conditional else "every device"
    return f"{code(missing)} must be set on {devices}: the defaults do not have it, and without it the render fails."


def _alike(subject: Subject, path: Path, name: str) -> str:
    return subject.suggestion(name, subject.defaults) or "." if len(path) == 2 else "."


def _null_defaults(subject: Subject, seen: set[Path]) -> Iterator[Diagnostic]:
    for printed in subject.facts.printed:
        path = printed.value.nil
        if path is None or path[:1] != VARS or not printed.value.strict or not printed.reachable or path in seen:
            continue
        if subject.find(path).presence is Presence.NULL:
            seen.add(path)
            yield subject.warning(
                printed.node,
                f"{code(path)} must be set on every device: it is null in the defaults, and printing null fails.",
                "Give it a value in the profile's defaults or in every device's render_context.",
            )


@rule("index-without-default", "Printing a missing value fails.")
def index_without_default(subject: Subject) -> Iterator[Diagnostic]:
    """Find a value read by `index` that may be missing, printed without `default` or `required`."""
    for printed in subject.facts.printed:
        path = printed.value.nil
        if path is None or printed.value.strict or not printed.reachable:
            continue
        reason = _variable_may_be_nil(subject, path, printed) or _key_may_be_nil(subject, path, printed)
        if reason:
            yield subject.warning(
                printed.node,
                f"{code(path)} may be missing: {reason}; then there is nothing to print, and the render fails.",
                f"Write `{indexed(path)} | default …`, or `| required {quote(str(path[-1]))}` if it must be there.",
            )


def _variable_may_be_nil(subject: Subject, path: Path, printed: Printed) -> str:
    if path[:1] != VARS:
        return ""
    found, reading = subject.find(path), printed.value.reading
    if found.presence is Presence.THERE:
        return ""
    if found.presence is Presence.NULL:
        return "it is null in the defaults"
    if found.steps < len(path) and reading is not None and reading.guard is Guard.NONE:
        # What it goes through is missing already, which another rule tells.
        return ""
    return "the defaults do not have it"


def _key_may_be_nil(subject: Subject, path: Path, printed: Printed) -> str:
    slot = subject.slot(path)
    if slot is None or len(path) < 4:
        return ""
    if path[2] != "Secret" and path[3] not in SNAPSHOT_KEYS.get(slot.type, frozenset()):
        # Another rule says that it never is.
        return ""
    if slot.fields is not None and path[3] not in slot.fields:
        return ""
    reading = printed.value.reading
    if not slot.required and not (reading is not None and reading.owner_is_certain):
        return "the slot is optional"
    return f"not every {slot.type} has it" if path[3] in OPTIONAL_KEYS else ""


@rule("default-too-late", "The field fails before its fallback is asked.")
def default_too_late(subject: Subject) -> Iterator[Diagnostic]:
    """Find a field that fails where it is missing, before `default` or `or` is asked."""
    for fallback in subject.facts.fallbacks:
        path = fallback.path
        if fallback.reachable and _may_fail(subject, path):
            yield subject.warning(
                fallback.node,
                f"{code(path)} fails where it is missing, before `{fallback.function}` is asked.",
                f"Read it with index: `{indexed(path)}`.",
            )


def _may_fail(subject: Subject, path: Path) -> bool:
    if path[:1] == VARS:
        return subject.find(path).presence is Presence.MISSING
    slot = subject.slot(path)
    return slot is not None and (not slot.required or (len(path) > 3 and path[3] in OPTIONAL_KEYS))


@rule("unused-default", "A default that nothing reads is often a misspelt one.")
def unused_default(subject: Subject) -> Iterator[Diagnostic]:
    """Find a default that no part of the template reads."""
    if subject.is_open(VARS):
        return
    used = {reading.path[1] for reading in subject.facts.readings if reading.path[:1] == VARS and len(reading.path) > 1}
    if any(isinstance(name, Step) for name in used):
        return
    for name in subject.defaults:
        if name not in used:
            path = ("Vars", name)
            yield warning(
                f"The template never reads the default {quote(name[:80])}.",
                "Use it or remove it; check that the template does not spell it differently.",
                expression=code(path).strip("`"),
            )
