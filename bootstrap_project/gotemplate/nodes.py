"""Tree of a template: frozen nodes, each with its place; str(node) gives back canonical template text.

Two nodes are equal when they mean the same; their places do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .gostrings import quote
from .literals import Number

# A brace that would open an action with what follows it is set apart by a comment that trims its spaces away.
_OPEN_BRACE = re.compile(r"\{(?=\{|\Z)")


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

    def children(self) -> Iterator[Node]:
        """Yield the nodes directly below this one, in the order of the text."""
        return iter(())


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
    """A number or a character constant: its text and the values it may stand for."""

    text: str
    number: Number

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

    def children(self) -> Iterator[Node]:
        """Yield the term."""
        yield self.node


@dataclass(frozen=True, slots=True)
class CommandNode(Node):
    """One command of a pipeline: operands separated by spaces."""

    args: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(map(_argument, self.args))

    def children(self) -> Iterator[Node]:
        """Yield the operands."""
        return iter(self.args)


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

    def children(self) -> Iterator[Node]:
        """Yield the variables, then the commands."""
        yield from self.decl
        yield from self.cmds


@dataclass(frozen=True, slots=True)
class ListNode(Node):
    """A run of nodes: a template, or the inside of a block."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.nodes))

    def children(self) -> Iterator[Node]:
        """Yield the nodes of the run."""
        return iter(self.nodes)


@dataclass(frozen=True, slots=True)
class ActionNode(Node):
    """`{{pipeline}}`: prints its value, unless it declares or assigns."""

    pipe: PipeNode

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"

    def children(self) -> Iterator[Node]:
        """Yield the pipeline."""
        yield self.pipe


@dataclass(frozen=True, slots=True)
class BranchNode(Node):
    """What if, range and with have in common.

    `{{else if}}` and `{{else with}}` are an else list that holds nothing but the next block, which has `chained` set.
    """

    pipe: PipeNode
    body: ListNode
    else_body: ListNode | None
    chained: bool

    def __str__(self) -> str:
        parts = []
        node: BranchNode = self
        word = keyword = self.keyword()
        while True:
            parts.append(f"{{{{{word} {node.pipe}}}}}{node.body}")
            last = node.else_body
            if last is None:
                break
            following = last.nodes[0] if len(last.nodes) == 1 else None
            if not (isinstance(following, BranchNode) and following.chained):
                parts.append(f"{{{{else}}}}{last}")
                break
            # A long chain is written in a loop, so that its length cannot exhaust the stack.
            node, word = following, f"else {keyword}"
        return "".join([*parts, "{{end}}"])

    def keyword(self) -> str:
        """Return the word that opens the block."""
        raise NotImplementedError

    def children(self) -> Iterator[Node]:
        """Yield the pipeline, the body and the else body."""
        yield self.pipe
        yield self.body
        if self.else_body is not None:
            yield self.else_body


@dataclass(frozen=True, slots=True)
class IfNode(BranchNode):
    """`{{if}}`."""

    def keyword(self) -> str:
        """Return "if"."""
        return "if"


@dataclass(frozen=True, slots=True)
class WithNode(BranchNode):
    """`{{with}}`."""

    def keyword(self) -> str:
        """Return "with"."""
        return "with"


@dataclass(frozen=True, slots=True)
class RangeNode(BranchNode):
    """`{{range}}`."""

    def keyword(self) -> str:
        """Return "range"."""
        return "range"


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

    def children(self) -> Iterator[Node]:
        """Yield the pipeline, if there is one."""
        if self.pipe is not None:
            yield self.pipe


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
            stack: list[Node] = [body]
            while stack:
                node = stack.pop()
                yield name, node
                stack.extend(reversed(list(node.children())))


def _argument(node: Node) -> str:
    return f"({node})" if isinstance(node, PipeNode) else str(node)
