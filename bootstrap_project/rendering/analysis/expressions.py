"""Pipelines, commands and operands: from nodes to abstract values."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from bootstrap_project.gotemplate import nodes
from bootstrap_project.rendering.analysis.facts import MemberRead, UnknownMember
from bootstrap_project.rendering.analysis.functions import Call, call, mark_defaulted
from bootstrap_project.rendering.analysis.paths import Path, is_container, is_slot, members_of, struct_string
from bootstrap_project.rendering.analysis.state import State
from bootstrap_project.rendering.analysis.values import (
    NIL,
    UNKNOWN,
    Access,
    AccessMode,
    Guard,
    Kind,
    Value,
    at,
    constant,
    mixed,
    of_kind,
)


def evaluate(state: State, pipe: nodes.PipeNode) -> Value:
    """Return the value of a pipeline; its variables are not declared yet."""
    value: Value | None = None
    for command in pipe.cmds:
        value = _command(state, command, value)
    return value if value is not None else UNKNOWN


def _pipeline(state: State, pipe: nodes.PipeNode) -> Value:
    """Return the value of a pipeline in parentheses, which may declare a variable."""
    value = evaluate(state, pipe)
    declare(state, pipe, value)
    return value


def declare(state: State, pipe: nodes.PipeNode, value: Value) -> None:
    """Declare the variable of a pipeline that is no range's, if it has one."""
    for variable in pipe.decl:
        name = variable.ident[0]
        if pipe.is_assign:
            state.record_whole_access(value, variable)
        else:
            state.declare(name, value, state.declaration(variable))


def _command(state: State, command: nodes.CommandNode, piped: Value | None) -> Value:
    first, *rest = command.args
    if isinstance(first, nodes.IdentifierNode):
        if first.ident in {"and", "or"}:
            return _connect(state, command, first.ident, rest, piped)
        values = [_operand(state, node) for node in rest]
        if piped is not None:
            values.append(piped)
        return call(state, Call(first.ident, command, tuple(values)))
    value = _operand(state, first)
    if not rest and piped is None:
        return value
    # Only functions take arguments: this fails while rendering.
    for node in rest:
        _operand(state, node)
    return UNKNOWN


def _connect(
    state: State, command: nodes.CommandNode, name: str, operands: list[nodes.Node], piped: Value | None
) -> Value:
    """Return the value of `and` or `or`: the operand that decides, the last if none does."""
    known, is_conditional = state.known, state.is_conditional
    values: list[Value] = []
    count = len(operands) + (piped is not None)
    for number in range(count):
        value = _operand(state, operands[number]) if number < len(operands) else piped or UNKNOWN
        if number < count - 1:
            if name == "or":
                mark_defaulted(state, value, name, command)
            state.test(value, command)
        # The next operand is asked for only if this one has not decided.
        state.is_conditional = True
        state.known |= value.when_true if name == "and" else value.when_false
        values.append(value)
    state.known, state.is_conditional = known, is_conditional
    if not values:
        return UNKNOWN
    return _decided(name, values)


def _decided(name: str, values: list[Value]) -> Value:
    if len(values) == 1:
        return values[0]
    last = values[-1]
    if name == "and":
        all_of, one_of = [v.when_true for v in values], [v.when_false for v in values]
    else:
        all_of, one_of = [v.when_false for v in values], [v.when_true for v in values]
    decided, open_end = frozenset[Path]().union(*all_of), reduce(frozenset.intersection, one_of)
    nil = next((v.nil for v in values if v.nil is not None), None) if name == "and" else last.nil
    return Value(
        path=last.path,
        kind=last.kind if all(v.kind is last.kind for v in values) else None,
        nil=nil,
        strict=last.strict,
        replaced=True,
        sources=mixed(*values),
        when_true=decided if name == "and" else open_end,
        when_false=open_end if name == "and" else decided,
    )


def _operand(state: State, node: nodes.Node) -> Value:
    value = UNKNOWN
    match node:
        case nodes.DotNode():
            value = state.dot
        case nodes.NilNode():
            value = NIL
        case nodes.BoolNode():
            value = constant(node.value)
        case nodes.StringNode():
            value = constant(node.text)
        case nodes.NumberNode():
            value = of_kind(Kind.COMPLEX)
            if not isinstance(node.value, complex):
                value = UNKNOWN if node.value is None else constant(node.value)
        case nodes.FieldNode():
            value = _fields(state, state.dot, node.ident, node)
            state.note_lost_dot(node)
        case nodes.VariableNode():
            value = _fields(state, state.look_up(node.ident[0]), node.ident[1:], node)
        case nodes.ChainNode():
            value = _fields(state, _operand(state, node.node), node.fields, node)
        case nodes.PipeNode():
            value = _pipeline(state, node)
        case nodes.IdentifierNode():
            value = call(state, Call(node.ident, node, ()))
    return value


def _fields(state: State, value: Value, names: tuple[str, ...], node: nodes.Node) -> Value:
    """Return the value that a chain of fields leads to."""
    if not names:
        return value
    path = value.path
    if path is None:
        if value.kind is not None:
            state.facts.member_reads.append(MemberRead(value, names[0], node, reachable=not state.is_dead))
        return UNKNOWN
    if value.replaced:
        if value.access is not None and value.access.guard is Guard.NONE:
            value.access.guard = Guard.DEFAULT
        state.record_whole_access(value, node)
        return UNKNOWN
    access: Access | None = value.access
    for name in names:
        members = members_of(path)
        if members is not None and name not in members:
            state.facts.unknown_members.append(UnknownMember(path, name, node))
            return UNKNOWN
        state.facts.member_reads.append(MemberRead(at(path), name, node, reachable=not state.is_dead))
        if struct_string(path):
            return UNKNOWN
        path = (*path, name)
        if is_slot(path):
            access = state.record_access(path, AccessMode.FIELD, node)
    if is_container(path):
        return replace(at(path), strict=True, access=access)
    if struct_string(path):
        if path[0] == "Device":
            access = state.record_access(path, AccessMode.FIELD, node)
        # It is strict if the binding was: with `index` an unbound slot gives "".
        strict = access is not None and access.mode is AccessMode.FIELD and path[0] == "Bindings"
        return at(path, kind=Kind.STRING, strict=strict, access=access)
    access = state.record_access(path, AccessMode.FIELD, node)
    return at(path, nil=path, strict=True, access=access)
