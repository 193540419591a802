"""What a template's functions make of abstract values; `and` and `or`, which skip operands, are in `expressions`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from bootstrap_project.gotemplate.nodes import CommandNode, IdentifierNode, Node
from bootstrap_project.rendering.analysis.facts import Fallback, PrintfCall
from bootstrap_project.rendering.analysis.paths import (
    BINDINGS,
    DEVICE,
    ROOT,
    Path,
    Step,
    is_container,
    is_slot,
    prefixes,
    struct_string,
)
from bootstrap_project.rendering.analysis.state import Walk
from bootstrap_project.rendering.analysis.values import (
    UNKNOWN,
    Access,
    Guard,
    Kind,
    Value,
    at,
    mixed,
    of_kind,
    text,
)


@dataclass(frozen=True, slots=True)
class Call:
    """A function, what it is given (the piped value last), and where."""

    name: str
    node: CommandNode | IdentifierNode
    args: tuple[Value, ...]


def call(walk: Walk, called: Call) -> Value:
    """Return what a call gives."""
    return _FUNCTIONS.get(called.name, _anything)(walk, called)


def settle(walk: Walk, value: Value, function: str, node: Node) -> None:
    """Note that `function` puts something in the place of `value` where it is missing, or means to."""
    reading = value.reading
    if reading is None or reading.guard is not Guard.NONE:
        return
    reading.guard = Guard.DEFAULT
    if value.strict and value.path is not None and not value.replaced:
        walk.facts.fallbacks.append(Fallback(value.path, function, node, reachable=not walk.is_dead))


def _anything(walk: Walk, called: Call) -> Value:
    for value in called.args:
        walk.escape(value, called.node)
    return UNKNOWN


def _default(walk: Walk, called: Call) -> Value:
    if len(called.args) != 2:
        return _anything(walk, called)
    fallback, value = called.args
    settle(walk, value, "default", called.node)
    return Value(
        path=value.path,
        kind=value.kind or fallback.kind,
        nil=fallback.nil,
        replaced=True,
        ingredients=mixed(value, fallback),
    )


def _required(walk: Walk, called: Call) -> Value:
    if len(called.args) != 2:
        return _anything(walk, called)
    value = called.args[1]
    if value.reading is not None and value.reading.guard is Guard.NONE:
        value.reading.guard = Guard.REQUIRED
    if value.path is not None and not value.replaced:
        walk.known |= prefixes(value.path)
    return replace(value, nil=None)


def _index(walk: Walk, called: Call) -> Value:
    if not called.args:
        return UNKNOWN
    value, *keys = called.args
    for key in keys:
        value = _member(walk, value, key, called.node)
    return value


def _member(walk: Walk, value: Value, key: Value, node: Node) -> Value:
    """Return value[key]."""
    path = value.path
    if path is None or value.replaced or struct_string(path) or path in {ROOT, DEVICE} or is_slot(path):
        # Nothing is known of it, or it cannot be indexed at all.
        walk.escape(value, node)
        return UNKNOWN
    if isinstance(key.constant, str):
        return _named(walk, (*path, key.constant), node)
    if key.kind is Kind.INTEGER and not is_container(path):
        return at((*path, Step.DYNAMIC))
    walk.note(path, Access.DYNAMIC, node)
    return at((*path, Step.DYNAMIC))


def _named(walk: Walk, path: Path, node: Node) -> Value:
    reading = walk.note(path, Access.INDEX, node)
    # A slot that is not bound gives an empty binding, never nil.
    nil = None if path[:1] == BINDINGS and len(path) == 2 else path
    return at(path, nil=nil, reading=reading)


def _not(walk: Walk, called: Call) -> Value:
    if len(called.args) != 1:
        return _anything(walk, called)
    (value,) = called.args
    walk.test(value, called.node)
    return Value(kind=Kind.BOOL, when_true=value.when_false, when_false=value.when_true)


def _equal(walk: Walk, called: Call) -> Value:
    """`eq`: a value that equals something that is not empty is there."""
    _anything(walk, called)
    value, *others = called.args or (UNKNOWN,)
    if others and all(other.constant for other in others):
        return Value(kind=Kind.BOOL, when_true=value.when_true)
    if len(others) == 1 and value.constant:
        return Value(kind=Kind.BOOL, when_true=others[0].when_true)
    return of_kind(Kind.BOOL)


def _not_equal(walk: Walk, called: Call) -> Value:
    return replace(_equal(walk, called), when_true=frozenset(), when_false=_equal_paths(called))


def _equal_paths(called: Call) -> frozenset[Path]:
    if len(called.args) != 2:
        return frozenset()
    left, right = called.args
    if right.constant:
        return left.when_true
    return right.when_true if left.constant else frozenset()


def _compare(walk: Walk, called: Call) -> Value:
    _anything(walk, called)
    return of_kind(Kind.BOOL)


def _len(walk: Walk, called: Call) -> Value:
    _anything(walk, called)
    return of_kind(Kind.INTEGER)


def _slice(walk: Walk, called: Call) -> Value:
    _anything(walk, called)
    if not called.args:
        return UNKNOWN
    value = called.args[0]
    return Value(kind=value.kind, ingredients=value.ingredients)


def _to_json(walk: Walk, called: Call) -> Value:
    _anything(walk, called)
    return Value(kind=Kind.STRING, ingredients=mixed(*called.args), is_json=True)


def _print(walk: Walk, called: Call) -> Value:
    for value in called.args:
        walk.print(value, called.node)
    return text(*called.args)


def _printf(walk: Walk, called: Call) -> Value:
    if called.args and isinstance(called.args[0].constant, str):
        form, *args = called.args
        walk.facts.printf_calls.append(PrintfCall(str(form.constant), tuple(args), called.node))
    return _print(walk, called)


def _urlquery(walk: Walk, called: Call) -> Value:
    _print(walk, called)
    # Percent-encoding leaves nothing that any format would mind.
    return of_kind(Kind.STRING)


_FUNCTIONS: Final[dict[str, Callable[[Walk, Call], Value]]] = {
    "default": _default,
    "required": _required,
    "index": _index,
    "not": _not,
    "eq": _equal,
    "ne": _not_equal,
    **dict.fromkeys(("lt", "le", "gt", "ge"), _compare),
    "len": _len,
    "slice": _slice,
    "toJSON": _to_json,
    "print": _print,
    "println": _print,
    "html": _print,
    "js": _print,
    "printf": _printf,
    "urlquery": _urlquery,
}
