"""The table of built-in functions: the parser, the compiler and the editor read their names here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function that templates may call; `exact` and `strict` are what each mode calls.

    Shape: `params` says what each parameter wants ("value", "any" or "string"), and `is_variadic` whether more may
    follow; `returns` is what the compiler may take for granted of the result, one of the kinds of `codegen`.
    """

    name: str
    params: tuple[str, ...]
    is_variadic: bool
    returns: str
    exact: Function | None
    strict: Function | None


BUILTINS: Final[dict[str, Builtin]] = {}


def builtin(
    name: str,
    *,
    params: tuple[str, ...] = (),
    is_variadic: bool = False,
    returns: str = "any",
    strict: Function | None = None,
) -> Callable[[F], F]:
    """Register the decorated function under the name that templates have for it; `strict` mode may have another."""

    def register(function: F) -> F:
        BUILTINS[name] = Builtin(name, params, is_variadic, returns, function, strict or function)
        return function

    return register


def functions(*, strict: bool) -> dict[str, Function]:
    """Return what a mode calls, by name; `and` and `or`, which skip arguments, are the compiler's."""
    found = {name: entry.strict if strict else entry.exact for name, entry in BUILTINS.items()}
    return {name: function for name, function in found.items() if function is not None}
