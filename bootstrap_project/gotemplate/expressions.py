"""Compiler, part two: expressions to operands, in the order Go evaluates them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import nodes
from .builtins import text_exact
from .codegen import FIELD_KINDS, NO_CONST, STRUCTS, CodeWriter, Kind, Last, Operand, literal
from .go.values import type_name
from .intrinsics import simple_call
from .limits import Limits
from .registry import BUILTINS
from .state import State


def constant(value: Any) -> Operand:
    """Return the operand of a constant."""
    kind = Kind.STR if isinstance(value, str) else Kind.INT if value.__class__ is int else Kind.CONST
    return Operand(literal(value), kind, const=value)


class Expressions(CodeWriter):
    """Writes the evaluation of expressions into the current function."""

    def __init__(self) -> None:
        super().__init__()
        self.scope: list[tuple[str, Operand]] = []
        self.assigned: frozenset[str] = frozenset()
        self.range_assigned: frozenset[str] = frozenset()
        self.conditional: list[str] | None = None

    # Fields.

    def root_part(self, name: str) -> str:
        """Return the local name of a field of the root."""
        local = {"Device": "rd", "Vars": "rv", "Bindings": "rb"}[name]
        self.function.used.add(local)
        return local

    def field(self, operand: Operand, name: str) -> Operand:
        """Evaluate `operand.name`."""
        kind = operand.kind
        if kind in STRUCTS:
            if name not in STRUCTS[kind].go_fields:
                return self.fail(
                    f"can't evaluate field {name} in type {STRUCTS[kind].go_type}", code="field", name=name
                )
            code = self.root_part(name) if kind == Kind.ROOT else f"{operand.code}.{name}"
            return Operand(code, FIELD_KINDS.get(name, Kind.STR))
        if kind == Kind.MAP:
            return self.store_temp(f"{operand.code}[{literal(name)}]", wrapped=True)
        if kind == Kind.BINDINGS:
            return self.store_temp(f"{operand.code}[{literal(name)}]", kind=Kind.BINDING)
        if kind == Kind.ANY:
            code, key = operand.code, literal(name)
            slow = f"{'wrapped_field' if operand.wrapped else 'field'}({code}, {key})"
            if isinstance(operand.wrapped, str):
                slow = f"field({code}, {key}, wrapped=is_wrapped({operand.wrapped}))"
            return self.store_temp(f"{code}[{key}] if {code}.__class__ is dict else {slow}", wrapped=True)
        if kind == Kind.NIL:
            return self.fail(f'nil data; no entry for key "{name}"')
        if operand.const is not NO_CONST:
            return self.fail(f"can't evaluate field {name} in type {type_name(operand.const)}", code="field", name=name)
        return self.store_temp(f"field({operand.code}, {literal(name)})")

    def chain(self, operand: Operand, names: tuple[str, ...], *, has_args: bool) -> Operand:
        """Evaluate fields of fields; only a function could take arguments, and no field is one."""
        for name in names[:-1]:
            operand = self.field(operand, name)
        if not has_args:
            return self.field(operand, names[-1])
        operand = self.value(operand)
        return self.store_temp(
            f"with_arguments({operand.code}, {literal(names[-1])}, wrapped={operand.wrapped is not False})"
        )

    # Variables.

    def variable(self, name: str) -> Operand:
        uncertain, known = self.declarations(name)
        if not uncertain:
            return self.fail(f"undefined variable: {name}") if known is None else known
        code = self.store_temp(uncertain[0].code).code
        for operand in (*uncertain[1:], *([known] if known is not None else ())):
            self.line(f"if {code} is UNSET: {code} = {operand.code}")
        if known is None:
            self.line(f"if {code} is UNSET: {self.failure(f'undefined variable: {name}')}")
        return Operand(code)

    def declarations(self, name: str) -> tuple[list[Operand], Operand | None]:
        """Return what a variable's name may mean: newer declarations that may have been skipped, and a certain one."""
        uncertain: list[Operand] = []
        for declared, operand in reversed(self.scope):
            if declared == name:
                if not operand.conditional:
                    return uncertain, operand
                uncertain.append(operand)
        return uncertain, None

    def declare(self, name: str, operand: Operand) -> None:
        """Bring a variable into scope with its first value."""
        operand = self.snapshot(self.value(operand))
        if self.conditional is not None:
            self.declare_conditional(name, operand)
            return
        if self.boxes is not None:
            code = self.new_local("x")
        elif name in self.assigned:
            code = self.name("x")
        else:
            self.scope.append((name, replace(operand, temporary=False)))
            return
        self.line(f"{code} = {operand.code}")
        kind = Kind.ANY if name in self.assigned else operand.kind
        const = NO_CONST if name in self.assigned else operand.const
        if kind == Kind.CONST and const is NO_CONST:
            kind = Kind.ANY
        wrapped = operand.wrapped
        if name in self.range_assigned:
            wrapped = self.new_local("w")
            self.line(f"{wrapped} = {operand.wrapped if isinstance(operand.wrapped, str) else None}")
        self.scope.append((name, Operand(code, kind, wrapped, const=const)))

    def declare_conditional(self, name: str, operand: Operand) -> None:
        """Bring a variable into scope in an argument that may be skipped; then an outer one is meant, if any."""
        code = self.new_local("x")
        if self.conditional is not None:
            self.conditional.append(f"{code} = UNSET")
        self.line(f"{code} = {operand.code}")
        self.scope.append((name, Operand(code, conditional=True)))

    def assign(self, name: str, operand: Operand) -> None:
        uncertain, target = self.declarations(name)
        code = self.value(operand).code
        word = "if"
        for other in uncertain:
            self.line(f"{word} {other.code} is not UNSET: {other.code} = {code}")
            word = "elif"
        start = "else: " if uncertain else ""
        if target is None:
            self.line(start + self.failure(f"undefined variable: {name}"))
            return
        self.line(f"{start}{target.code} = {code}")
        if isinstance(target.wrapped, str) and name in self.range_assigned:
            self.line(f"{target.wrapped} = {operand.wrapped if isinstance(operand.wrapped, str) else None}")

    # Pipelines.

    def pipeline(self, pipe: nodes.PipeNode, dot: Operand) -> Operand:
        """Evaluate a pipeline and bind its variables."""
        operand = self.commands(pipe, dot)
        for variable in pipe.decl:
            if pipe.is_assign:
                self.assign(variable.ident[0], operand)
            else:
                self.declare(variable.ident[0], operand)
        return operand

    def commands(self, pipe: nodes.PipeNode, dot: Operand) -> Operand:
        self.at = pipe
        operand: Operand | None = None
        for command in pipe.cmds:
            operand = replace(self.command(command, dot, operand), wrapped=False)
        if operand is None:
            raise AssertionError("the parser lets no empty pipeline through")
        return operand

    def command(self, command: nodes.CommandNode, dot: Operand, final: Operand | None) -> Operand:
        """Evaluate one command; `final` is what the previous one gave."""
        first, rest = command.args[0], command.args[1:]
        has_args = bool(rest) or final is not None
        if isinstance(first, nodes.IdentifierNode):
            return self.call(first, command, rest, final, dot)
        if isinstance(first, nodes.PipeNode):
            return self.not_a_function(first, has_args) or self.pipeline(first, dot)
        self.at = first
        if isinstance(first, nodes.FieldNode | nodes.ChainNode | nodes.VariableNode):
            return self.reference(first, dot, has_args=has_args)
        if isinstance(first, nodes.NilNode):
            return self.not_a_function(first, has_args) or self.fail("nil is not a command")
        return self.not_a_function(first, has_args) or self.simple(first, dot)

    def not_a_function(self, node: nodes.Node, has_args: bool) -> Operand | None:
        """Refuse arguments to something that is no function."""
        return self.fail(f"can't give argument to non-function {node}") if has_args else None

    def simple(self, node: nodes.Node, dot: Operand) -> Operand:
        """Evaluate dot or a literal."""
        self.at = node
        if isinstance(node, nodes.DotNode):
            return dot
        if isinstance(node, nodes.BoolNode):
            return constant(node.value)
        if isinstance(node, nodes.StringNode):
            return constant(node.text)
        if not isinstance(node, nodes.NumberNode):
            raise TypeError(f"{type(node).__name__} is not a literal")
        return self.fail(f"{node.text} overflows int") if node.value is None else constant(node.value)

    def argument(self, node: nodes.Node, dot: Operand, kind: str = "value") -> Operand:
        """Evaluate an operand where a function wants a value, anything or a string.

        Source: Go text/template, evalArg.
        """
        self.at = node
        if isinstance(node, nodes.NilNode):
            return self.fail("cannot assign nil to string") if kind == "string" else Operand("None", Kind.NIL)
        if isinstance(node, nodes.BoolNode | nodes.NumberNode | nodes.StringNode):
            if kind == "string" and not isinstance(node, nodes.StringNode):
                return self.fail(f"expected string; found {node}", code="text")
            return self.simple(node, dot)
        if isinstance(node, nodes.PipeNode):
            operand = self.pipeline(node, dot)
        elif isinstance(node, nodes.IdentifierNode):
            operand = self.call(node, node, (), None, dot)
        elif isinstance(node, nodes.DotNode):
            operand = dot
        else:
            operand = self.reference(node, dot)
        return self.string(operand) if kind == "string" else operand

    def reference(self, node: nodes.Node, dot: Operand, *, has_args: bool = False) -> Operand:
        """Evaluate a field, a variable or a chain."""
        if isinstance(node, nodes.FieldNode):
            return self.chain(dot, node.ident, has_args=has_args)
        if isinstance(node, nodes.ChainNode):
            return self.chain(self.argument(node.node, dot), node.fields, has_args=has_args)
        if not isinstance(node, nodes.VariableNode):
            raise TypeError(f"{type(node).__name__} is not an operand")
        operand = self.variable(node.ident[0])
        if len(node.ident) > 1:
            return self.chain(operand, node.ident[1:], has_args=has_args)
        return self.not_a_function(node, has_args) or operand

    def string(self, operand: Operand) -> Operand:
        """Check that an operand is a string."""
        if operand.kind == Kind.STR:
            return operand
        operand = self.value(operand)
        if operand.const is not NO_CONST:
            return self.fail(f"wrong type for value; expected string; got {type_name(operand.const)}")
        check = f"need_string({operand.code}, wrapped={operand.wrapped is not False})"
        self.line(f"if {operand.code}.__class__ is not str: {check}")
        return operand

    # Calls.

    def call(
        self,
        node: nodes.IdentifierNode,
        command: nodes.Node,
        args: tuple[nodes.Node, ...],
        final: Operand | None,
        dot: Operand,
    ) -> Operand:
        """Evaluate a function call.

        Source: Go text/template, evalCall.
        """
        self.at = node
        name = node.ident
        parameters, variadic = BUILTINS[name].params, BUILTINS[name].is_variadic
        count = len(args) + (final is not None)
        if variadic and count < len(parameters):
            return self.fail(f"wrong number of args for {name}: want at least {len(parameters)} got {len(args)}")
        if not variadic and count != len(parameters):
            return self.fail(f"wrong number of args for {name}: want {len(parameters)} got {count}")
        if name in {"and", "or"}:
            return self.short_circuit(name, args, final, dot)
        operands = []
        for number, arg in enumerate(args):
            kind = parameters[number] if number < len(parameters) else "any"
            operand = (
                self.value(self.argument(arg, dot, kind)) if name != "index" or number else self.argument(arg, dot)
            )
            # An argument may change a variable that an earlier one has read.
            operands.append(self.snapshot(operand))
        if final is not None:
            kind = parameters[count - 1] if count <= len(parameters) else "any"
            if not (name == "index" and not operands):
                final = self.value(final)
            operands.append(self.string(final) if kind == "string" else final)
        return self.invoke(name, command, operands, args)

    def snapshot(self, operand: Operand) -> Operand:
        """Return an operand that a later assignment cannot change."""
        if operand.code.startswith(("x", "V")):
            return self.store_temp(operand.code, wrapped=operand.wrapped, kind=operand.kind, const=operand.const)
        return operand

    def invoke(self, name: str, command: nodes.Node, operands: list[Operand], args: tuple[nodes.Node, ...]) -> Operand:
        short = simple_call(self, name, command, operands)
        if short is not None:
            return short
        operands = [self.value(operand) for operand in operands]
        codes = [operand.code for operand in operands]
        if name == "slice":
            codes[1:] = [self.slice_index(operand) for operand in operands[1:]]
        elif name == "call":
            codes.insert(0, literal(str(args[0])) if args else "None")
        return self.store_temp(f"f_{name}({', '.join(['S', *codes])})", command, kind=Kind(BUILTINS[name].returns))

    def slice_index(self, operand: Operand) -> str:
        """Return an index for `slice`, which refuses what Go has inside an interface."""
        if isinstance(operand.wrapped, str):
            return f"WRAPPED if is_wrapped({operand.wrapped}) else {operand.code}"
        return "WRAPPED" if operand.wrapped else operand.code

    def short_circuit(self, name: str, args: tuple[nodes.Node, ...], final: Operand | None, dot: Operand) -> Operand:
        """Evaluate `and` or `or`, each argument only if the ones before leave it open."""
        result, last = self.name(), Last(self.name("k"))
        start, outer, self.conditional = len(self.function.lines), self.conditional, []
        test = f"if {result}:" if name == "and" else f"if not {result}:"
        for number, arg in enumerate(args):
            if number:
                self.line(test)
                self.function.indent += 1
            operand = self.value(self.argument(arg, dot))
            self.line(f"{result} = {operand.code}")
            last.nodes.append(self.at)
            if len(args) > 1:
                self.line(f"{last.local} = {number}")
            if number:
                self.function.indent -= 1
        if len(args) > 1:
            self.at = last
        # Variables that arguments declare exist from here on, even if their argument is skipped.
        for line in self.conditional if outer is None else ():
            self.function.lines.insert(start, f"{' ' * self.function.indent}{line}")
            self.function.nodes.insert(start, self.at)
        if outer is not None:
            outer.extend(self.conditional)
        self.conditional = outer
        if final is not None:
            code = self.value(final).code
            if args:
                self.line(f"{test} {result} = {code}")
            else:
                self.line(f"{result} = {code}")
        return Operand(result, temporary=True)

    # Output.

    def output(self, operand: Operand, node: nodes.Node, pipe: nodes.PipeNode) -> None:
        """Print a value as an action does."""
        self.at = node
        kind, code = operand.kind, operand.code
        if operand.const is not NO_CONST:
            self.put_text(self.constant_text(operand.const))
        elif kind in (Kind.STR, Kind.INT, Kind.SCALAR):
            self.put_value(code)
        elif kind == Kind.BOOL:
            self.put_value(self.store_temp(f"'true' if {code} else 'false'").code)
        elif kind in (Kind.ROOT, Kind.DEVICE, Kind.BINDING, Kind.BINDINGS, Kind.MAP):
            self.put_value(self.store_temp(f"text(S, {self.value(operand).code})", pipe).code)
        elif kind == Kind.NIL:
            self.put_value(self.store_temp("text(S, None)", pipe).code)
        elif operand.temporary:
            self.line(f"if {code}.__class__ is not str and {code}.__class__ is not int: {code} = text(S, {code})", pipe)
            self.put_value(code)
        else:
            test = f"{code}.__class__ is str or {code}.__class__ is int"
            self.put_value(self.store_temp(f"{code} if {test} else text(S, {code})", pipe).code)

    def constant_text(self, value: Any) -> str:
        """Return how a constant prints."""
        return text_exact(State(Limits()), value)
