"""Rules about the template itself: what does not exist, and what can never be reached or is never used."""

from __future__ import annotations

from collections.abc import Iterator

from bootstrap_project.diagnostics import Diagnostic, Location
from bootstrap_project.gotemplate import RenderContext, quote
from bootstrap_project.gotemplate.nodes import FieldNode, TextNode
from bootstrap_project.rendering.analysis.facts import UnknownMember, expression_of
from bootstrap_project.rendering.analysis.paths import VARS, Path, Step, members_of
from bootstrap_project.rendering.lint.rule import LintContext, Presence, backticked, rule, warning


@rule("unknown-member", "Reading what does not exist fails on every device.")
def unknown_member(context: LintContext) -> Iterator[Diagnostic]:
    """Find a member that Device, a slot or dot at the top does not have: the render always fails."""
    for unknown in context.facts.unknown_members:
        members = members_of(unknown.path) or ()
        yield context.warning(
            unknown.node,
            f"{backticked(unknown.path)} has no member `{unknown.member[:80]}`; the render fails.",
            _meant(unknown) or f"It has {', '.join(members)}{context.suggestion(unknown.member, members) or '.'}",
        )


def _meant(unknown: UnknownMember) -> str:
    """Return the advice to begin at the root, where a member of the root was asked for."""
    is_root = unknown.member in RenderContext.go_fields and isinstance(unknown.node, FieldNode)
    return f"Write `${expression_of(unknown.node)}`: dot is something else here." if is_root else ""


@rule("lost-dot", "Inside of a block dot is something else.")
def lost_dot(context: LintContext) -> Iterator[Diagnostic]:
    """Find `.Vars`, `.Device` or `.Bindings` where dot is an item, what `with` names, or nothing."""
    for lost in context.facts.lost_dots:
        path = lost.dot.path
        if path is not None and (members_of(path) is not None or _has(context, path, lost.node)):
            # Of a struct another rule says what it has; a map may have a member of that name.
            continue
        if path is None:
            what = "not the root" if lost.hint.startswith("Write") else "nothing"
        else:
            what = f"an item of {backticked(path[:-1])}" if path[-1] is Step.ITEM else backticked(path)
        yield context.warning(
            lost.node, f"Dot is {what} here, which has no member `{lost.node.ident[0]}`; the render fails.", lost.hint
        )


def _has(context: LintContext, path: Path, node: FieldNode) -> bool:
    return path[:1] == VARS and context.find((*path, node.ident[0])).presence is not Presence.MISSING


@rule("undefined-template", "Calling what does not exist fails when it is reached.")
def undefined_template(context: LintContext) -> Iterator[Diagnostic]:
    """Find a call of a template that is not defined: the render fails."""
    for node in context.facts.undefined_templates:
        yield context.warning(
            node, "No template of this name is defined.", "Define it with {{ define }}, or correct the name."
        )


@rule("unused-define", "Nobody will see its mistakes.")
def unused_define(context: LintContext) -> Iterator[Diagnostic]:
    """Find a definition that nothing calls."""
    if context.facts.is_complete:
        for name, body in context.facts.unused_templates.items():
            # The node of a definition is only its body.
            start = max(0, context.source.rfind("{{", 0, body.pos))
            yield warning(
                "Nothing calls this definition.",
                "Call it with {{ template }}, or remove it.",
                Location(*context.facts.source.position(start)),
                expression=f"{{{{define {quote(name[:80])}}}}}",
            )


@rule("unused-variable", "It was meant to be read somewhere.")
def unused_variable(context: LintContext) -> Iterator[Diagnostic]:
    """Find a variable that is declared and never read."""
    for node in context.facts.unused_variables:
        name = expression_of(node)
        if not name.startswith("$_"):
            yield context.warning(
                node,
                f"The variable {name} is never read.",
                "Remove it; a name that begins with $_ says that this is meant.",
            )


@rule("constant-condition", "One of its branches is never rendered.")
def constant_condition(context: LintContext) -> Iterator[Diagnostic]:
    """Find a condition that is a literal."""
    for test in context.facts.constant_tests:
        always = "true" if test.truth else "false"
        dead = f": {test.dead} is never rendered" if test.dead else ""
        yield context.warning(
            test.node, f"This condition is always {always}{dead}.", "Remove it, or ask for a variable."
        )


@rule("unreachable", "It is never rendered.")
def unreachable(context: LintContext) -> Iterator[Diagnostic]:
    """Find something behind a break or continue of the same block."""
    message = "This is never rendered: a break or continue stands before it."
    hint = "Move it before that, or remove it."
    for node in context.facts.unreachable:
        if isinstance(node, TextNode):
            location, expression = _visible(context, node)
            yield warning(message, hint, location, expression=expression)
        else:
            yield context.warning(node, message, hint)


def _visible(context: LintContext, node: TextNode) -> tuple[Location, str]:
    """Return the place of the first character of a text that is no space, and what stands there."""
    visible = node.text.lstrip()
    expression = visible.rstrip().split("\n", 1)[0][:40]
    # The text may have been put together around comments; then its beginning is as good as it gets.
    is_literal = context.source.startswith(node.text, node.pos)
    line, column = context.facts.source.position(node.pos + (len(node.text) - len(visible) if is_literal else 0))
    return Location(line, column, len(expression) if is_literal else 1), expression
