"""Mistakes in a template that show before any device does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.gotemplate import TemplateSyntaxError
from bootstrap_project.rendering.analysis.outline import outline
from bootstrap_project.rendering.analysis.walker import analyze
from bootstrap_project.rendering.lint.places import SCANNED, places
from bootstrap_project.rendering.lint.rule import LintContext, Rule
from bootstrap_project.rendering.lint.rules import output, seams, structure, types, variables
from bootstrap_project.rendering.lint.rules import slots as slot_rules
from bootstrap_project.slots import BindingSlot

MAX_WARNINGS: Final = 100
_MAX_PER_RULE: Final = 50
#: In the order of docs/lint.md, which is also that of warnings that share a place.
RULES: Final = tuple(
    rule
    for module in (slot_rules, variables, types, output, seams, structure)
    for rule in vars(module).values()
    if isinstance(rule, Rule)
)


def lint(
    source: str, *, slots: Iterable[BindingSlot], defaults: Mapping[str, Any], template_format: str
) -> list[Diagnostic]:
    """Return the warnings about a template, in the order of the text, those about the profile last.

    Shape: `code` is the rule's id; warnings about the profile rather than a place in its template have no location.
    It never fails: a raw template is not executed, and one that does not parse is refused when it is saved, so neither
    has warnings. At most MAX_WARNINGS are returned, and no rule's take the place of all others'.

    Cost: parsing, one bounded walk, and the rules: some 10 ms for a page; no I/O.
    """
    if template_format == "raw" or not source:
        return []
    try:
        facts = analyze(source)
    except (TemplateSyntaxError, RecursionError):
        # The parser's limits leave room on the stack, but the caller may have used it up already.
        return []
    text = outline(facts.tree)
    context = LintContext(
        source,
        facts,
        {slot.name: slot for slot in slots},
        defaults,
        template_format,
        text,
        tuple(places(text, template_format)) if template_format in SCANNED else (),
    )
    found = dict.fromkeys(
        replace(warning, code=rule.id) for rule in RULES for warning in islice(rule.check(context), _MAX_PER_RULE)
    )
    return sorted(found, key=_place)[:MAX_WARNINGS]


def _place(warning: Diagnostic) -> tuple[bool, int, int, str, str]:
    line, column = warning.location.line, warning.location.column
    return line == 0, line, column, warning.code, warning.message
