"""Compiler, part one: calls that have a shorter form where the operands are known well enough."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .codegen import NO_CONST, CodeWriter, Kind, Operand, format_string, literal
from .nodes import Node

_SIMPLE_VERBS: Final = re.compile(r"%([sdvq%])|%")


def simple_call(writer: CodeWriter, name: str, command: Node, operands: list[Operand]) -> Operand | None:
    """Write a call in a shorter form than through the function; None where there is none."""
    short = _SHORT.get(name)
    return short(writer, command, operands) if short is not None else None


def _not(writer: CodeWriter, command: Node, operands: list[Operand]) -> Operand | None:
    return writer.store_temp(f"not {operands[0].code}", command, kind=Kind.BOOL)


def _default(writer: CodeWriter, command: Node, operands: list[Operand]) -> Operand | None:
    fallback, value = operands
    if value.kind not in (Kind.ANY, Kind.STR):
        return None
    code = value.code
    test = f"{code} is None or {code} == ''" if value.kind == Kind.ANY else f"{code} == ''"
    return writer.store_temp(f"{writer.value(fallback).code} if {test} else {code}", command)


def _len(writer: CodeWriter, command: Node, operands: list[Operand]) -> Operand | None:
    (operand,) = operands
    if operand.kind == Kind.MAP:
        return writer.store_temp(f"len({operand.code})", command, kind=Kind.INT)
    if operand.kind != Kind.ANY:
        return None
    code = operand.code
    # Go names nil differently where it is inside an interface.
    slow = "f_wrapped_len" if operand.wrapped else "f_len"
    return writer.store_temp(f"len({code}) if {code}.__class__ is list else {slow}(S, {code})", command, kind=Kind.INT)


def _index(writer: CodeWriter, command: Node, operands: list[Operand]) -> Operand | None:
    if len(operands) != 2 or operands[1].const.__class__ is not str:
        return None
    item, key = operands[0], operands[1].code
    if item.kind == Kind.MAP:
        return writer.store_temp(f"{item.code}.get({key})", command, wrapped=True)
    if item.kind == Kind.BINDINGS:
        return writer.store_temp(f"{item.code}.get({key}, ZERO_BINDING)", command, kind=Kind.BINDING)
    if item.kind != Kind.ANY:
        return None
    code = item.code
    return writer.store_temp(
        f"{code}[{key}] if {code}.__class__ is dict and {key} in {code} else f_index(S, {code}, {key})", command
    )


def _equality(sign: str, name: str) -> Callable[[CodeWriter, Node, list[Operand]], Operand | None]:
    def write(writer: CodeWriter, command: Node, operands: list[Operand]) -> Operand | None:
        if len(operands) != 2:
            return None
        left, right = operands
        if left.const is not NO_CONST:
            left, right = right, left
        if right.kind not in (Kind.STR, Kind.INT) or right.const is NO_CONST or left.const is not NO_CONST:
            return None
        same = f"{left.code} {sign} {right.code}"
        if left.kind == right.kind:
            return writer.store_temp(same, command, kind=Kind.BOOL)
        if left.kind != Kind.ANY:
            return None
        slow = f"f_{name}(S, {operands[0].code}, {operands[1].code})"
        return writer.store_temp(
            f"{same} if {left.code}.__class__ is {right.kind} else {slow}", command, kind=Kind.BOOL
        )

    return write


def _printf(writer: CodeWriter, command: Node, operands: list[Operand]) -> Operand | None:
    form, args = operands[0].const, operands[1:]
    if form.__class__ is not str:
        return None
    verbs = [found[1] for found in _SIMPLE_VERBS.finditer(form)]
    # More than a few long strings at once are for the printer, which counts while it writes.
    if len(verbs) > 16 or None in verbs or sum(verb != "%" for verb in verbs) != len(args):
        return None
    parts: list[tuple[bool, str]] = []
    end = 0
    pending = iter(args)
    for found in _SIMPLE_VERBS.finditer(form):
        parts.append((True, form[end : found.start()] + ("%" if found[1] == "%" else "")))
        end = found.end()
        if found[1] != "%":
            operand = next(pending)
            if found[1] in "sv" and operand.const.__class__ is str:
                parts.append((True, operand.const))
            else:
                parts.append((False, _verb(writer, found[1], operand, command).code))
    parts.append((True, form[end:]))
    result = writer.store_temp(format_string([part for part in parts if part[1]]), command, kind=Kind.STR)
    code = result.code
    writer.line(f"if len({code}) > 256: S.spend(len({code}))", command)
    writer.line(f"if not {code}.isascii(): {code} = rejoin({code})", command)
    return result


def _verb(writer: CodeWriter, verb: str, operand: Operand, command: Node) -> Operand:
    """Write one value with one plain verb."""
    operand = writer.value(operand)
    code = operand.code
    slow = f"f_printf(S, {literal('%' + verb)}, {code})"
    if operand.const is not NO_CONST or operand.kind == Kind.NIL:
        return writer.store_temp(slow, command)
    if verb in "sv" and operand.kind == Kind.STR:
        return operand
    if verb in "dv" and operand.kind == Kind.INT:
        return operand
    if verb == "q":
        # Long ones are for the printer, which looks at the clock.
        return writer.store_temp(
            f"quote({code}) if {code}.__class__ is str and len({code}) <= 256 else {slow}", command
        )
    fast = {"s": "str", "d": "int", "v": "str"}[verb]
    test = f"{code}.__class__ is {fast}"
    if verb == "v":
        test += f" or {code}.__class__ is int"
    return writer.store_temp(f"{code} if {test} else {slow}", command)


_SHORT: Final = {
    "not": _not,
    "default": _default,
    "len": _len,
    "index": _index,
    "eq": _equality("==", "eq"),
    "ne": _equality("!=", "ne"),
    "printf": _printf,
}
