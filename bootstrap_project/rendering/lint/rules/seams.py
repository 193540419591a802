"""Rules about where pieces of text meet: commas between items, and lines that trim markers join."""

from __future__ import annotations

from collections.abc import Iterator

from bootstrap_project.diagnostics import Diagnostic, Location
from bootstrap_project.gotemplate import Limits
from bootstrap_project.gotemplate import lexer as lx
from bootstrap_project.gotemplate.nodes import Node, TextNode
from bootstrap_project.rendering.analysis.paths import shorten
from bootstrap_project.rendering.lint.rule import LintContext, rule, warning

_MAX_EXPRESSION_LENGTH = 200


@rule("extra-comma", "JSON has a comma between two items alone.")
def extra_comma(context: LintContext) -> Iterator[Diagnostic]:
    """Find a comma behind each item of a range, or before each, where no other value stands on that side."""
    if context.template_format != "json":
        return
    for loop in context.facts.loops:
        items = loop.node.body.nodes or (None,)
        first, last = _text(items[0]).lstrip(), _text(items[-1]).rstrip()
        before, after = _text(loop.before).rstrip(), _text(loop.after).lstrip()
        if last.endswith(",") and after.startswith(("]", "}")):
            yield _comma(context, items[-1], len(last) - 1, "last", "before a closing")
        elif first.startswith(",") and before.endswith(("[", "{")):
            yield _comma(context, items[0], _text(items[0]).index(","), "first", "behind an opening")


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, TextNode) else ""


def _comma(context: LintContext, node: Node | None, offset: int, which: str, where: str) -> Diagnostic:
    start = node.pos if node is not None else 0
    # A text that was put together around comments does not stand there letter by letter.
    is_literal = context.source.startswith(",", start + offset)
    return warning(
        f"The {which} item gets a comma, too, and in JSON none may stand {where} bracket.",
        "Write it between two items: `{{ range $i, $x := … }}{{ if $i }},{{ end }}…{{ end }}`.",
        Location(*context.facts.source.position(start + (offset if is_literal else 0)), 1),
        expression=",",
    )


@rule("joined-comment", "What is joined to a comment is a part of it.")
def joined_comment(context: LintContext) -> Iterator[Diagnostic]:
    """Find trim markers that take the line break between a comment and what stands behind it."""
    if context.template_format == "json" or "#" not in context.source:
        return
    source = context.source
    tokens = lx.tokenize(source, Limits())
    for number, token in enumerate(tokens[:-1]):
        end = token.pos + len(token.value)
        line = source[source.rfind("\n", 0, end) + 1 : end]
        if token.kind != lx.TEXT or not line.lstrip(" \t").startswith("#"):
            continue
        joined = _next_shown(tokens, number + 1)
        if joined is None or joined.value.startswith("\n") or "\n" not in source[end : joined.pos]:
            continue
        start = source.index("{{", end)
        location = context.facts.source.location(start)
        yield warning(
            "The trim markers take the line break, and the text behind ends up in the comment of line"
            f" {context.facts.source.position(end)[0]}.",
            "Leave out the hyphen on one side, so that a line break stays.",
            Location(location.line, location.column, len("{{-")),
            expression=shorten(source[start : source.find("}}", start) + 2], _MAX_EXPRESSION_LENGTH),
        )


def _next_shown(tokens: list[lx.Token], number: int) -> lx.Token | None:
    """Return the next token whose text or value is printed; None where that depends on branches."""
    while (token := tokens[number]).kind == lx.LEFT:
        end = next(at for at in range(number, len(tokens)) if tokens[at].kind == lx.RIGHT)
        inside = [one for one in tokens[number + 1 : end] if one.kind != lx.SPACE]
        if not inside or inside[0].kind in {"else", "template", "block", "define"}:
            return None
        if inside[0].kind not in lx.KEYWORDS and not any(one.kind in {lx.DECLARE, lx.ASSIGN} for one in inside):
            return token
        number = end + 1
    return token if token.kind == lx.TEXT else None
