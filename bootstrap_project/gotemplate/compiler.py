"""Compiler, part three: the tree of a template to Python functions, and a map from their lines to the template.

No text of a template becomes code except as a constant; names come from counters. The code is flat: every step is a
line of its own, which gives errors their place for free, and bodies that nest too deep for Python move to functions of
their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import CodeType
from typing import Any, Final

from . import builtins, nodes, runtime
from .codegen import NO_CONST, Function, Kind, Last, Operand, block_depth, format_string, literal, step_cost
from .context import ZERO_BINDING
from .expressions import Expressions
from .faults import ExecFault
from .go.strconv import quote, rejoin
from .go.values import typed_bindings
from .registry import functions

#: File name of generated code, by which its frames are known in a traceback.
FILENAME: Final = "<gotemplate>"

#: The value of a variable whose declaration was skipped.
UNSET: Final = object()

_HOIST_INDENT: Final = 12
#: How long a piece of a template, in steps (see `step_cost`), stays one Python function.
#:
#: Python compiles a text in one go, while no other thread of the process goes on; so nothing long is compiled at once.
_MAX_PART_STEPS: Final = 150
_MAX_TEXT_LENGTH: Final = 16_384


@dataclass(frozen=True, slots=True)
class Program:
    """Generated code, and for each of its lines the template it is from and the node it stands for."""

    source: str
    codes: tuple[CodeType, ...]
    lines: tuple[tuple[str, nodes.Node | Last] | None, ...]

    def load(self, *, strict: bool, instead: Mapping[str, Any] | None = None) -> Callable[[Any, Any], str]:
        """Return the function that executes the template: state and data in, text out.

        `instead` are other functions by the names that generated code has for the usual ones.
        """
        namespace = {**_namespace(strict), **(instead or {})}
        for code in self.codes:
            exec(code, namespace)  # noqa: S102 - The code is ours; template text is in it only as constants.
        main: Callable[[Any, Any], str] = namespace["main"]
        return main


@cache
def _namespace(strict: bool) -> dict[str, Any]:
    """Return everything that generated code can reach by name."""
    return {
        "__builtins__": {name.__name__: name for name in (len, str, int, dict, list, float, complex)},
        "ExecFault": ExecFault,
        "ONCE": (None,),
        "UNSET": UNSET,
        "WRAPPED": builtins.WRAPPED,
        "ZERO_BINDING": ZERO_BINDING,
        "dead": None,
        "f_wrapped_len": builtins.wrapped_length,
        "elements": runtime.elements,
        "field": runtime.field,
        "is_wrapped": runtime.is_wrapped,
        "join": "".join,
        "need_string": runtime.need_string,
        "pairs": runtime.pairs,
        "quote": quote,
        "rejoin": rejoin,
        "text": builtins.text_strict if strict else builtins.text_exact,
        "typed_bindings": typed_bindings,
        "with_arguments": runtime.with_arguments,
        "wrapped_field": runtime.wrapped_field,
        **{f"f_{name}": function for name, function in functions(strict=strict).items()},
    }


def compile_tree(tree: nodes.Tree) -> Program:
    """Compile a tree.

    Cost: some 30 µs per action, nearly all of it Python's own compiler.
    """
    return Compiler(tree).program()


class Compiler(Expressions):
    """Writes one Python function for each template that can be reached, one visit method for each type of node."""

    def __init__(self, tree: nodes.Tree) -> None:
        super().__init__()
        self.tree = tree
        self.done: list[Function] = []
        self.numbers: dict[str, int] = {}
        self.queue: list[str] = []
        self.template = tree.name

    # Functions.

    def program(self) -> Program:
        self.main()
        while self.queue:
            self.definition(self.queue.pop(0))
        source: list[str] = []
        lines: list[tuple[str, nodes.Node | Last] | None] = [None]
        for function in self.done:
            head = [f"def {function.name}({function.parameters}):", *_prelude(function)]
            source.append("\n".join([*head, *function.lines]) + "\n")
            lines += [None] * len(head)
            lines += [(function.template, node) for node in function.nodes]
        if self.tree.name in self.numbers:
            number = self.numbers[self.tree.name]
            source.append(f"def main(S, root):\n out = []\n t{number}(S, out, root)\n return join(out)\n")
            lines += [None] * 4
        return Program("".join(source), tuple(_compiled(source)), tuple(lines))

    def main(self) -> None:
        """Write the function that is executed; one that calls itself is an ordinary definition instead."""
        body = self.tree.root
        if any(isinstance(node, nodes.TemplateNode) and node.name == self.tree.name for _, node in self.tree.walk()):
            self.number(self.tree.name)
            return
        self.begin("main", "S, root", self.tree.name, body)
        self.sequence(body.nodes, Operand("root", Kind.ROOT))
        function = self.function
        self.at = body
        if "add" not in function.used and not any("V[" in line for line in function.lines) and function.values <= 16:
            parts = function.parts
            one = len(parts) == 1 and parts[0][0]
            self.line(f"return {literal(parts[0][1]) if one else format_string(parts)}")
        else:
            self.flush()
            function.used.add("out")
            self.line("return join(out)")
        self.done.append(function)

    def begin(self, name: str, parameters: str, template: str, body: nodes.ListNode) -> None:
        self.function = Function(name, parameters, template, outer_loop=False)
        self.template = template
        self.at = body
        root = Operand("root", Kind.ROOT if name == "main" else Kind.ANY)
        self.scope = [("$", root)]
        self.assigned, self.range_assigned = _assigned(body)
        is_long = step_cost(body) > _MAX_PART_STEPS
        self.boxes = 0 if is_long or block_depth(body) > _HOIST_INDENT else None
        if self.boxes is not None:
            self.function.used.add("V")
        if "$" in self.assigned:
            self.declare("$", root)

    def number(self, name: str) -> int:
        """Return the number of a template's function, which is written later."""
        if name not in self.numbers:
            self.numbers[name] = len(self.numbers)
            self.queue.append(name)
        return self.numbers[name]

    def definition(self, name: str) -> None:
        body = self.tree.templates[name]
        self.begin(f"t{self.numbers[name]}", "S, out, root", name, body)
        self.sequence(body.nodes, Operand("root"))
        self.at = body
        self.flush()
        if "add" in self.function.used:
            self.line("S.output_left = n")
        if not self.function.lines:
            self.line("pass")
        self.done.append(self.function)

    # Lists and blocks.

    def sequence(self, run: Sequence[nodes.Node], dot: Operand) -> None:
        """Write nodes one after the other, the parts of a long sequence as functions of their own."""
        parts = [run] if self.boxes is None else _parts(run)
        for part in parts:
            if len(parts) == 1 or len(part) == 1:
                self.visit(part, dot)
            else:
                self.flush()
                self.hoisted(part, dot)

    def visit(self, run: Sequence[nodes.Node], dot: Operand) -> None:
        for node in run:
            self.at = node
            if isinstance(node, nodes.TextNode):
                self.put_text(node.text)
            else:
                _VISIT[type(node)](self, node, dot)

    def block(self, body: nodes.ListNode, dot: Operand) -> None:
        """Write the body of a block, one level deeper; variables declared in it end with it."""
        mark = len(self.scope)
        outer = self.function
        outer.indent += 1
        if self.boxes is not None and outer.indent > _HOIST_INDENT:
            self.hoisted(body.nodes, dot)
            outer.indent -= 1
        else:
            before = len(outer.lines)
            self.sequence(body.nodes, dot)
            self.flush()
            if len(outer.lines) == before:
                self.line("pass")
            outer.indent -= 1
        del self.scope[mark:]

    def hoisted(self, run: Sequence[nodes.Node], dot: Operand) -> None:
        """Write nodes as a function of their own, where Python would nest too deep or compile for too long at once."""
        outer = self.function
        in_loop = bool(outer.loops or outer.outer_loop)
        name = self.name("h")
        inner = Function(name, "S, out, V, root, dot", self.template, outer_loop=in_loop)
        inner.used |= {"add"}
        self.function = inner
        if dot.kind == Kind.ROOT or dot.const is not NO_CONST:
            inside = dot
        else:
            inside = Operand("dot") if dot.kind == Kind.BINDINGS else Operand("dot", dot.kind, dot.wrapped)
        self.sequence(run, inside)
        self.flush()
        self.at = run[0] if run else self.at
        self.line("S.output_left = n")
        self.done.append(inner)
        self.function = outer
        outer.used |= {"add", "out"}
        code = self.value(dot).code
        self.line("S.output_left = n")
        self.line(f"h = {name}(S, out, V, root, {code})")
        self.line("n = S.output_left")
        if outer.loops and outer.loops[-1]:
            self.line(f"if h == 2: {outer.loops[-1]} = True")
            self.line("if h: break")
        elif outer.loops:
            self.line("if h == 1: break")
            self.line("if h == 2: continue")
        elif in_loop:
            self.line("if h: return h")

    # Nodes.

    def action(self, node: nodes.ActionNode, dot: Operand) -> None:
        """{{pipeline}}: print its value, unless it declares or assigns."""
        operand = self.pipeline(node.pipe, dot)
        if not node.pipe.decl:
            self.output(operand, node, node.pipe)

    def branch(self, node: nodes.BranchNode, dot: Operand) -> None:
        """{{if}} and {{with}}: a chain of tests, written flat, so that its length is no depth."""
        self.flush()
        mark = len(self.scope)
        chain = [node]
        while (following := chain[-1].chained_branch) is not None:
            chain.append(following)
        last = chain[-1].else_body
        function = self.function
        open_ = self.name("g") if len(chain) > 1 else ""
        if open_:
            self.line(f"{open_} = True")
        for number, part in enumerate(chain):
            self.at = part
            if number:
                self.line(f"if {open_}:")
                function.indent += 1
            operand = self.pipeline(part.pipe, dot)
            inside = dot
            if isinstance(part, nodes.WithNode):
                operand = self.snapshot(self.value(operand))
                inside = Operand(operand.code, operand.kind, const=operand.const)
            self.line(f"if {operand.code}:")
            self.block(part.body, inside)
            if open_:
                function.indent += 1
                self.line(f"{open_} = False")
                function.indent -= 1
            if number:
                function.indent -= 1
        if last is not None:
            self.line(f"if {open_}:" if open_ else "else:")
            self.block(last, dot)
        del self.scope[mark:]

    def range(self, node: nodes.RangeNode, dot: Operand) -> None:
        """{{range}}: a loop over what the runtime gives, paid for before or while it runs."""
        self.flush()
        mark = len(self.scope)
        pipe, function = node.pipe, self.function
        whole = self.snapshot(self.commands(pipe, dot))
        kind = whole.kind
        if kind != Kind.BINDINGS:
            whole = self.value(whole)
        names = [variable.ident[0] for variable in pipe.decl]
        source = self.new_local("c")
        self.line(f"{source} = {whole.code}")
        if pipe.is_assign:
            for name in names:
                self.assign(name, Operand(source))
        items = self.name("r")
        helper = "pairs" if len(names) == 2 else "elements"
        self.line(f"{items} = {helper}(S, {source}, {step_cost(node.body)})")
        if node.else_body is not None:
            self.line(f"if {items} is None:")
            inner = len(self.scope)
            if not pipe.is_assign:
                function.indent += 1
                for name in names:
                    self.declare(name, Operand(source))
                function.indent -= 1
            self.range_else(node.else_body, dot)
            del self.scope[inner:]
        element = Operand(self.name("d"), _element_kind(kind), _element_wrapped(kind, source))
        key = Operand(self.name("i"), Kind.SCALAR)
        values = [key, element] if len(names) == 2 else [element]
        self.line(f"for {', '.join(value.code for value in values)} in {items} or ():")
        function.loops.append("")
        function.indent += 1
        for name, value in zip(names, values, strict=False):
            if pipe.is_assign:
                self.assign(name, replace(value, wrapped=source) if value.wrapped else value)
            else:
                self.declare(name, value)
        function.indent -= 1
        self.block(node.body, element)
        function.loops.pop()
        del self.scope[mark:]

    def range_else(self, body: nodes.ListNode, dot: Operand) -> None:
        """{{else}} of a range: a break in it leaves this range and no more, but a continue goes on with the outer one.

        Source: Go text/template, walkRange.
        """
        function = self.function
        if not _has_break(body):
            self.block(body, dot)
            return
        again = self.new_local("e")
        function.indent += 1
        self.line(f"{again} = False")
        self.line("for h in ONCE:")
        function.loops.append(again)
        self.block(body, dot)
        function.loops.pop()
        self.line(f"if {again}:")
        function.indent += 1
        self.jump(is_break=False)
        function.indent -= 2

    def break_or_continue(self, node: nodes.Node, _dot: Operand) -> None:
        self.flush()
        self.jump(is_break=isinstance(node, nodes.BreakNode))

    def jump(self, *, is_break: bool) -> None:
        """Write the jump out of a loop's body, which may go on in the function around this one."""
        loops = self.function.loops
        if not loops:
            self.line("S.output_left = n")
            self.line(f"return {1 if is_break else 2}")
        elif is_break or not loops[-1]:
            self.line("break" if is_break else "continue")
        else:
            self.line(f"{loops[-1]} = True")
            self.line("break")

    def call_template(self, node: nodes.TemplateNode, dot: Operand) -> None:
        """{{template}}: a call of the function that the definition has become."""
        if node.name not in self.tree.templates:
            self.fail(f"template {quote(node.name)} not defined")
            return
        self.flush()
        operand = Operand("None") if node.pipe is None else self.value(self.pipeline(node.pipe, dot))
        number = self.number(node.name)
        self.function.used |= {"add", "out"}
        self.line("S.output_left = n")
        self.line(f"S.enter({step_cost(self.tree.templates[node.name])})", node)
        self.line(f"t{number}(S, out, {operand.code})")
        self.line("S.depth -= 1")
        self.line("n = S.output_left")


