"""What is noted while a template is walked; `analyze` sums it up, and the rules of lint look for mistakes in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bootstrap_project.diagnostics import Location
from bootstrap_project.gotemplate import Source, Tree
from bootstrap_project.gotemplate.nodes import FieldNode, ListNode, Node, RangeNode, VariableNode
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
class MemberRead:
    """A read of a member: a field, or a key of `index`."""

    owner: Value
    key: str | Value
    node: Node
    reachable: bool


@dataclass(frozen=True, slots=True)
class TypedCall:
    """A function or `range` that takes values of some types alone."""

    function: str
    args: tuple[Value, ...]
    node: Node


@dataclass(frozen=True, slots=True)
class LostDot:
    """A member of the root that is asked of another dot; `hint` says how to reach it, `dot` what is there."""

    node: FieldNode
    dot: Value
    block: str
    hint: str


@dataclass(frozen=True, slots=True)
class Loop:
    """A range, and the text that stands right before and right behind it."""

    node: RangeNode
    before: Node | None
    after: Node | None


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
    """A slot whose truth is asked for; `names_it` says that a `with` without an else part only gives it a name."""

    path: Path
    mode: AccessMode
    node: Node
    names_it: bool = False


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
    tree: Tree = field(compare=False, repr=False)
    accesses: list[Access] = field(default_factory=list)
    printed: list[Printed] = field(default_factory=list)
    #: What each action prints, by the identity of its node, in each way that it is reached.
    outputs: dict[int, list[Value]] = field(default_factory=dict, compare=False)
    member_reads: list[MemberRead] = field(default_factory=list)
    typed_calls: list[TypedCall] = field(default_factory=list)
    lost_dots: list[LostDot] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    fallbacks: list[Fallback] = field(default_factory=list)
    printf_calls: list[PrintfCall] = field(default_factory=list)
    slot_tests: list[SlotTest] = field(default_factory=list)
    #: The slots whose id is asked for, each with the template where.
    asked_ids: list[tuple[Path, str]] = field(default_factory=list)
    #: By the node of a `with` of a slot: the template, and which of `asked_ids` are inside.
    slot_withs: dict[int, tuple[str, int, int]] = field(default_factory=dict, compare=False)
    constant_tests: list[ConstantTest] = field(default_factory=list)
    unknown_members: list[UnknownMember] = field(default_factory=list)
    unreachable: list[Node] = field(default_factory=list)
    undefined_templates: list[Node] = field(default_factory=list)
    unused_templates: dict[str, ListNode] = field(default_factory=dict)
    unused_variables: list[VariableNode] = field(default_factory=list)
    #: The whole output, where the template has no actions.
    fixed_text: str | None = None
    is_complete: bool = True

    def asks_for_id(self, test: SlotTest) -> bool:
        """Return whether the id of a slot is asked for inside of the `with` of it, or in a template."""
        if id(test.node) not in self.slot_withs:
            return False
        template, first, end = self.slot_withs[id(test.node)]
        return any(
            path == test.path and (first <= number < end or where != template)
            for number, (path, where) in enumerate(self.asked_ids)
        )

    def location(self, node: Node) -> Location:
        """Return the place of `node`, as wide as its text where the source has that letter by letter."""
        return self.source.location(node.start, str(node))


def expression_of(node: Node) -> str:
    """Return `node` in canonical form, cut to what a message can hold."""
    return shorten(str(node), _EXPRESSION_LENGTH)
