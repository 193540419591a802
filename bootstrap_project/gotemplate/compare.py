"""Comparisons of templates: eq ne lt le gt ge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .context import DeviceContext
from .faults import ExecFault
from .go.fmt import Printer
from .go.strconv import to_bytes
from .go.values import go_type, is_nil
from .state import State

_BAD_TYPE: Final = "invalid type for comparison"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, str):
        return "string"
    if isinstance(value, float):
        return "float"
    return "complex" if isinstance(value, complex) else ""


def _incompatible(left: object, right: object) -> ExecFault:
    return ExecFault(f"incompatible types for comparison: {go_type(left)} and {go_type(right)}", code="types")


def _family(value: object) -> str:
    if value is None:
        return "nil"
    return "map" if isinstance(value, dict) else "list" if isinstance(value, list) else "struct"


def _compared(state: State, value: object, verb: str) -> str:
    if value is None:
        # Go passes its invalid reflect.Value to fmt here.
        return "<invalid reflect.Value>"
    printer = Printer(state.strings_left, state.check_time)
    printer.value(value, verb)
    return printer.text()


def _equal_others(state: State, left: object, right: object) -> bool:
    """Compare two values of which neither is a bool, a number or a string."""
    kinds = _family(left), _family(right)
    if kinds[0] != kinds[1] and "nil" not in kinds:
        raise ExecFault(
            f"non-comparable types {_compared(state, left, 's')}: {go_type(left)}, {go_type(right)}: "
            f"{_compared(state, right, 'v')}",
            f"non-comparable types {go_type(left)} and {go_type(right)}",
        )
    if is_nil(left) or is_nil(right):
        return is_nil(left) and is_nil(right)
    if not isinstance(right, DeviceContext):
        raise ExecFault(
            f"non-comparable type {_compared(state, right, 's')}: {go_type(right)}",
            f"non-comparable type {go_type(right)}",
        )
    return left == right


def _equal_one(state: State, left: Any, right: Any, *, relaxed: bool) -> bool:
    left_kind, right_kind = _kind(left), _kind(right)
    if left_kind != right_kind:
        if relaxed and {left_kind, right_kind} == {"int", "float"}:
            return bool(left == right)
        if left is None or right is None:
            # Only a map can be nil without being the same kind of nothing.
            return False
        raise _incompatible(left, right)
    if not left_kind:
        return _equal_others(state, left, right)
    if left_kind == "string":
        state.charge_scan(min(len(left), len(right)))
    return bool(left == right)


def _equal(state: State, left: Any, others: tuple[Any, ...], *, relaxed: bool) -> bool:
    if not others:
        raise ExecFault("missing argument for comparison")
    return any(_equal_one(state, left, other, relaxed=relaxed) for other in others)


def _less(state: State, left: Any, right: Any, *, relaxed: bool) -> bool:
    left_kind, right_kind = _kind(left), _kind(right)
    if not left_kind or not right_kind:
        raise ExecFault(_BAD_TYPE)
    if left_kind != right_kind:
        if relaxed and {left_kind, right_kind} == {"int", "float"}:
            return bool(left < right)
        raise _incompatible(left, right)
    if left_kind in {"bool", "complex"}:
        raise ExecFault(_BAD_TYPE)
    if left_kind == "string":
        state.charge_scan(min(len(left), len(right)))
        return to_bytes(left) < to_bytes(right)
    return bool(left < right)


def comparisons(*, relaxed: bool) -> dict[str, Callable[..., Any]]:
    """Return eq ne lt le gt ge; relaxed ones compare integers with floats by value.

    Source: Go text/template, eq, lt and the others made from them.
    """

    def eq(state: State, left: Any, *others: Any) -> bool:
        return _equal(state, left, others, relaxed=relaxed)

    def ne(state: State, left: Any, right: Any) -> bool:
        return not _equal(state, left, (right,), relaxed=relaxed)

    def lt(state: State, left: Any, right: Any) -> bool:
        return _less(state, left, right, relaxed=relaxed)

    def le(state: State, left: Any, right: Any) -> bool:
        return _less(state, left, right, relaxed=relaxed) or _equal(state, left, (right,), relaxed=relaxed)

    def gt(state: State, left: Any, right: Any) -> bool:
        return not le(state, left, right)

    def ge(state: State, left: Any, right: Any) -> bool:
        return not _less(state, left, right, relaxed=relaxed)

    return {"eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge}