_VISIT: Final[dict[type[nodes.Node], Callable[[Any, Any, Operand], None]]] = {
    nodes.ActionNode: Compiler.action,
    **dict.fromkeys(nodes.BranchNode.__subclasses__(), Compiler.branch),
    nodes.RangeNode: Compiler.range,
    nodes.BreakNode: Compiler.break_or_continue,
    nodes.ContinueNode: Compiler.break_or_continue,
    nodes.TemplateNode: Compiler.call_template,
}


def _prelude(function: Function) -> list[str]:
    """Return the lines a function begins with: only what it uses."""
    used, is_main = function.used, function.name == "main"
    lines = []
    if is_main and ("out" in used or "add" in used):
        lines.append(" out = []")
    if "add" in used:
        lines += [" add = out.append", " n = S.output_left"]
    if "V" in used and not function.name.startswith("h"):
        lines.append(" V = {}")
    parts = (("rd", "Device"), ("rv", "Vars"), ("rb", "Bindings"))
    return lines + [f" {local} = root.{name}" for local, name in parts if local in used]


def _parts(run: Sequence[nodes.Node]) -> list[Sequence[nodes.Node]]:
    """Return the nodes in parts of no more than some steps; a node that is longer by itself is one."""
    parts: list[Sequence[nodes.Node]] = []
    first = steps = 0
    for number, node in enumerate(run):
        added = step_cost(node)
        if number > first and steps + added > _MAX_PART_STEPS:
            parts.append(run[first:number])
            first, steps = number, 0
        steps += added
    parts.append(run[first:])
    return parts


