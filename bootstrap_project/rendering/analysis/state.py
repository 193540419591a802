"""The state of a walk over a template, and what every part of the walk notes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bootstrap_project.gotemplate import RenderContext
from bootstrap_project.gotemplate.nodes import FieldNode, Node, VariableNode
from bootstrap_project.rendering.analysis.facts import Facts, LostDot, Printed, SlotTest
from bootstrap_project.rendering.analysis.paths import ROOT, VARS, Path, is_container, is_slot
from bootstrap_project.rendering.analysis.values import UNKNOWN, Access, AccessMode, Guard, Value


@dataclass(slots=True)
class Declaration:
    """A variable's declaration, or the two of one range."""

    node: VariableNode
    is_used: bool = False


@dataclass(slots=True)
class Variable:
    """A variable in scope."""

    value: Value
    declaration: Declaration | None = None


@dataclass(slots=True)
class State:
    """Where the walk is: the template, its dot, its variables, and what is certain at this point."""

    facts: Facts
    template: str = ""
    dot: Value = UNKNOWN
    #: What has set dot: "range", "with" or the call of a template; "" at the top, and where nothing is known of it.
    dot_block: str = ""
    #: How the template is called with the dot that its caller meant, where it is called without one.
    call: str = ""
    #: Paths under which something is, because a condition or `required` has seen to it.
    known: frozenset[Path] = frozenset()
    #: What is here can never be rendered.
    is_dead: bool = False
    #: What is here is rendered only under some condition.
    is_conditional: bool = False
    variables: dict[str, Variable] = field(default_factory=dict)
    #: Names of variables that get another value somewhere: nothing is known of theirs.
    reassigned: frozenset[str] = frozenset()
    declarations: dict[tuple[str, int], Declaration] = field(default_factory=dict)

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Forget at the end what is declared and found out inside."""
        variables, dot, known = dict(self.variables), (self.dot, self.dot_block), self.known
        is_dead, is_conditional = self.is_dead, self.is_conditional
        yield
        self.variables, (self.dot, self.dot_block), self.known = variables, dot, known
        self.is_dead, self.is_conditional = is_dead, is_conditional

    # Variables.

    def declare(self, name: str, value: Value, declaration: Declaration) -> None:
        if name in self.reassigned:
            self.record_whole_access(value, declaration.node)
            value = UNKNOWN
        self.variables[name] = Variable(value, declaration)

    def declaration(self, node: VariableNode) -> Declaration:
        """Return the declaration at `node`, one and the same however often the walk comes by."""
        key = (self.template, node.start)
        if key not in self.declarations:
            self.declarations[key] = Declaration(node)
        return self.declarations[key]

    def look_up(self, name: str) -> Value:
        """Return the value of the innermost variable of that name, which counts as used."""
        variable = self.variables.get(name)
        if variable is None:
            return UNKNOWN
        if variable.declaration is not None:
            variable.declaration.is_used = True
        return variable.value

    # Notes.

    def record_access(self, path: Path, mode: AccessMode, node: Node) -> Access:
        """Record a read at this point of the walk, and return it."""
        access = Access(path, mode, node, self.template, reachable=not self.is_dead, is_conditional=self.is_conditional)
        if self._is_certain(path):
            access.guard = Guard.CONDITION
        access.owner_is_certain = path[:2] in self.known
        self.facts.accesses.append(access)
        return access

    def _is_certain(self, path: Path) -> bool:
        # Whoever asks for a variable and then reads members of it says that they come with it.
        if not self.known:
            return False
        shortest = 2 if path[:1] == VARS or len(path) < 4 else 4
        return any(path[:length] in self.known for length in range(shortest, len(path) + 1))

    def record_whole_access(self, value: Value, node: Node) -> None:
        """Record that all members are read, if `value` is a container."""
        if value.path is not None and is_container(value.path):
            self.record_access(value.path, AccessMode.WHOLE, node)

    def print(self, value: Value, node: Node) -> None:
        self.record_whole_access(value, node)
        if value.nil is not None and value.nil not in self.known:
            self.facts.printed.append(Printed(value, node, reachable=not self.is_dead))

    def note_lost_dot(self, node: FieldNode) -> None:
        """Note that a member of the root is asked of a dot that is something else."""
        if self.dot.path == ROOT or not self.dot_block or node.ident[0] not in RenderContext.go_fields:
            return
        root = self.variables.get("$")
        if root is not None and root.value.path == ROOT:
            hint = f"Write `${node}`."
        elif self.call:
            hint = f"Call the template with a dot: `{self.call}`."
        else:
            hint = f"Call the template with `$`, or read `{node}` where it is called."
        self.facts.lost_dots.append(LostDot(node, self.dot, self.dot_block, hint))

    def test(self, value: Value, node: Node, *, names_it: bool = False) -> None:
        """Note that the truth of `value` is asked for."""
        self.record_whole_access(value, node)
        access = value.access
        if access is not None:
            access.is_tested = True
            if access.mode is AccessMode.INDEX and access.guard is Guard.NONE:
                access.guard = Guard.CONDITION
        for found in value.when_true | value.when_false:
            if len(found) == 3 and found[0] == "Bindings" and found[2] == "ID":
                self.facts.asked_ids.append((found[:2], self.template))
        path = value.path
        if is_slot(path):
            mode = AccessMode.FIELD if value.strict else AccessMode.INDEX
            self.facts.slot_tests.append(SlotTest(path, mode, node, names_it))
