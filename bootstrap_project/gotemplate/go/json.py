"""Values as compact JSON, as Go's encoding/json writes them."""

from __future__ import annotations

import math
from typing import Any, Final

from bootstrap_project.gotemplate.context import NilMap, Struct
from bootstrap_project.gotemplate.faults import ExecFault
from bootstrap_project.gotemplate.state import State

from .strconv import digits_and_exponent, exponential, positional, printable
from .values import BindingsMap, go_type, sorted_items, struct_items

_JSON: Final = (
    {code: f"\\u{code:04x}" for code in [*range(0x20), *map(ord, "<>&\u2028\u2029")]}
    | {ord(c): f"\\{c}" for c in '"\\'}
    | {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r"}
)


def to_json(state: State, value: Any) -> str:
    """Return a value as compact JSON.

    Source: Go encoding/json, Marshal.
    """
    out: list[str] = []
    _write_json(state, value, out)
    return state.produced("".join(out))


def _write_json(state: State, value: Any, out: list[str]) -> None:
    if isinstance(value, str):
        state.charge_scan(len(value))
        out.append(_json_text(value))
    elif value is None:
        out.append("null")
    elif isinstance(value, bool):
        out.append("true" if value else "false")
    elif isinstance(value, int):
        out.append(str(int(value)))
    elif isinstance(value, float):
        out.append(_json_float(value))
    elif isinstance(value, dict):
        if isinstance(value, NilMap) or (isinstance(value, BindingsMap) and value.is_nil):
            out.append("null")
        else:
            _write_members(state, sorted_items(value), out)
    elif isinstance(value, Struct):
        _write_members(state, struct_items(value), out)
    elif isinstance(value, list):
        out.append("[")
        for number, item in enumerate(value):
            if number:
                out.append(",")
                if not number & 1023:
                    state.check_time()
            _write_json(state, item, out)
        out.append("]")
    else:
        raise ExecFault(f"json: unsupported type: {go_type(value)}")


def _write_members(state: State, members: list[tuple[str, Any]], out: list[str]) -> None:
    out.append("{")
    for number, (key, item) in enumerate(members):
        if number:
            out.append(",")
            if not number & 1023:
                state.check_time()
        state.charge_scan(len(key))
        out.append(_json_text(key))
        out.append(":")
        _write_json(state, item, out)
    out.append("}")


def _json_text(text: str) -> str:
    if text.isascii() and text.isalnum():
        return f'"{text}"'
    escaped = text.translate(_JSON)
    if not escaped.isascii():
        escaped = printable(escaped)
    return f'"{escaped}"'


def _json_float(value: float) -> str:
    if not math.isfinite(value):
        name = "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        raise ExecFault(f"json: unsupported value: {name}")
    sign, digits, exponent = digits_and_exponent(value)
    if -7 < exponent < 21 or value == 0:
        return sign + positional(digits, exponent)
    return sign + exponential(digits, exponent).replace("e-0", "e-")