def _compiled(functions: Iterable[str]) -> Iterator[CodeType]:
    """Compile functions that stand one after the other, some at a time."""
    line, pending = 0, ""
    for text in functions:
        if pending and len(pending) + len(text) > _MAX_TEXT_LENGTH:
            yield _moved(compile(pending, FILENAME, "exec", dont_inherit=True), line)
            line += pending.count("\n")
            pending = ""
        pending += text
    yield _moved(compile(pending, FILENAME, "exec", dont_inherit=True), line)


def _moved(code: CodeType, lines: int) -> CodeType:
    """Return code whose lines are counted from further on."""
    inner = (_moved(one, lines) if isinstance(one, CodeType) else one for one in code.co_consts)
    return code.replace(co_firstlineno=code.co_firstlineno + lines, co_consts=tuple(inner))


def _assigned(body: nodes.ListNode) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of the variables that are assigned to, and of those that a range assigns to."""
    names = {variable.ident[0] for pipe in body.find_all(nodes.PipeNode) if pipe.is_assign for variable in pipe.decl}
    by_range = {
        variable.ident[0]
        for loop in body.find_all(nodes.RangeNode)
        if loop.pipe.is_assign
        for variable in loop.pipe.decl
    }
    return frozenset(names), frozenset(by_range)


def _has_break(body: nodes.ListNode) -> bool:
    """Return whether there is a break that leaves this body, not a range inside it."""
    return any(body.find_all(nodes.BreakNode, except_in=(nodes.RangeNode,)))


def _element_kind(kind: Kind) -> Kind:
    return {Kind.BINDINGS: Kind.BINDING, Kind.INT: Kind.INT}.get(kind, Kind.ANY)


def _element_wrapped(kind: Kind, source: str) -> bool | str:
    if kind in (Kind.BINDINGS, Kind.INT):
        return False
    return True if kind == Kind.MAP else source
