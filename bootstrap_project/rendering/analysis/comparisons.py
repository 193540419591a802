"""What a comparison finds out: where it is true, or false, a value is there and not empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bootstrap_project.rendering.analysis.paths import Path
from bootstrap_project.rendering.analysis.values import Kind, Value

_NONE: Final[frozenset[Path]] = frozenset()
#: By a function's name: how two numbers are compared.
_ORDERS: Final[dict[str, Callable[[float, float], bool]]] = {
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
}


def compared(name: str, args: tuple[Value, ...]) -> Value:
    """Return the value of `eq`, `ne` or one of the orders for these arguments."""
    if len(args) < 2:
        return Value(kind=Kind.BOOL)
    if name in _ORDERS:
        return _ordered(_ORDERS[name], args)
    first, *others = args
    found = [_equal(first, other) for other in others]
    is_equal = Value(
        kind=Kind.BOOL,
        when_true=frozenset.intersection(*(one.when_true for one in found)),
        when_false=_NONE.union(*(one.when_false for one in found)),
    )
    if name == "eq":
        return is_equal
    return replace(is_equal, when_true=is_equal.when_false, when_false=is_equal.when_true)


def _equal(left: Value, right: Value) -> Value:
    """Compare two values of which one is a literal; a value that equals something that is not empty is there."""
    subject, literal = (right, left) if left.is_nil or left.constant is not None else (left, right)
    if literal.is_nil:
        return Value(when_false=subject.when_true)
    if literal.constant is None:
        return Value()
    if literal.constant:
        return Value(when_true=subject.when_true)
    # Something else of another kind than "", 0 and false may stand there as well, or nothing at all.
    is_its_own_kind = subject.kind is not None and subject.kind is literal.kind
    return Value(when_true=subject.when_false, when_false=subject.when_true) if is_its_own_kind else Value()


def _ordered(holds: Callable[[float, float], bool], args: tuple[Value, ...]) -> Value:
    """Compare a value with a number: where the answer is not that for 0 or less, the value is more than 0."""
    left, right = args[:2]
    subject, literal = (right, left) if left.constant is not None else (left, right)
    bound = literal.constant
    if isinstance(bound, str | bool | None) or bound < 0:
        return Value(kind=Kind.BOOL)
    answers = {holds(bound, size) if literal is left else holds(size, bound) for size in (0, -1)}
    if len(answers) > 1:
        return Value(kind=Kind.BOOL)
    if answers == {False}:
        return Value(kind=Kind.BOOL, when_true=subject.when_true)
    return Value(kind=Kind.BOOL, when_false=subject.when_true)
