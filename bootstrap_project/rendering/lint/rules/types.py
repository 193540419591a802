"""Rules about types: what has no members, and what cannot be compared, counted or walked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.gotemplate import quote
from bootstrap_project.rendering.analysis.facts import MemberRead, TypedCall
from bootstrap_project.rendering.analysis.paths import Step
from bootstrap_project.rendering.analysis.values import Kind, Value
from bootstrap_project.rendering.lint.rule import LintContext, backticked, rule

_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.FLOAT})
_NOT_ORDERED: Final = frozenset({Kind.BOOL, Kind.LIST, Kind.MAP})
#: By a function's name: what it does, and the kinds that it cannot do it with.
_REFUSED: Final = {
    "len": ("has no length", frozenset({Kind.INTEGER, Kind.FLOAT, Kind.BOOL})),
    "range": ("cannot be ranged over", frozenset({Kind.STRING, Kind.FLOAT, Kind.BOOL})),
}


@rule("no-members", "Only maps have members by name, and only lists by number.")
def no_members(context: LintContext) -> Iterator[Diagnostic]:
    """Find a member that is read of a value whose type has none such."""
    lost = {id(one.node) for one in context.facts.lost_dots}
    for read in context.facts.member_reads:
        if id(read.node) in lost:
            continue
        kind = context.kind(read.owner)
        if not read.reachable or kind is None:
            continue
        problem = _misread(context, read, kind)
        if problem is not None:
            yield context.warning(read.node, *problem)


def _misread(context: LintContext, read: MemberRead, kind: Kind) -> tuple[str, str] | None:
    """Return what is wrong with the read of a member and what to do; None where nothing is."""
    name = _named(read.owner)
    if isinstance(read.key, Value):
        key = context.kind(read.key)
        if kind is Kind.LIST and key not in {None, Kind.INTEGER}:
            return (
                f"{name} is a list, and its items have numbers.",
                f"Write `{_indexed(read.owner, '0')}`.",
            )
        if kind is Kind.MAP and key not in {None, Kind.STRING}:
            return f"{name} is a map, and its members have names.", f"Write `{_indexed(read.owner, quote('name'))}`."
        if kind is Kind.STRING and key not in {None, Kind.INTEGER}:
            return f"{name} is a text and has no members.", "Print it as it is, or take a part of it with `slice`."
    elif kind is Kind.LIST:
        return f"{name} is a list and has no member {quote(read.key)}.", (
            f"Read it of an item: inside `range`, or with `(index {_expression(read.owner)} 0).{read.key}`."
        )
    elif kind is Kind.STRING:
        return f"{name} is a text and has no members.", f"Leave `.{read.key}` out, or read it of a map."
    if kind in {Kind.INTEGER, Kind.FLOAT, Kind.BOOL}:
        return f"{name} is {_a(kind)} and has no members.", "Print it as it is, or read the member of a map."
    return None


@rule("type-mismatch", "Values of other types fail the render.")
def type_mismatch(context: LintContext) -> Iterator[Diagnostic]:
    """Find a comparison of two types that differ, and what cannot be counted or walked."""
    for call in context.facts.typed_calls:
        kinds = [context.kind(value) for value in call.args]
        problem = _misfit(call, kinds)
        if problem is not None:
            yield context.warning(call.node, *problem)


def _misfit(call: TypedCall, kinds: list[Kind | None]) -> tuple[str, str] | None:
    if call.function == "printf":
        if kinds and kinds[0] not in {None, Kind.STRING}:
            return f"The format of printf is {_a(kinds[0])} here.", 'Begin with a text in ": `printf "%v" …`.'
        return None
    if call.function in _REFUSED:
        effect, refused = _REFUSED[call.function]
        if kinds and kinds[0] in refused:
            hint = "Ask for the value itself." if call.function == "len" else "Print it, or make a list of it."
            return f"{_named(call.args[0])} is {_a(kinds[0])} and {effect}.", hint
        return None
    is_order = call.function not in {"eq", "ne"}
    left, *others = zip(call.args, kinds, strict=True) if call.args else [(None, None)]
    for right in others:
        pair = {left[1], right[1]}
        bad = next((value for value, kind in (left, right) if kind in _NOT_ORDERED), None) if is_order else None
        if bad is not None:
            return f"{_named(bad)} cannot be put in an order.", "Compare numbers, or texts."
        if None in pair or pair <= _NUMBERS or len(pair) == 1:
            continue
        return (
            f"This compares {_a(left[1])} with {_a(right[1])}, which fails.",
            _same_kind(call, left, right) or 'Make texts of both with `printf "%v"`.',
        )
    return None


def _same_kind(call: TypedCall, left: tuple[Value | None, Kind | None], right: tuple[Value | None, Kind | None]) -> str:
    """Return the advice to write a literal in the type of what it is compared with; "" where that cannot be."""
    subject, literal = (right[0], left) if left[0] is not None and left[0].constant is not None else (left[0], right)
    if subject is None or literal[0] is None or literal[0].constant is None or subject.constant is not None:
        return ""
    wanted = right[1] if literal is left else left[1]
    constant = literal[0].constant
    if wanted is Kind.STRING and not isinstance(constant, bool):
        written = quote(str(constant))
    elif wanted is Kind.STRING:
        written = quote(str(constant).lower())
    elif isinstance(constant, str) and _is_literal_of(wanted, constant):
        written = constant
    else:
        return ""
    name = _expression(subject)
    return f"Write `{call.function} {f'{written} {name}' if literal is left else f'{name} {written}'}`."


def _is_literal_of(kind: Kind | None, text: str) -> bool:
    if kind is Kind.BOOL:
        return text in {"true", "false"}
    return kind in _NUMBERS and text.removeprefix("-").replace(".", "", 1).isdecimal() and text[:1].isascii()


def _named(value: Value) -> str:
    return backticked(value.path) if value.path else "This"


def _expression(value: Value) -> str:
    if value.path is None or any(isinstance(step, Step) for step in value.path):
        return "…"
    return backticked(value.path).strip("`")


def _indexed(value: Value, key: str) -> str:
    return f"index {_expression(value)} {key}"


def _a(kind: Kind | None) -> str:
    names = {Kind.STRING: "a text", Kind.INTEGER: "an integer", Kind.FLOAT: "a number", Kind.BOOL: "true or false"}
    return names.get(kind, f"a {kind}") if kind is not None else "unknown"
