"""The functions a template may call, with Go's results and Go's errors.

Each takes the state of the execution first. None does I/O, and none reaches an attribute of a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote_plus

from .compare import comparisons
from .context import ZERO_BINDING
from .faults import ExecFault, NilPrintFault, RequiredFault
from .go.fmt import Printer
from .go.json import to_json
from .go.printf import Format
from .go.strconv import float_text, from_bytes, is_print, printable, quote, to_bytes, translated
from .go.values import BINDINGS_TYPE, Slice, Uint8, go_type, nil_place
from .registry import BUILTINS, Builtin, Function, builtin
from .state import State

# Looking into values.


@builtin("index", params=("value",), is_variadic=True)
def index(state: State, item: Any, *indexes: Any) -> Any:
    """Return item[i][j]…; a key that a map lacks gives the zero value of what the map holds.

    Source: Go text/template, index.
    """
    if item is None:
        raise ExecFault("index of untyped nil")
    for key in indexes:
        if isinstance(item, dict):
            if not isinstance(key, str):
                raise ExecFault(_bad_key(key))
            item = item.get(key, ZERO_BINDING if go_type(item) == BINDINGS_TYPE else None)
        elif isinstance(item, str):
            item = _byte_at(state, item, key)
        elif isinstance(item, list):
            at = _position(key, len(item))
            if at == len(item):
                raise ExecFault("reflect: slice index out of range")
            item = item[at]
        elif item is None:
            raise ExecFault("index of nil pointer")
        else:
            raise ExecFault(f"can't index item of type {go_type(item)}")
    return item


def _bad_key(key: object) -> str:
    if key is None:
        return "value is nil; should be of type string"
    return f"value has type {go_type(key)}; should be string"


def _byte_at(state: State, item: str, key: object) -> Uint8:
    data = to_bytes(item)
    state.charge_scan(len(data))
    at = _position(key, len(data))
    if at == len(data):
        raise ExecFault("reflect: string index out of range")
    return Uint8(data[at])


def _position(key: object, capacity: int, *, wrapped: bool = False) -> int:
    if key is None and not wrapped:
        raise ExecFault("cannot index slice/array with nil")
    if wrapped:
        raise ExecFault("cannot index slice/array with type interface {}", code="wrapped-index")
    if not isinstance(key, int) or isinstance(key, bool):
        raise ExecFault(f"cannot index slice/array with type {go_type(key)}")
    if not 0 <= key <= capacity:
        raise ExecFault(f"index out of range: {int(key)}", "index out of range")
    return int(key)


#: An index that Go still has inside an interface, which `slice` (and nothing else) refuses.
WRAPPED: Final = object()


@builtin("slice", params=("value",), is_variadic=True)
def slice_(state: State, item: Any, *indexes: Any) -> Any:
    """Return item[i:j:k].

    Source: Go text/template, slice.
    """
    if item is None:
        raise ExecFault("slice of untyped nil")
    if len(indexes) > 3:
        raise ExecFault(f"too many slice indexes: {len(indexes)}")
    if isinstance(item, str):
        if len(indexes) == 3:
            raise ExecFault("cannot 3-index slice a string")
        data = to_bytes(item)
        state.charge_scan(len(data))
        start, end, _ = _bounds(indexes, len(data), len(data))
        return from_bytes(data[start:end])
    if not isinstance(item, list):
        raise ExecFault(f"can't slice item of type {go_type(item)}")
    backing, offset, capacity = item, 0, len(item)
    if isinstance(item, Slice):
        backing, offset, capacity = item.backing, item.start, item.capacity  # type: ignore[assignment]
    start, end, top = _bounds(indexes, len(item), capacity)
    state.charge_scan(end - start)
    return Slice(backing, offset + start, offset + end, top - start)


def _bounds(indexes: tuple[Any, ...], length: int, capacity: int) -> tuple[int, int, int]:
    bounds = [0, length, capacity]
    for number, key in enumerate(indexes):
        bounds[number] = _position(key, capacity, wrapped=key is WRAPPED)
    start, end, top = bounds
    if start > end:
        raise ExecFault(f"invalid slice index: {start} > {end}", "invalid slice index")
    if end > top:
        raise ExecFault(f"invalid slice index: {end} > {top}", "invalid slice index")
    return start, end, top


@builtin("len", params=("value",), returns="int")
def length(state: State, item: Any) -> int:
    """Return the length of a string in bytes, of a list or of a map.

    Source: Go text/template, length.
    """
    if isinstance(item, str):
        if item.isascii():
            return len(item)
        state.charge_scan(len(item))
        return len(to_bytes(item))
    if isinstance(item, list | dict):
        return len(item)
    if item is None:
        raise ExecFault("reflect: call of reflect.Value.Type on zero Value")
    raise ExecFault(f"len of type {go_type(item)}")


def wrapped_length(state: State, item: Any) -> int:
    """Return what `length` does, for a value that Go has inside an interface."""
    if item is None:
        raise ExecFault("len of nil pointer")
    return length(state, item)


@builtin("not", params=("value",), returns="bool")
def not_(_state: State, item: Any) -> bool:
    """Return whether a value is empty."""
    return not item


@builtin("call", params=("value",), is_variadic=True)
def call(_state: State, callee: str | None, item: Any, *_args: Any) -> Any:
    """Fail: no value of the data model is a function. `callee` is None where it came through the pipeline."""
    if callee is None:
        callee = item if isinstance(item, str) else f"<{go_type(item)} Value>"
    if item is None:
        raise ExecFault("call of nil")
    raise ExecFault(f"non-function {callee} of type {go_type(item)}", f"non-function of type {go_type(item)}")


# Printing.


def _refuse_nil(what: str, value: Any) -> None:
    if value is None:
        raise NilPrintFault(what)
    if place := nil_place(value):
        raise NilPrintFault(what, place)


def _printing(name: str) -> Callable[[Function], Function]:
    """Register a function that prints its arguments; strict mode takes a nil among them for an error."""

    def register(function: Function) -> Function:
        def checked(state: State, *args: Any) -> Any:
            for arg in args:
                _refuse_nil("an argument", arg)
            return function(state, *args)

        return builtin(name, is_variadic=True, returns="str", strict=checked)(function)

    return register


def _sprint(state: State, args: tuple[Any, ...]) -> str:
    if len(args) == 1 and args[0].__class__ is str:
        return str(args[0])
    printer = Printer(state.strings_left, state.check_time)
    printer.print(args)
    return state.produced(printer.text())


def _printable_args(state: State, args: tuple[Any, ...]) -> str:
    """Return arguments printed as the escaping functions see them: nil as an action would print it."""
    return _sprint(state, tuple("<no value>" if arg is None else arg for arg in args))


@_printing("print")
def sprint(state: State, *args: Any) -> str:
    """Return arguments printed as by Go's fmt.Sprint."""
    return _sprint(state, args)


