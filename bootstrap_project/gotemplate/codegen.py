"""What the compiler keeps while it writes Python: operands, lines with their nodes, and the pieces of output."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from .context import BindingContext, DeviceContext, RenderContext, Struct
from .nodes import ListNode, Node


class Kind(StrEnum):
    """What is known about an operand when the template is compiled; SCALAR is an index of range, a str or an int."""

    ANY = "any"
    STR = "str"
    INT = "int"
    BOOL = "bool"
    NIL = "nil"
    CONST = "const"
    SCALAR = "scalar"
    ROOT = "root"
    DEVICE = "device"
    BINDING = "binding"
    BINDINGS = "bindings"
    MAP = "map"


#: The structs by kind.
STRUCTS: Final[dict[Kind, type[Struct]]] = {
    Kind.ROOT: RenderContext,
    Kind.DEVICE: DeviceContext,
    Kind.BINDING: BindingContext,
}
#: The kinds of their fields that are no strings.
FIELD_KINDS: Final = {
    "Device": Kind.DEVICE,
    "Vars": Kind.MAP,
    "Bindings": Kind.BINDINGS,
    "Snapshot": Kind.MAP,
    "Secret": Kind.MAP,
}

_NAME: Final = re.compile(r"(?:[a-z]+[0-9]*|V\[[0-9]+\])(?:\.(?:ID|ExternalID|DomainID|Type))?")

NO_CONST: Final[Any] = object()


@dataclass(frozen=True, slots=True)
class Operand:
    """A value in generated code.

    `code` is a name, an attribute of a known struct or a constant. `wrapped` says whether Go has the value inside an
    interface: yes, no, or as the collection with this name says. A `temporary` operand is a name that nothing else
    uses. A variable that is `conditional` need not have been declared; it is UNSET then.
    """

    code: str
    kind: Kind = Kind.ANY
    wrapped: bool | str = False
    temporary: bool = False
    const: Any = NO_CONST
    conditional: bool = False


def literal(value: Any) -> str:
    """Return a constant as Python source. This and `format_string` are the only ways from template text into code."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, complex):
        return f"complex({literal(value.real)}, {literal(value.imag)})"
    return repr(value)


def format_string(parts: list[tuple[bool, str]]) -> str:
    """Return an f-string of pieces: (True, text) is a constant, (False, code) an operand."""
    out = []
    for is_text, piece in parts:
        if is_text:
            # The leading double quote makes repr choose single quotes; it is cut off again.
            out.append(repr('"' + piece)[2:-1].replace("{", "{{").replace("}", "}}"))
        elif _NAME.fullmatch(piece):
            out.append(f"{{{piece}}}")
        else:
            raise AssertionError("only names of our own may stand in a format string")
    return f"f'{''.join(out)}'"


class Last:
    """Stands for the one of several nodes that was evaluated last: a local variable of generated code says which."""

    __slots__ = ("local", "nodes")

    def __init__(self, local: str) -> None:
        self.local = local
        self.nodes: list[Node | Last] = []

    def node(self, local_variables: Mapping[str, Any]) -> Node:
        """Return the node, given the variables of the frame; the very last one where they do not say."""
        found = self.nodes[local_variables.get(self.local, -1)]
        return found.node(local_variables) if isinstance(found, Last) else found


@dataclass(slots=True)
class Function:
    """One Python function being written, line by line, each line with the node it stands for.

    `loops` has an empty string for each loop around the current line. For one that runs once, so that `break` can leave
    it, there is the name of a variable instead, which says that `continue` was meant. `outer_loop` says whether there
    is a loop around the whole function.
    """

    name: str
    parameters: str
    template: str
    outer_loop: bool
    lines: list[str] = field(default_factory=list)
    nodes: list[Node | Last] = field(default_factory=list)
    indent: int = 1
    parts: list[tuple[bool, str]] = field(default_factory=list)
    values: int = 0
    loops: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def line(self, code: str, node: Node | Last) -> None:
        self.lines.append(f"{' ' * self.indent}{code}")
        self.nodes.append(node)


class CodeWriter:
    """What every part of the compiler writes with: names, and lines of the function at hand.

    `at` follows Go's notion of the node that an error would be reported at.
    """

    function: Function
    at: Node | Last

    def __init__(self) -> None:
        self.counter = 0
        self.boxes: int | None = None

    def name(self, prefix: str = "v") -> str:
        """Return a name that was not used before; nothing of the template is in it."""
        self.counter += 1
        return f"{prefix}{self.counter}"

    def new_local(self, prefix: str) -> str:
        """Return a new place for a value: a name, or a box where bodies may become functions of their own."""
        if self.boxes is None:
            return self.name(prefix)
        self.boxes += 1
        return f"V[{self.boxes}]"

    def line(self, code: str, node: Node | None = None) -> None:
        """Write a line that stands for a node, by default the one errors are reported at."""
        self.function.line(code, self.at if node is None else node)

    def store_temp(self, code: str, node: Node | None = None, **facts: Any) -> Operand:
        """Write an assignment of an expression to a new name and return that."""
        name = self.name()
        self.line(f"{name} = {code}", node)
        return Operand(name, temporary=True, **facts)

    def fail(self, reason: str, node: Node | None = None, *, code: str = "", name: str = "") -> Operand:
        self.line(self.failure(reason, code, name), node)
        return Operand("dead")

    def failure(self, reason: str, code: str = "", name: str = "") -> str:
        """Return the statement that execution fails with."""
        about = f", code={literal(code)}, name={literal(name)}" if code else ""
        return f"raise ExecFault({literal(reason)}{about})"

    def value(self, operand: Operand) -> Operand:
        """Return an operand as a value on its own; what is known of a map of bindings has to travel with it."""
        if operand.kind == Kind.BINDINGS:
            self.function.used.add("root")
            return self.store_temp("typed_bindings(root)")
        return operand

    # Output.

    def put_text(self, text: str) -> None:
        """Add constant text to the pending output."""
        parts = self.function.parts
        if parts and parts[-1][0]:
            parts[-1] = (True, parts[-1][1] + text)
        else:
            parts.append((True, text))

    def put_value(self, code: str) -> None:
        """Add an operand to the pending output; few enough per string to count their sum in time."""
        self.function.parts.append((False, code))
        self.function.values += 1
        if self.function.values >= 16:
            self.flush()

    def flush(self) -> None:
        function = self.function
        parts, function.parts, function.values = function.parts, [], 0
        if not parts:
            return
        function.used.add("add")
        if len(parts) == 1 and parts[0][0]:
            self.line(f"add({literal(parts[0][1])})")
            self.line(f"n -= {len(parts[0][1])}")
            if function.loops or function.name != "main":
                # Constants are bounded by the source as long as they are written once.
                self.line("if n < 0: S.fail_output()")
        else:
            self.line(f"s = {format_string(parts)}")
            self.line("n -= len(s)")
            self.line("if n < 0: S.fail_output()")
            self.line("add(s)")


def step_cost(body: Node) -> int:
    """Return how many steps one run through a body is: its nodes that do something."""
    count = 1 + sum(1 for _ in body.walk())
    return max(1, count // 4)


def block_depth(body: ListNode) -> int:
    """Return how deep blocks are nested in a body."""
    deepest = 0
    stack: list[tuple[Node, int]] = [(body, 0)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, ListNode):
            depth += 1
            deepest = max(deepest, depth)
        stack.extend((child, depth) for child in node.children())
    return deepest
