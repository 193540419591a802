"""What generated code calls besides the functions: the state of an execution, fields, loops and budgets."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from time import thread_time
from typing import Any

from .gofmt import Printer
from .limits import Limits
from .model import Struct
from .values import BindingsMap, Fault, LimitFault, NilFault, Uint8, go_type, sorted_items, typed_bindings

_SMALL_LOOP = 20_000
_STEPS_BETWEEN_LOOKS = 1_000


class State:
    """What one execution has left of its budgets. Every execution has its own, so threads never meet."""

    __slots__ = ("deadline", "depth", "left", "limits", "look_below", "steps", "strings")

    def __init__(self, limits: Limits) -> None:
        """Start with full budgets; the clock starts when it is first looked at."""
        self.limits = limits
        self.left = limits.max_output
        self.strings = limits.max_strings
        self.steps = limits.max_steps
        self.depth = 0
        self.look_below = limits.max_steps - _STEPS_BETWEEN_LOOKS
        self.deadline: float | None = None

    def check_time(self) -> None:
        """Fail if the time is up.

        It is the processor time of this thread, so that a busy machine refuses nothing that an idle one renders.
        Reading it is a system call; the first reading starts it, so most executions, which never get here, save that.
        """
        now = thread_time()
        if self.deadline is None:
            self.deadline = now + self.limits.max_seconds
        elif now > self.deadline:
            raise LimitFault(f"execution took longer than {self.limits.max_seconds:g} seconds")

    def time_is_up_at(self) -> float:
        """Return when the time is up, on the clock of this thread's processor time."""
        return thread_time() + self.limits.max_seconds if self.deadline is None else self.deadline

    def has_time(self) -> bool:
        """Tell whether there is any time left."""
        try:
            self.check_time()
        except LimitFault:
            return False
        return True

    def work(self, steps: int) -> None:
        """Account some steps."""
        self.steps -= steps
        if self.steps < self.look_below or self.steps < 0:
            self.look()

    def look(self) -> None:
        """Check steps and time."""
        if self.steps < 0:
            raise LimitFault(f"execution took more than {self.limits.max_steps} steps")
        self.look_below = self.steps - _STEPS_BETWEEN_LOOKS
        self.check_time()

    def enter(self, steps: int) -> None:
        """Account one template call; whoever calls this takes one from `depth` afterwards."""
        self.depth += 1
        if self.depth > self.limits.max_depth:
            raise LimitFault(f"exceeded maximum template depth ({self.limits.max_depth})")
        self.work(steps)

    def scan(self, size: int) -> None:
        """Account reading through a string or list, which is only worth the trouble where it is long."""
        if size > 256:
            self.spend(size)

    def produced(self, text: str) -> str:
        """Account a new string and return it."""
        if len(text) > 256:
            self.spend(len(text))
        return text

    def spend(self, size: int) -> None:
        """Account characters that a function produced or read."""
        self.strings -= size
        if self.strings < 0:
            raise LimitFault(f"functions produced more than {self.limits.max_strings} characters")
        self.check_time()

    def room(self) -> int:
        """Return how many characters a function may still produce."""
        return self.strings

    def over(self) -> None:
        """Fail: there is too much output."""
        raise LimitFault(f"output is larger than {self.limits.max_output} bytes")


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
        raise Fault(f"can't evaluate field {name} in type {go_type(value)}")
    raise Fault(f"can't evaluate field {name} in type {'interface {}' if wrapped else go_type(value)}")


def wrapped_field(value: Any, name: str) -> Any:
    """Return what `field` does, for a value that Go has inside an interface; only messages differ."""
    return field(value, name, wrapped=True)


def with_arguments(value: Any, name: str, *, wrapped: bool = False) -> Any:
    """Fail: a field was given arguments, and no field is a function."""
    if isinstance(value, dict):
        raise Fault(f"{name} is not a method but has arguments")
    if isinstance(value, Struct) and name in value.go_fields:
        raise Fault(f"{name} has arguments but cannot be invoked as function")
    return field(value, name, wrapped=wrapped)


def need_string(value: Any, *, wrapped: bool = False) -> Any:
    """Return a value that is passed where a function wants a string."""
    if isinstance(value, str):
        return value
    if value is None:
        if wrapped:
            raise Fault("wrong type for value; expected string; got interface {}")
        raise Fault("invalid value; expected string")
    raise Fault(f"wrong type for value; expected string; got {go_type(value)}")


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
    raise Fault(
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
        state.work(count // 8)
        found = [item for _, item in found]
    return _paid(state, found, count, steps)


def pairs(state: State, value: Any, steps: int) -> Iterable[tuple[Any, Any]] | None:
    """Return keys and values to loop over, each pair costing some steps; None where there are none."""
    if value.__class__ is not list and isinstance(value, int) and not isinstance(value, bool):
        raise Fault(
            f"can't use {int(value)} to iterate over more than one variable",
            "can't use a number to iterate over more than one variable",
        )
    found = value if value.__class__ is list else items(value)
    count = len(found)
    if not count:
        return None
    if isinstance(value, dict):
        state.work(count // 8)
        return _paid(state, found, count, steps)
    return _paid(state, enumerate(found), count, steps)


def _paid(state: State, found: Iterable[Any], count: int, steps: int) -> Iterable[Any]:
    total = count * steps
    if total <= _SMALL_LOOP:
        state.work(total)
        return found
    return _metered(state, found, steps)


def _metered(state: State, found: Iterable[Any], steps: int) -> Iterator[Any]:
    """Yield items and pay for them a few at a time, so that a long loop that breaks early costs little."""
    chunk = max(1, 2_000 // steps)
    cost = chunk * steps
    due = 0
    for item in found:
        if not due:
            state.work(cost)
            due = chunk
        due -= 1
        yield item


def is_wrapped(value: Any) -> bool:
    """Report whether Go has the items of this collection inside interfaces."""
    return isinstance(value, list) or (isinstance(value, dict) and not isinstance(value, BindingsMap))
