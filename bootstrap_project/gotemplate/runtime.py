"""What generated code calls besides the functions: fields and loops."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

from .context import Struct
from .faults import ExecFault, NilFault
from .go.fmt import Printer
from .go.values import BindingsMap, Uint8, go_type, sorted_items, typed_bindings
from .state import State

_SMALL_LOOP: Final = 20_000


def field(value: Any, name: str, *, wrapped: bool = False) -> Any:
    """Return a field of a struct or the entry of a map; generated code has tried the plain dict already.

    Source: Go text/template, evalField.
    """
    if isinstance(value, dict):
        return value[name]
    if value is None:
        if wrapped:
            raise NilFault(f"nil pointer evaluating interface {{}}.{name}", name)
        raise NilFault(f'nil data; no entry for key "{name}"', name)
    if isinstance(value, Struct):
        if name in value.go_fields:
            # The name is one of the declared ones, so nothing else of the object can be reached.
            found = getattr(value, name)
            return typed_bindings(value) if name == "Bindings" and not found else found  # type: ignore[arg-type]
        raise ExecFault(f"can't evaluate field {name} in type {go_type(value)}", code="field", name=name)
    raise ExecFault(
        f"can't evaluate field {name} in type {'interface {}' if wrapped else go_type(value)}", code="field", name=name
    )


def wrapped_field(value: Any, name: str) -> Any:
    """Return what `field` does, for a value that Go has inside an interface; only messages differ."""
    return field(value, name, wrapped=True)


def with_arguments(value: Any, name: str, *, wrapped: bool = False) -> Any:
    """Fail: a field was given arguments, and no field is a function."""
    if isinstance(value, dict):
        raise ExecFault(f"{name} is not a method but has arguments")
    if isinstance(value, Struct) and name in value.go_fields:
        raise ExecFault(f"{name} has arguments but cannot be invoked as function")
    return field(value, name, wrapped=wrapped)


def need_string(value: Any, *, wrapped: bool = False) -> Any:
    """Return a value that is passed where a function wants a string."""
    if isinstance(value, str):
        return value
    if value is None:
        if wrapped:
            raise ExecFault("wrong type for value; expected string; got interface {}")
        raise ExecFault("invalid value; expected string")
    raise ExecFault(f"wrong type for value; expected string; got {go_type(value)}", code="text")


def items(value: Any) -> Any:
    """Return what range goes over: a list, sorted entries of a map, or the numbers below an integer."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return sorted_items(value)
    if value is None:
        return ()
    if isinstance(value, int) and not isinstance(value, bool):
        # The bytes of a string count in bytes.
        return _Bytes(value) if isinstance(value, Uint8) else range(min(max(0, value), sys.maxsize))
    raise ExecFault(
        f"range can't iterate over {_shown(value)}", f"range can't iterate over a value of type {go_type(value)}"
    )


class _Bytes:
    """The numbers below a byte, as bytes."""

    __slots__ = ("count",)

    def __init__(self, count: int) -> None:
        self.count = int(count)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Uint8]:
        return map(Uint8, range(self.count))


def _shown(value: Any) -> str:
    printer = Printer(64 * 1024)
    printer.value(value, "v")
    return printer.text()


def elements(state: State, value: Any, steps: int) -> Iterable[Any] | None:
    """Return the values to loop over, each costing some steps; None where there are none."""
    found = value if value.__class__ is list else items(value)
    count = len(found)
    if not count:
        return None
    if isinstance(value, dict):
        state.charge(count // 8)
        found = [item for _, item in found]
    return _paid(state, found, count, steps)


def pairs(state: State, value: Any, steps: int) -> Iterable[tuple[Any, Any]] | None:
    """Return keys and values to loop over, each pair costing some steps; None where there are none."""
    if value.__class__ is not list and isinstance(value, int) and not isinstance(value, bool):
        raise ExecFault(
            f"can't use {int(value)} to iterate over more than one variable",
            "can't use a number to iterate over more than one variable",
        )
    found = value if value.__class__ is list else items(value)
    count = len(found)
    if not count:
        return None
    if isinstance(value, dict):
        state.charge(count // 8)
        return _paid(state, found, count, steps)
    return _paid(state, enumerate(found), count, steps)


def _paid(state: State, found: Iterable[Any], count: int, steps: int) -> Iterable[Any]:
    total = count * steps
    if total <= _SMALL_LOOP:
        state.charge(total)
        return found
    return _metered(state, found, steps)


def _metered(state: State, found: Iterable[Any], steps: int) -> Iterator[Any]:
    """Yield items and pay for them a few at a time, so that a long loop that breaks early costs little."""
    chunk = max(1, 2_000 // steps)
    cost = chunk * steps
    due = 0
    for item in found:
        if not due:
            state.charge(cost)
            due = chunk
        due -= 1
        yield item


def is_wrapped(value: Any) -> bool:
    """Return whether Go has the items of this collection inside interfaces."""
    return isinstance(value, list) or (isinstance(value, dict) and not isinstance(value, BindingsMap))
