"""Tree of a template: frozen nodes, each with its place; str(node) gives back canonical template text.

Two nodes are equal when they mean the same; their places do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import cache
from typing import ClassVar, Final, TypeVar

from .go.strconv import quote

N = TypeVar("N", bound="Node")

# A brace that would open an action with what follows it is set apart by a comment that trims its spaces away.
_OPEN_BRACE: Final = re.compile(r"\{(?=\{|\Z)")


@dataclass(frozen=True, slots=True)
class Node:
    """Any part of a tree.

    Units: `pos` is the offset in characters that Go's messages refer to; `line` and `column` say the same, from 1.
    """

    pos: int = field(compare=False)
    line: int = field(compare=False)
    column: int = field(compare=False)

    @property
    def start(self) -> int:
        """Offset of the first character; it is `pos`, unless Go's messages are about a part of the node."""
        return self.pos

    def children(self) -> list[Node]:
        """Return the nodes directly below this one, in the order of the text."""
        found: list[Node] = []
        # mypy takes the hash of a node for that of its class.
        for name in _node_fields(type(self)):  # type: ignore[arg-type]
            value = getattr(self, name)
            if isinstance(value, tuple):
                found += value
            elif value is not None:
                found.append(value)
        return found

    def walk(self, *, except_in: tuple[type[Node], ...] = ()) -> Iterator[Node]:
        """Yield this node and all below it, each before the nodes below it; not what is in nodes of some types."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            if not (except_in and isinstance(node, except_in)):
                stack += node.children()[::-1]

    def find_all(self, kind: type[N], *, except_in: tuple[type[Node], ...] = ()) -> Iterator[N]:
        """Yield this node and those below it that are of one type, as `walk` does."""
        return (node for node in self.walk(except_in=except_in) if isinstance(node, kind))


@cache
def _node_fields(kind: type[Node]) -> tuple[str, ...]:
    """Return the names of the fields that hold nodes."""
    return tuple(member.name for member in fields(kind) if "Node" in str(member.type))


@dataclass(frozen=True, slots=True)
class TextNode(Node):
    """Plain text, after trimming."""

    text: str

    def __str__(self) -> str:
        return _OPEN_BRACE.sub("{ {{- /**/ -}} ", self.text)


@dataclass(frozen=True, slots=True)
class DotNode(Node):
    """The cursor, `.`."""

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class NilNode(Node):
    """The constant `nil`."""

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class BoolNode(Node):
    """`true` or `false`."""

    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class NumberNode(Node):
    """A number or a character constant: its text and its value; None where Go's int cannot hold it."""

    text: str
    value: int | float | complex | None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class StringNode(Node):
    """A string constant: as written, and its value."""

    quoted: str
    text: str

    def __str__(self) -> str:
        return self.quoted


@dataclass(frozen=True, slots=True)
class FieldNode(Node):
    """Fields of dot, `.A.B`. `start` is the offset of its first character; Go's `pos` is that of `.B`."""

    ident: tuple[str, ...]
    start: int = field(compare=False)

    def __str__(self) -> str:
        return "." + ".".join(self.ident)


@dataclass(frozen=True, slots=True)
class VariableNode(Node):
    """A variable and fields of it, `$x.A`; the first name includes the `$`."""

    ident: tuple[str, ...]
    start: int = field(compare=False)

    def __str__(self) -> str:
        return ".".join(self.ident)


@dataclass(frozen=True, slots=True)
class IdentifierNode(Node):
    """The name of a function."""

    ident: str

    def __str__(self) -> str:
        return self.ident


@dataclass(frozen=True, slots=True)
class ChainNode(Node):
    """Fields of a term, `(pipeline).A.B`."""

    node: Node
    fields: tuple[str, ...]
    start: int = field(compare=False)

    def __str__(self) -> str:
        return f"{_argument(self.node)}.{'.'.join(self.fields)}"


@dataclass(frozen=True, slots=True)
class CommandNode(Node):
    """One command of a pipeline: operands separated by spaces."""

    args: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(map(_argument, self.args))


