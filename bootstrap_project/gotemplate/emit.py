"""What the compiler keeps while it writes Python: operands, lines with their nodes, and the pieces of output."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from .nodes import ListNode, Node

# What is known about an operand when the template is compiled.
ANY, STR, INT, BOOL, NIL, CONST = "any", "str", "int", "bool", "nil", "const"
SCALAR = "scalar"  # An index of range: a str or an int.
ROOT, DEVICE, BINDING, BINDINGS, MAP = "root", "device", "binding", "bindings", "map"

STRUCT_FIELDS: dict[str, dict[str, tuple[str, str]]] = {
    ROOT: {"Device": ("{0}.Device", DEVICE), "Vars": ("{0}.Vars", MAP), "Bindings": ("{0}.Bindings", BINDINGS)},
    DEVICE: dict.fromkeys(("ID", "ExternalID", "DomainID"), ("", STR)),
    BINDING: {"Type": ("", STR), "ID": ("", STR), "Snapshot": ("", MAP), "Secret": ("", MAP)},
}
STRUCT_NAMES = {ROOT: "bootstrap.RenderContext", DEVICE: "bootstrap.DeviceContext", BINDING: "bootstrap.BindingContext"}

_NAME = re.compile(r"(?:[a-z]+[0-9]*|V\[[0-9]+\])(?:\.(?:ID|ExternalID|DomainID|Type))?")

NO_CONST: Any = object()


@dataclass(frozen=True, slots=True)
class Operand:
    """A value in generated code.

    `code` is a name, an attribute of a known struct or a constant. `wrapped` tells whether Go has the value inside an
    interface: yes, no, or as the collection with this name tells. A `fresh` operand is a name that nothing else uses.
    `path` is the expression as the template's author would write it.
    A variable that is there only `maybe` need not have been declared.
    """

    code: str
    kind: str = ANY
    wrapped: bool | str = False
    fresh: bool = False
    const: Any = NO_CONST
    path: str = ""
    maybe: bool = False


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


class Function:
    """One Python function being written, line by line, each line with the node it stands for."""

    def __init__(self, name: str, parameters: str, template: str, *, loop: bool) -> None:
        self.name = name
        self.parameters = parameters
        self.template = template
        self.lines: list[str] = []
        self.nodes: list[Node] = []
        self.indent = 1
        self.parts: list[tuple[bool, str]] = []
        self.values = 0
        self.loops = 0
        self.outer_loop = loop
        self.used: set[str] = set()

    def line(self, code: str, node: Node) -> None:
        """Append a line."""
        self.lines.append(f"{' ' * self.indent}{code}")
        self.nodes.append(node)


@dataclass(frozen=True, slots=True)
class Site:
    """A place where a value may turn out to be missing, for the run that collects them all."""

    node: Node
    path: str
    name: str


def weight(body: ListNode) -> int:
    """Return how many steps one run through a body is: its nodes that do something."""
    count = 1
    stack: list[Node] = [body]
    while stack:
        node = stack.pop()
        count += 1
        stack.extend(node.children())
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
