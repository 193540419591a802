"""Rules about variables: what must be set, what may be missing, what nobody reads."""

from __future__ import annotations

from collections.abc import Iterator

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.gotemplate import quote
from bootstrap_project.rendering.analysis.facts import Printed
from bootstrap_project.rendering.analysis.paths import VARS, Path, Step
from bootstrap_project.rendering.analysis.values import Access, AccessMode, Guard, Kind
from bootstrap_project.rendering.lint.rule import (
    LintContext,
    Presence,
    backticked,
    in_order,
    index_expression,
    rule,
    warning,
)
from bootstrap_project.slots import RESOURCE_KINDS


@rule("required-variable", "Devices that do not set it get nothing.")
def required_variable(context: LintContext) -> Iterator[Diagnostic]:
    """Find a variable that the render cannot do without and the defaults do not have."""
    seen: set[Path] = set()
    # What every device needs comes first: a variable is reported once, by its most demanding read.
    for access in sorted(in_order(context.facts.accesses), key=lambda access: access.is_conditional):
        path = _needed(access)
        if path is None:
            continue
        found = context.find(path)
        missing = path[: found.steps]
        if _is_told_elsewhere(context, missing):
            continue
        if found.presence is not Presence.MISSING or missing in seen or Step.ITEM in path[found.steps :]:
            # Where the list itself is missing, the read of the list reports it.
            continue
        seen.add(missing)
        name = missing[-1] if isinstance(missing[-1], str) else ""
        hint = f"Set it in the profile's defaults or in every device's render_context{_alike(context, missing, name)}"
        if access.is_tested:
            hint += f" To ask whether it is set, write `if {index_expression(missing)}`."
        yield context.warning(access.node, _demand(missing, access), hint)
    yield from _null_defaults(context, seen)


def _needed(access: Access) -> Path | None:
    """Return what must be there for a read to succeed; None where that is nothing, or is seen to."""
    if access.path[:1] != VARS or not access.reachable or access.guard is not Guard.NONE:
        return None
    if access.mode is AccessMode.FIELD:
        return access.path
    return access.path[:-1] if access.mode is AccessMode.INDEX and len(access.path) > 2 else None


def _is_told_elsewhere(context: LintContext, missing: Path) -> bool:
    """Return whether what `missing` is read of has no members at all, or is a dot that was taken for the root."""
    if len(missing) > 2 and context.path_kind(missing[:-1]) not in {None, Kind.MAP}:
        return True
    lost_dots = context.facts.lost_dots
    return any(missing[:-1] == lost.dot.path and missing[-1:] == lost.node.ident[:1] for lost in lost_dots)


def _demand(missing: Path, access: Access) -> str:
    if Step.ITEM in missing:
        return (
            f"{backticked(missing)} must be set in every item: one of those in the defaults does not have it, and"
            " fails."
        )
    devices = "every device that this part is rendered for" if access.is_conditional else "every device"
    return (
        f"{backticked(missing)} must be set on {devices}: the defaults do not have it, and without it the render fails."
    )


def _alike(context: LintContext, path: Path, name: str) -> str:
    return context.suggestion(name, context.defaults) or "." if len(path) == 2 else "."


def _null_defaults(context: LintContext, seen: set[Path]) -> Iterator[Diagnostic]:
    for printed in context.facts.printed:
        path = printed.value.nil
        if path is None or path[:1] != VARS or not printed.value.strict or not printed.reachable or path in seen:
            continue
        if context.find(path).presence is Presence.NULL:
            seen.add(path)
            yield context.warning(
                printed.node,
                f"{backticked(path)} must be set on every device: it is null in the defaults, and printing null fails.",
                "Give it a value in the profile's defaults or in every device's render_context.",
            )


@rule("index-without-default", "Printing a missing value fails.")
def index_without_default(context: LintContext) -> Iterator[Diagnostic]:
    """Find a value read by `index` that may be missing, printed without `default` or `required`."""
    for printed in context.facts.printed:
        path = printed.value.nil
        if path is None or printed.value.strict or not printed.reachable:
            continue
        reason = _variable_may_be_nil(context, path, printed) or _key_may_be_nil(context, path, printed)
        if reason:
            yield context.warning(
                printed.node,
                f"{backticked(path)} may be missing: {reason}; then there is nothing to print, and the render fails.",
                f"Write `{index_expression(path)} | default …`, or `| required {quote(str(path[-1]))}` if it must be"
                " there.",
            )


def _variable_may_be_nil(context: LintContext, path: Path, printed: Printed) -> str:
    if path[:1] != VARS:
        return ""
    found, access = context.find(path), printed.value.access
    if found.presence is Presence.THERE or _is_told_elsewhere(context, path[: found.steps]):
        return ""
    if found.presence is Presence.NULL:
        return "it is null in the defaults"
    if found.steps < len(path) and access is not None and access.guard is Guard.NONE:
        # What it goes through is missing already, which another rule reports.
        return ""
    return "the defaults do not have it"


def _key_may_be_nil(context: LintContext, path: Path, printed: Printed) -> str:
    slot = context.slot(path)
    if slot is None or len(path) < 4:
        return ""
    if path[2] != "Secret" and path[3] not in RESOURCE_KINDS[slot.type].snapshot_keys:
        # Another rule says that it never is.
        return ""
    if slot.fields is not None and path[3] not in slot.fields:
        return ""
    access = printed.value.access
    if not slot.required and not (access is not None and access.owner_is_certain):
        return "the slot is optional"
    return f"not every {slot.type} has it" if path[3] in RESOURCE_KINDS[slot.type].optional_keys else ""


@rule("default-too-late", "The field fails before its fallback is asked.")
def default_too_late(context: LintContext) -> Iterator[Diagnostic]:
    """Find a field that fails where it is missing, before `default` or `or` is asked."""
    for fallback in context.facts.fallbacks:
        path = fallback.path
        if fallback.reachable and _may_fail(context, path):
            yield context.warning(
                fallback.node,
                f"{backticked(path)} fails where it is missing, before `{fallback.function}` is asked.",
                f"Read it with index: `{index_expression(path)}`.",
            )


def _may_fail(context: LintContext, path: Path) -> bool:
    if path[:1] == VARS:
        return context.find(path).presence is Presence.MISSING
    slot = context.slot(path)
    if slot is None:
        return False
    return not slot.required or (len(path) > 3 and path[3] in RESOURCE_KINDS[slot.type].optional_keys)


@rule("unused-default", "A default that nothing reads is often a misspelt one.")
def unused_default(context: LintContext) -> Iterator[Diagnostic]:
    """Find a default that no part of the template reads."""
    if context.is_open(VARS):
        return
    used = {access.path[1] for access in context.facts.accesses if access.path[:1] == VARS and len(access.path) > 1}
    if any(isinstance(name, Step) for name in used):
        return
    for name in context.defaults:
        if name not in used:
            path = ("Vars", name)
            yield warning(
                f"The template never reads the default {quote(name[:80])}.",
                "Use it or remove it; check that the template does not spell it differently.",
                expression=backticked(path).strip("`"),
            )