@_printing("println")
def sprintln(state: State, *args: Any) -> str:
    """Return arguments printed as by Go's fmt.Sprintln."""
    printer = Printer(state.strings_left, state.check_time)
    printer.println(args)
    return state.produced(printer.text())


def strict_sprintf(state: State, form: str, *args: Any) -> str:
    """Return arguments printed as a format says; a verb that does not fit is an error, and float verbs take ints."""
    printer = Printer(state.strings_left, state.check_time, relaxed=True)
    Format(printer, form, args).run()
    if printer.problem:
        raise printer.problem
    return state.produced(printer.text())


@builtin("printf", params=("string",), is_variadic=True, returns="str", strict=strict_sprintf)
def sprintf(state: State, form: str, *args: Any) -> str:
    """Return arguments printed as a format says."""
    printer = Printer(state.strings_left, state.check_time)
    Format(printer, form, args).run()
    return state.produced(printer.text())


def text_exact(state: State, value: Any) -> str:
    """Return a value as an action prints it."""
    kind = value.__class__
    if kind is float:
        return float_text(value)
    if kind is bool:
        return "true" if value else "false"
    if value is None:
        return "<no value>"
    if kind is str:
        return str(value)
    printer = Printer(state.strings_left, state.check_time)
    printer.value(value, "v")
    return state.produced(printer.text())


def text_strict(state: State, value: Any) -> str:
    """Return a value as an action prints it; nil is an error, inside the value too."""
    _refuse_nil("the value", value)
    return text_exact(state, value)


# Escaping.

_HTML: Final = str.maketrans({"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"})


@_printing("html")
def html(state: State, *args: Any) -> str:
    """Return arguments printed and escaped for HTML."""
    text = _printable_args(state, args)
    state.charge_scan(len(text))
    return state.produced(translated(text, _HTML, state.check_time))


class _JSEscapes(dict[int, str]):
    def __missing__(self, code: int) -> str:
        if 0xD800 <= code <= 0xDFFF:
            # Go copies a byte that is no character as it is.
            escaped = chr(code)
        elif code < 0x20 or chr(code) in "<>&=":
            escaped = f"\\u{code:04X}"
        elif chr(code) in "\\'\"":
            escaped = "\\" + chr(code)
        else:
            escaped = chr(code) if is_print(code) or code == 0x7F else f"\\u{code:04X}"
        if len(self) < 4096:
            self[code] = escaped
        return escaped


_JS: Final = _JSEscapes()


@_printing("js")
def js(state: State, *args: Any) -> str:
    """Return arguments printed and escaped for a JavaScript string."""
    text = _printable_args(state, args)
    state.charge_scan(len(text))
    return state.produced(translated(text, _JS, state.check_time))


@_printing("urlquery")
def urlquery(state: State, *args: Any) -> str:
    """Return arguments printed and escaped for a URL query."""
    text = _printable_args(state, args)
    state.charge_scan(len(text))
    return state.produced(quote_plus(to_bytes(text), safe=""))


# The functions besides Go's own.


@builtin("default", params=("any", "any"))
def default(_state: State, fallback: Any, value: Any) -> Any:
    """Return the value, or the fallback where it is nil or the empty string."""
    return fallback if value is None or (isinstance(value, str) and not value) else value


@builtin("required", params=("string", "any"))
def required(state: State, name: str, value: Any) -> Any:
    """Return the value; nil and the empty string are errors that carry the name."""
    if value is None or (isinstance(value, str) and not value):
        state.charge_scan(len(name))
        raise RequiredFault(f"required value {quote(name)} is not set", printable(name))
    return value


builtin("toJSON", params=("any",), returns="str")(to_json)
for _name in ("and", "or"):
    BUILTINS[_name] = Builtin(_name, ("value",), is_variadic=True, returns="any", exact=None, strict=None)
_RELAXED: Final = comparisons(relaxed=True)
for _name, _function in comparisons(relaxed=False).items():
    _params = ("value",) if _name == "eq" else ("value", "value")
    builtin(_name, params=_params, is_variadic=_name == "eq", returns="bool", strict=_RELAXED[_name])(_function)

#: The names of all functions.
FUNCTIONS: Final = frozenset(BUILTINS)
