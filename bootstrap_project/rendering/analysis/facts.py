"""What is noted while a template is walked; `analyze` sums it up, and the rules of lint look for mistakes in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bootstrap_project.diagnostics import Location
from bootstrap_project.gotemplate import Source
from bootstrap_project.gotemplate.nodes import ListNode, Node, VariableNode
from bootstrap_project.rendering.analysis.paths import Path, shorten
from bootstrap_project.rendering.analysis.values import Access, AccessMode, Value

_EXPRESSION_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Printed:
    """A value that is printed, by an action or by a function that writes text."""

    value: Value
    node: Node
    reachable: bool


@dataclass(frozen=True, slots=True)
class Quoted:
    """A value that stands between quotes of its own in the text around it."""

    value: Value
    node: Node
    quote: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class Fallback:
    """A read that fails before the function around it can put something in its place."""

    path: Path
    function: str
    node: Node
    reachable: bool


@dataclass(frozen=True, slots=True)
class PrintfCall:
    """A call of printf with a constant format."""

    form: str
    args: tuple[Value, ...]
    node: Node


@dataclass(frozen=True, slots=True)
class SlotTest:
    """A slot whose truth is asked for."""

    path: Path
    mode: AccessMode
    node: Node


@dataclass(frozen=True, slots=True)
class ConstantTest:
    """A condition that is a literal; `dead` says what is never rendered because of it, nothing if all is."""

    truth: bool
    dead: str
    node: Node


@dataclass(frozen=True, slots=True)
class UnknownMember:
    """A member that a struct of the context does not have."""

    path: Path
    member: str
    node: Node


@dataclass(slots=True)
class Facts:
    """All that one walk found; each list feeds one rule of lint, but for `accesses`, which most of them look at."""

    source: Source = field(compare=False, repr=False)
    accesses: list[Access] = field(default_factory=list)
    printed: list[Printed] = field(default_factory=list)
    quoted: list[Quoted] = field(default_factory=list)
    fallbacks: list[Fallback] = field(default_factory=list)
    printf_calls: list[PrintfCall] = field(default_factory=list)
    slot_tests: list[SlotTest] = field(default_factory=list)
    constant_tests: list[ConstantTest] = field(default_factory=list)
    unknown_members: list[UnknownMember] = field(default_factory=list)
    unreachable: list[Node] = field(default_factory=list)
    undefined_templates: list[Node] = field(default_factory=list)
    unused_templates: dict[str, ListNode] = field(default_factory=dict)
    unused_variables: list[VariableNode] = field(default_factory=list)
    #: The whole output, where the template has no actions.
    fixed_text: str | None = None
    is_complete: bool = True

    def location(self, node: Node) -> Location:
        """Return the place of `node`, as wide as its text where the source has that letter by letter."""
        return self.source.location(node.start, str(node))


def expression_of(node: Node) -> str:
    """Return `node` in canonical form, cut to what a message can hold."""
    return shorten(str(node), _EXPRESSION_LENGTH)
