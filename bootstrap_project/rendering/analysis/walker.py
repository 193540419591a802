"""Lists, blocks and calls of templates: a walk over every part of a tree with the dot that it gets."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from bootstrap_project.gotemplate import Source, nodes, parse, quote
from bootstrap_project.rendering.analysis.expressions import declare, evaluate
from bootstrap_project.rendering.analysis.facts import ConstantTest, Facts, Loop, TypedCall
from bootstrap_project.rendering.analysis.paths import ROOT, VARS, Path, Step, is_slot
from bootstrap_project.rendering.analysis.state import State, Variable
from bootstrap_project.rendering.analysis.values import UNKNOWN, AccessMode, Guard, Kind, Value, at, of_kind

#: Nodes that may be visited before further ways to call a template are left out; each body is walked once in any case.
MAX_STEPS: Final = 8_000
#: Ways to call one template (its dot, what is certain) that are followed.
MAX_WAYS: Final = 16


@dataclass(frozen=True, slots=True)
class _Job:
    """A template to walk, as one call reaches it."""

    name: str
    dot: Value
    known: frozenset[Path]
    is_dead: bool
    is_conditional: bool
    #: How it is called with a dot, where it is called without; "?" where nothing is known of its dot.
    call: str = ""


def analyze(source: str) -> Facts:
    """Return what a walk over the template `source` finds.

    Dot is followed through variables, `with`, `range` and calls of templates. Reads of values that nothing is known of
    are left out; reads that may concern any member are there as such.

    Raises: gotemplate's TemplateSyntaxError.
    Cost: parsing and one walk, some 30 µs for each token; calls of templates add at most MAX_STEPS nodes.
    """
    return _Walker(parse(source)).run()


class _Walker:
    def __init__(self, tree: nodes.Tree) -> None:
        self.tree = tree
        self.state = State(Facts(Source(tree.name, tree.source), tree))
        self.facts = self.state.facts
        self.reassigned = _reassigned(tree)
        self.jobs: deque[tuple[_Job, bool]] = deque()
        self.ways: dict[str, set[_Job]] = {}
        self.steps = 0

    def run(self) -> Facts:
        self.plan(_Job(self.tree.name, at(ROOT), frozenset(), is_dead=False, is_conditional=False))
        self.work()
        for name, body in self.tree.templates.items():
            if name not in self.ways:
                self.facts.unused_templates[name] = body
                self.plan(_Job(name, UNKNOWN, frozenset(), is_dead=True, is_conditional=True))
                self.work()
        self.facts.unused_variables.extend(
            declaration.node for declaration in self.state.declarations.values() if not declaration.is_used
        )
        root = self.tree.root
        if all(isinstance(node, nodes.TextNode) for node in root.nodes):
            self.facts.fixed_text = str("".join(node.text for node in root.nodes if isinstance(node, nodes.TextNode)))
        return self.facts

    def plan(self, job: _Job) -> None:
        """Put a call on the list of work, unless it is known or there are too many."""
        ways = self.ways.setdefault(job.name, set())
        if job in ways:
            return
        if len(ways) >= MAX_WAYS:
            self.facts.is_complete = False
            return
        self.jobs.append((job, not ways))
        ways.add(job)

    def work(self) -> None:
        while self.jobs:
            job, is_first = self.jobs.popleft()
            if self.steps > MAX_STEPS and not is_first:
                self.facts.is_complete = False
                continue
            state = self.state
            state.template = "" if job.name == self.tree.name else job.name
            state.dot, state.known = job.dot, job.known
            state.dot_block = "" if job.call == "?" else "template"
            state.call = job.call
            state.is_dead, state.is_conditional = job.is_dead, job.is_conditional
            state.variables = {"$": Variable(job.dot)}
            state.reassigned = self.reassigned.get(job.name, frozenset())
            self.list(self.tree.templates[job.name])

    def list(self, body: nodes.ListNode) -> None:
        """Walk a run of nodes; nothing behind a break or continue is ever reached."""
        was_dead = self.state.is_dead
        left = False
        for number, node in enumerate(body.nodes):
            self.steps += 1
            if left and not _is_space(node):
                self.facts.unreachable.append(node)
                left = False
            if isinstance(node, nodes.BreakNode | nodes.ContinueNode) and not self.state.is_dead:
                left = self.state.is_dead = True
            self.node(node, body, number)
        self.state.is_dead = was_dead

    def node(self, node: nodes.Node, body: nodes.ListNode, number: int) -> None:
        if isinstance(node, nodes.ActionNode):
            self.action(node)
        elif isinstance(node, nodes.RangeNode):
            around = body.nodes[number - 1] if number else None, (*body.nodes[number + 1 :], None)[0]
            self.range(node, *around)
        elif isinstance(node, nodes.BranchNode):
            self.branch(node)
        elif isinstance(node, nodes.TemplateNode):
            self.template(node)

    def action(self, node: nodes.ActionNode) -> None:
        value = evaluate(self.state, node.pipe)
        if node.pipe.decl:
            declare(self.state, node.pipe, value)
            return
        self.state.print(value, node.pipe)
        if not self.state.is_dead:
            self.facts.outputs.setdefault(id(node), []).append(value)

    def branch(self, node: nodes.BranchNode) -> None:
        """Walk an if or with and what is chained to it, in a loop, so that a long chain cannot exhaust the stack."""
        state = self.state
        with state.scope():
            while True:
                value = evaluate(state, node.pipe)
                declare(state, node.pipe, value)
                is_with = isinstance(node, nodes.WithNode)
                state.test(value, node.pipe, names_it=is_with and node.else_body is None)
                truth = self.constant_test(node)
                state.is_conditional = state.is_conditional or truth is None
                with state.scope():
                    state.known |= value.when_true
                    state.is_dead = state.is_dead or truth is False
                    if is_with:
                        state.dot, state.dot_block = replace(value, nil=None), "with"
                    first = len(self.facts.asked_ids)
                    self.list(node.body)
                    if is_with and is_slot(value.path):
                        self.facts.slot_withs[id(node.pipe)] = state.template, first, len(self.facts.asked_ids)
                state.known |= value.when_false
                state.is_dead = state.is_dead or truth is True
                if node.else_body is None:
                    return
                following = node.chained_branch
                if following is None:
                    self.list(node.else_body)
                    return
                node = following
                self.steps += 1

    def constant_test(self, node: nodes.BranchNode) -> bool | None:
        """Note a condition that is a literal and return its truth; None for any other."""
        truth = _literal_truth(node.pipe)
        if truth is None or self.state.is_dead:
            return None
        dead = f"what {node.keyword} holds" if not truth else "its else part" if node.else_body is not None else ""
        if dead or not isinstance(node, nodes.WithNode):
            self.facts.constant_tests.append(ConstantTest(truth, dead, node.pipe))
        return truth

    def range(self, node: nodes.RangeNode, before: nodes.Node | None, after: nodes.Node | None) -> None:
        state = self.state
        if not state.is_dead:
            self.facts.loops.append(Loop(node, before, after))
        with state.scope():
            value = evaluate(state, node.pipe)
            state.record_whole_access(value, node.pipe)
            if not state.is_dead:
                self.facts.typed_calls.append(TypedCall("range", (value,), node.pipe))
            access = value.access
            if access is not None and access.mode is AccessMode.INDEX and access.guard is Guard.NONE:
                # Nothing at all is as good as an empty list.
                access.guard = Guard.CONDITION
            item = _item(value)
            state.is_conditional = True
            with state.scope():
                state.dot, state.dot_block = item, "range"
                self.range_variables(node.pipe, item, value)
                self.list(node.body)
            if node.else_body is not None:
                self.list(node.else_body)

    def range_variables(self, pipe: nodes.PipeNode, item: Value, value: Value) -> None:
        if pipe.is_assign or not pipe.decl:
            return
        declaration = self.state.declaration(pipe.decl[-1])
        *keys, last = pipe.decl
        for key in keys:
            self.state.declare(key.ident[0], _key(value), declaration)
        self.state.declare(last.ident[0], item, declaration)

    def template(self, node: nodes.TemplateNode) -> None:
        state = self.state
        dot = UNKNOWN if node.pipe is None else evaluate(state, node.pipe)
        if node.pipe is not None:
            declare(state, node.pipe, dot)
        if node.name not in self.tree.templates:
            if not state.is_dead:
                state.facts.undefined_templates.append(node)
            return
        call = "" if dot.path is not None or dot.kind is not None else "?"
        if node.pipe is None:
            call = f"{{{{ template {quote(node.name)} {'.' if state.dot.path == ROOT else '$'} }}}}"
        self.plan(_Job(node.name, dot, state.known, state.is_dead, state.is_conditional, call))


def _key(value: Value) -> Value:
    """Return what the first variable of a range over `value` is: a name of a map, or a number."""
    if value.path is None or value.replaced or value.path[:1] != VARS:
        return UNKNOWN
    return Value(sources=((*value.path, Step.KEY),))


def _item(value: Value) -> Value:
    """Return what dot is inside a range over `value`."""
    if value.kind is Kind.INTEGER:
        return of_kind(Kind.INTEGER)
    if value.path is None or value.replaced:
        return UNKNOWN
    return at((*value.path, Step.ITEM))


def _reassigned(tree: nodes.Tree) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for template, node in tree.walk():
        if isinstance(node, nodes.PipeNode) and node.is_assign:
            found.setdefault(template, set()).update(variable.ident[0] for variable in node.decl)
    return {template: frozenset(names) for template, names in found.items()}


def _literal_truth(pipe: nodes.PipeNode) -> bool | None:
    """Return the truth of a literal, or of `not` and a literal; None for any other pipeline."""
    if len(pipe.cmds) != 1 or pipe.decl:
        return None
    args = pipe.cmds[0].args
    if len(args) == 2 and isinstance(args[0], nodes.IdentifierNode) and args[0].ident == "not":
        truth = _truth(args[1])
        return None if truth is None else not truth
    return _truth(args[0]) if len(args) == 1 else None


def _truth(node: nodes.Node) -> bool | None:
    if isinstance(node, nodes.BoolNode):
        return node.value
    if isinstance(node, nodes.StringNode):
        return bool(node.text)
    if isinstance(node, nodes.NumberNode):
        return None if node.value is None else bool(node.value)
    if isinstance(node, nodes.PipeNode):
        return _literal_truth(node)
    return None


def _is_space(node: nodes.Node) -> bool:
    return isinstance(node, nodes.TextNode) and not node.text.strip()
