"""What a template's functions make of abstract values; `and` and `or`, which skip operands, are in `expressions`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from bootstrap_project.gotemplate.go import printf
from bootstrap_project.gotemplate.nodes import CommandNode, IdentifierNode, Node
from bootstrap_project.rendering.analysis.comparisons import compared
from bootstrap_project.rendering.analysis.facts import Fallback, MemberRead, PrintfCall, TypedCall
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
from bootstrap_project.rendering.analysis.state import State
from bootstrap_project.rendering.analysis.values import (
    UNKNOWN,
    AccessMode,
    Guard,
    Kind,
    Value,
    at,
    mixed,
    of_kind,
    text,
)

#: Verbs that write text as it is, and those that write it in letters and digits alone; others write numbers.
_TEXT_VERBS: Final = frozenset("svqc")
_ENCODING_VERBS: Final = frozenset("xXT")


@dataclass(frozen=True, slots=True)
class Call:
    """A function, what it is given (the piped value last), and where."""

    name: str
    node: CommandNode | IdentifierNode
    args: tuple[Value, ...]


def call(state: State, called: Call) -> Value:
    """Return what a call gives."""
    return _FUNCTIONS.get(called.name, _anything)(state, called)


def mark_defaulted(state: State, value: Value, function: str, node: Node) -> None:
    """Note that `function` puts something in the place of `value` where it is missing, or means to."""
    access = value.access
    if access is None or access.guard is not Guard.NONE:
        return
    access.guard = Guard.DEFAULT
    if value.strict and value.path is not None and not value.replaced:
        state.facts.fallbacks.append(Fallback(value.path, function, node, reachable=not state.is_dead))


def _anything(state: State, called: Call) -> Value:
    for value in called.args:
        state.record_whole_access(value, called.node)
    return UNKNOWN


def _default(state: State, called: Call) -> Value:
    if len(called.args) != 2:
        return _anything(state, called)
    fallback, value = called.args
    mark_defaulted(state, value, "default", called.node)
    return Value(
        path=value.path,
        kind=value.kind or fallback.kind,
        nil=fallback.nil,
        replaced=True,
        sources=mixed(value, fallback),
        when_true=value.when_true if fallback.constant is not None and not fallback.constant else frozenset(),
    )


def _required(state: State, called: Call) -> Value:
    if len(called.args) != 2:
        return _anything(state, called)
    value = called.args[1]
    if value.access is not None and value.access.guard is Guard.NONE:
        value.access.guard = Guard.REQUIRED
    if value.path is not None and not value.replaced:
        state.known |= prefixes(value.path)
    return replace(value, nil=None)


def _index(state: State, called: Call) -> Value:
    if not called.args:
        return UNKNOWN
    value, *keys = called.args
    for key in keys:
        value = _member(state, value, key, called.node)
    return value


def _member(state: State, value: Value, key: Value, node: Node) -> Value:
    """Return value[key]."""
    path = value.path
    if path is None or not value.replaced:
        state.facts.member_reads.append(MemberRead(value, key, node, reachable=not state.is_dead))
    if path is None or value.replaced or struct_string(path) or path in {ROOT, DEVICE} or is_slot(path):
        # Nothing is known of it, or it cannot be indexed at all.
        state.record_whole_access(value, node)
        return UNKNOWN
    if isinstance(key.constant, str):
        return _named(state, (*path, key.constant), node)
    if key.kind is Kind.INTEGER and not is_container(path):
        return at((*path, Step.DYNAMIC))
    state.record_access(path, AccessMode.DYNAMIC, node)
    return at((*path, Step.DYNAMIC))


def _named(state: State, path: Path, node: Node) -> Value:
    access = state.record_access(path, AccessMode.INDEX, node)
    # A slot that is not bound gives an empty binding, never nil.
    nil = None if path[:1] == BINDINGS and len(path) == 2 else path
    return at(path, nil=nil, access=access)


def _not(state: State, called: Call) -> Value:
    if len(called.args) != 1:
        return _anything(state, called)
    (value,) = called.args
    state.test(value, called.node)
    return Value(kind=Kind.BOOL, when_true=value.when_false, when_false=value.when_true)


def _compare(state: State, called: Call) -> Value:
    _typed(state, called)
    return compared(called.name, called.args)


def _typed(state: State, called: Call) -> None:
    _anything(state, called)
    if not state.is_dead:
        state.facts.typed_calls.append(TypedCall(called.name, called.args, called.node))


def _len(state: State, called: Call) -> Value:
    _typed(state, called)
    # A length that is not 0 is that of something.
    return Value(kind=Kind.INTEGER, when_true=called.args[0].when_true if called.args else frozenset())


def _slice(state: State, called: Call) -> Value:
    _anything(state, called)
    if not called.args:
        return UNKNOWN
    value = called.args[0]
    return Value(kind=value.kind, sources=value.sources)


def _to_json(state: State, called: Call) -> Value:
    _anything(state, called)
    argument = called.args[0] if called.args else UNKNOWN
    return Value(kind=Kind.STRING, sources=mixed(*called.args), json_of=argument)


def _print(state: State, called: Call) -> Value:
    for value in called.args:
        state.print(value, called.node)
    return text(*called.args)


def _printf(state: State, called: Call) -> Value:
    _typed(state, called)
    written = _print(state, called)
    if not called.args or not isinstance(called.args[0].constant, str):
        return written
    form, *args = called.args
    state.facts.printf_calls.append(PrintfCall(str(form.constant), tuple(args), called.node))
    if form.constant == "%q" and len(args) == 1:
        return replace(written, json_of=args[0])
    verbs = printf.verbs(str(form.constant), len(args))
    letter_by_letter = [args[index] for index, verb in verbs if verb in _TEXT_VERBS]
    encoded = [args[index] for index, verb in verbs if verb in _ENCODING_VERBS]
    return replace(
        written, sources=mixed(*(letter_by_letter or encoded)), is_encoded=not letter_by_letter and bool(encoded)
    )


def _urlquery(state: State, called: Call) -> Value:
    _print(state, called)
    # Percent-encoding leaves nothing that any format would mind.
    return of_kind(Kind.STRING)


_FUNCTIONS: Final[dict[str, Callable[[State, Call], Value]]] = {
    "default": _default,
    "required": _required,
    "index": _index,
    "not": _not,
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), _compare),
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
