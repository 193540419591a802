"""Pipelines, commands and operands: from nodes to abstract values."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

from bootstrap_project.gotemplate.nodes import (
    BoolNode,
    ChainNode,
    CommandNode,
    DotNode,
    FieldNode,
    IdentifierNode,
    Node,
    NumberNode,
    PipeNode,
    StringNode,
    VariableNode,
)
from bootstrap_project.rendering.analysis.facts import UnknownMember
from bootstrap_project.rendering.analysis.functions import Call, call, settle
from bootstrap_project.rendering.analysis.paths import Path, is_container, is_slot, members_of, struct_string
from bootstrap_project.rendering.analysis.state import Walk
from bootstrap_project.rendering.analysis.values import (
    UNKNOWN,
    Access,
    Guard,
    Kind,
    Reading,
    Value,
    at,
    constant,
    mixed,
)


def evaluate(walk: Walk, pipe: PipeNode) -> Value:
    """Return the value of a pipeline; its variables are not declared yet."""
    value: Value | None = None
    for command in pipe.cmds:
        value = _command(walk, command, value)
    return value if value is not None else UNKNOWN


def _pipeline(walk: Walk, pipe: PipeNode) -> Value:
    """Return the value of a pipeline in parentheses, which may declare a variable."""
    value = evaluate(walk, pipe)
    declare(walk, pipe, value)
    return value


def declare(walk: Walk, pipe: PipeNode, value: Value) -> None:
    """Declare the variable of a pipeline that is no range's, if it has one."""
    for variable in pipe.decl:
        name = variable.ident[0]
        if pipe.is_assign:
            walk.escape(value, variable)
        else:
            walk.declare(name, value, walk.declaration(variable))


def _command(walk: Walk, command: CommandNode, piped: Value | None) -> Value:
    first, *rest = command.args
    if isinstance(first, IdentifierNode):
        if first.ident in {"and", "or"}:
            return _connect(walk, command, first.ident, rest, piped)
        values = [_operand(walk, node) for node in rest]
        if piped is not None:
            values.append(piped)
        return call(walk, Call(first.ident, command, tuple(values)))
    value = _operand(walk, first)
    if not rest and piped is None:
        return value
    # Only functions take arguments: this fails while rendering.
    for node in rest:
        _operand(walk, node)
    return UNKNOWN


def _connect(walk: Walk, command: CommandNode, name: str, nodes: list[Node], piped: Value | None) -> Value:
    """Return the value of `and` or `or`: the operand that decides, the last if none does."""
    known, is_conditional = walk.known, walk.is_conditional
    values: list[Value] = []
    count = len(nodes) + (piped is not None)
    for number in range(count):
        value = _operand(walk, nodes[number]) if number < len(nodes) else piped or UNKNOWN
        if number < count - 1:
            if name == "or":
                settle(walk, value, name, command)
            walk.test(value, command)
        # The next operand is asked for only if this one has not decided.
        walk.is_conditional = True
        walk.known |= value.when_true if name == "and" else value.when_false
        values.append(value)
    walk.known, walk.is_conditional = known, is_conditional
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
        ingredients=mixed(*values),
        when_true=decided if name == "and" else open_end,
        when_false=open_end if name == "and" else decided,
    )


def _operand(walk: Walk, node: Node) -> Value:
    value = UNKNOWN
    match node:
        case DotNode():
            value = walk.dot
        case BoolNode():
            value = constant(node.value)
        case StringNode():
            value = constant(node.text)
        case NumberNode():
            value = UNKNOWN if node.value is None or isinstance(node.value, complex) else constant(node.value)
        case FieldNode():
            value = _fields(walk, walk.dot, node.ident, node)
        case VariableNode():
            value = _fields(walk, walk.look_up(node.ident[0]), node.ident[1:], node)
        case ChainNode():
            value = _fields(walk, _operand(walk, node.node), node.fields, node)
        case PipeNode():
            value = _pipeline(walk, node)
        case IdentifierNode():
            value = call(walk, Call(node.ident, node, ()))
    return value


def _fields(walk: Walk, value: Value, names: tuple[str, ...], node: Node) -> Value:
    """Return the value that a chain of fields leads to."""
    if not names:
        return value
    path = value.path
    if path is None:
        return UNKNOWN
    if value.replaced:
        if value.reading is not None and value.reading.guard is Guard.NONE:
            value.reading.guard = Guard.DEFAULT
        walk.escape(value, node)
        return UNKNOWN
    reading: Reading | None = value.reading
    for name in names:
        members = members_of(path)
        if members is not None and name not in members:
            walk.facts.unknown_members.append(UnknownMember(path, name, node))
            return UNKNOWN
        if struct_string(path):
            return UNKNOWN
        path = (*path, name)
        if is_slot(path):
            reading = walk.note(path, Access.FIELD, node)
    if is_container(path):
        return replace(at(path), strict=True, reading=reading)
    if struct_string(path):
        if path[0] == "Device":
            reading = walk.note(path, Access.FIELD, node)
        # It is strict if the binding was: with `index` an unbound slot gives "".
        strict = reading is not None and reading.access is Access.FIELD and path[0] == "Bindings"
        return at(path, kind=Kind.STRING, strict=strict, reading=reading)
    reading = walk.note(path, Access.FIELD, node)
    return at(path, nil=path, strict=True, reading=reading)
