"""Rules about the template itself: what does not exist, and what can never be reached or is never used."""

from __future__ import annotations

from collections.abc import Iterator

from bootstrap_project.diagnostics import Diagnostic, Location
from bootstrap_project.gotemplate import quote
from bootstrap_project.gotemplate.nodes import TextNode
from bootstrap_project.rendering.analysis.facts import expression_of
from bootstrap_project.rendering.analysis.paths import members_of
from bootstrap_project.rendering.lint.rule import LintContext, backticked, rule, warning


@rule("unknown-member", "Reading what does not exist fails on every device.")
def unknown_member(context: LintContext) -> Iterator[Diagnostic]:
    """Find a member that Device, a slot or dot at the top does not have: the render always fails."""
    for unknown in context.facts.unknown_members:
        members = members_of(unknown.path) or ()
        yield context.warning(
            unknown.node,
            f"{backticked(unknown.path)} has no member `{unknown.member[:80]}`; the render fails.",
            f"It has {', '.join(members)}{context.suggestion(unknown.member, members) or '.'}",
        )


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
