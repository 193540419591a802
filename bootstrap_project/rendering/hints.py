"""Diagnostics of what the template engine reports: what is wrong, where, and what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from bootstrap_project.diagnostics import NOWHERE, Diagnostic, Location
from bootstrap_project.gotemplate import Missing, TemplateError, TemplateExecError, TemplateSyntaxError

_SENTENCES: Final = re.compile(r"(?<=[.?]) (?=[A-Z])")
_SLOT: Final = re.compile(r'\(?(?:\$?\.Bindings\.(\w+)|index \$?\.Bindings "((?:[^"\\]|\\.)+)"\)?)(.*)')


def location_of(error: TemplateError) -> Location:
    """Return where a template broke off."""
    return Location(error.line, error.column, max(1, error.place.width) if error.line else 0)


def diagnose(error: TemplateError, source: str) -> tuple[Diagnostic, ...]:
    """Return everything that `error` reports of the template `source`: each missing value, or the one failure."""
    if isinstance(error, TemplateExecError) and error.missing:
        lines = source.split("\n")
        return tuple(_missing(one, lines) for one in error.missing)
    code = "syntax" if isinstance(error, TemplateSyntaxError) else "failed"
    return (Diagnostic(code, "error", error.reason, error.hint, location_of(error), expression=error.context),)


def _missing(missing: Missing, lines: Sequence[str]) -> Diagnostic:
    message, *hint = _SENTENCES.split(missing.hint, maxsplit=1)
    location = locate(lines, missing.line, missing.column, missing.expression)
    return Diagnostic(
        "missing", "error", message, "".join(hint), location, _path(missing.expression), missing.expression
    )


def locate(lines: Sequence[str], line: int, column: int, expression: str) -> Location:
    """Return a place in a template; it is as wide as `expression` where the template spells it so, else a character."""
    if not 0 < line <= len(lines):
        return NOWHERE
    is_literal = lines[line - 1].startswith(expression, column - 1)
    return Location(line, column, max(1, len(expression)) if is_literal else 1)


def _path(expression: str) -> tuple[str, ...]:
    if match := _SLOT.match(expression):
        return ("Bindings", match[1] or json.loads(f'"{match[2]}"'), *re.findall(r"\w+", match[3]))
    if ".Vars" in expression:
        return ("Vars", *re.findall(r"\w+", expression.partition(".Vars")[2]))
    return ("Vars",) if expression.startswith("required ") else ()