@dataclass(frozen=True, slots=True)
class PipeNode(Node):
    """A pipeline, with the variables it declares or assigns."""

    decl: tuple[VariableNode, ...]
    is_assign: bool
    cmds: tuple[CommandNode, ...]

    def __str__(self) -> str:
        text = " | ".join(map(str, self.cmds))
        if not self.decl:
            return text
        return f"{', '.join(map(str, self.decl))} {'=' if self.is_assign else ':='} {text}"


@dataclass(frozen=True, slots=True)
class ListNode(Node):
    """A run of nodes: a template, or the inside of a block."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.nodes))


@dataclass(frozen=True, slots=True)
class ActionNode(Node):
    """`{{pipeline}}`: prints its value, unless it declares or assigns."""

    pipe: PipeNode

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(frozen=True, slots=True)
class BranchNode(Node):
    """What if, range and with have in common.

    `{{else if}}` and `{{else with}}` are an else list that holds nothing but the next block, which has `chained` set.
    """

    #: The word that opens the block.
    keyword: ClassVar[str]

    pipe: PipeNode
    body: ListNode
    else_body: ListNode | None
    chained: bool

    def __str__(self) -> str:
        parts = []
        node: BranchNode = self
        word = self.keyword
        # A long chain is written in a loop, so that its length cannot exhaust the stack.
        while True:
            parts.append(f"{{{{{word} {node.pipe}}}}}{node.body}")
            following = node.chained_branch
            if following is None:
                break
            node, word = following, f"else {self.keyword}"
        if node.else_body is not None:
            parts.append(f"{{{{else}}}}{node.else_body}")
        return "".join([*parts, "{{end}}"])

    @property
    def chained_branch(self) -> BranchNode | None:
        """The next block of the chain, that of `{{else if}}` or `{{else with}}`."""
        nodes = self.else_body.nodes if self.else_body is not None else ()
        following = nodes[0] if len(nodes) == 1 else None
        return following if isinstance(following, BranchNode) and following.chained else None


@dataclass(frozen=True, slots=True)
class IfNode(BranchNode):
    """`{{if}}`."""

    keyword: ClassVar[str] = "if"


@dataclass(frozen=True, slots=True)
class WithNode(BranchNode):
    """`{{with}}`."""

    keyword: ClassVar[str] = "with"


@dataclass(frozen=True, slots=True)
class RangeNode(BranchNode):
    """`{{range}}`."""

    keyword: ClassVar[str] = "range"


@dataclass(frozen=True, slots=True)
class BreakNode(Node):
    """`{{break}}`."""

    def __str__(self) -> str:
        return "{{break}}"


@dataclass(frozen=True, slots=True)
class ContinueNode(Node):
    """`{{continue}}`."""

    def __str__(self) -> str:
        return "{{continue}}"


@dataclass(frozen=True, slots=True)
class TemplateNode(Node):
    """`{{template "name" pipeline}}`; `{{block}}` is a definition and one of these."""

    name: str
    pipe: PipeNode | None

    def __str__(self) -> str:
        return f"{{{{template {quote(self.name)}{'' if self.pipe is None else f' {self.pipe}'}}}}}"


@dataclass(frozen=True, slots=True)
class Tree:
    """A parsed template: the definitions by name, the one under `name` being what is executed."""

    name: str
    templates: dict[str, ListNode]
    source: str = field(compare=False)

    @property
    def root(self) -> ListNode:
        """The list that is executed."""
        return self.templates[self.name]

    def __str__(self) -> str:
        definitions = [
            f"{{{{define {quote(name)}}}}}{body}{{{{end}}}}"
            for name, body in self.templates.items()
            if name != self.name
        ]
        return "".join([*definitions, str(self.root)])

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Yield every node with the name of the template it is in, each before the nodes below it."""
        for name, body in self.templates.items():
            for node in body.walk():
                yield name, node


def _argument(node: Node) -> str:
    return f"({node})" if isinstance(node, PipeNode) else str(node)
