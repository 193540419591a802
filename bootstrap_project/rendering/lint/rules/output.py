"""Rules about the text that comes out: quotes, printf, and what can never be valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.gotemplate.go import printf
from bootstrap_project.rendering.analysis.facts import Quoted, expression_of
from bootstrap_project.rendering.analysis.paths import DEVICE, VARS, Path
from bootstrap_project.rendering.analysis.values import Kind
from bootstrap_project.rendering.errors import OutputInvalid
from bootstrap_project.rendering.formats import check_output
from bootstrap_project.rendering.lint.rule import LintContext, backticked, rule, warning
from bootstrap_project.slots import ID_KEYS

_STRUCTURED: Final = ("json", "yaml", "toml")
_PLAIN: Final = (Kind.INTEGER, Kind.FLOAT, Kind.BOOL)
#: Longer texts are left to the preview: a YAML parser takes its time.
_MAX_FIXED_TEXT_LENGTH: Final = 64 * 1024


@rule("quoted-value", "A quote in the value breaks the document.")
def quoted_value(context: LintContext) -> Iterator[Diagnostic]:
    """Find a value between quotes of the template: a quote or a backslash in it breaks the document."""
    for quoted in _quoted(context):
        unsafe = [path for path in quoted.value.sources if not _is_safe(context, path)]
        if not quoted.value.is_json and unsafe:
            yield context.warning(
                quoted.node,
                f"{backticked(unsafe[0])} may hold a quote, a backslash or a line break, which would end the string or"
                " change it.",
                f"Write {{{{ {_as_json(expression_of(quoted.node))} }}}} without the quotes around it.",
            )


@rule("quoted-json", "The text gets two pairs of quotes.")
def quoted_json(context: LintContext) -> Iterator[Diagnostic]:
    """Find `toJSON` between quotes: it writes quotes of its own around text."""
    for quoted in _quoted(context):
        if quoted.value.is_json and not _all_plain(context, quoted.value.sources):
            yield context.warning(
                quoted.node,
                "toJSON writes quotes around text by itself; with those of the template there are two.",
                f"Remove the {quoted.quote} on both sides.",
            )


def _quoted(context: LintContext) -> Iterator[Quoted]:
    """Yield what stands in quotes, in a format where both quotes mean that; JSON knows only one of them."""
    if context.template_format in _STRUCTURED:
        for quoted in context.facts.quoted:
            if quoted.reachable and (quoted.quote == '"' or context.template_format != "json"):
                yield quoted


def _all_plain(context: LintContext, paths: tuple[Path, ...]) -> bool:
    return bool(paths) and all(context.path_kind(path) in _PLAIN for path in paths)


def _is_safe(context: LintContext, path: Path) -> bool:
    """Return whether the text of `path` is made of letters, digits, points and hyphens."""
    if path[:1] == VARS:
        return context.path_kind(path) in _PLAIN
    if path[:1] == DEVICE:
        # External ids may hold anything but a slash and control characters.
        return path[-1] in {"ID", "DomainID"}
    if len(path) == 3:
        return path[2] in {"ID", "Type"}
    return len(path) == 4 and path[2] == "Snapshot" and path[3] in ID_KEYS


def _as_json(expression: str) -> str:
    simple = " " not in expression and "|" not in expression
    return f"toJSON {expression}" if simple else f"{expression} | toJSON"


@rule("printf-verb", "The error marker of a misfit fails the render.")
def printf_verb(context: LintContext) -> Iterator[Diagnostic]:
    """Find a printf whose verbs do not fit its arguments: its error marker would fail the render."""
    for call in context.facts.printf_calls:
        problem = printf.check(call.form, [context.kind(value) for value in call.args])
        if problem:
            yield context.warning(
                call.node,
                f"printf: {problem}.",
                "%v takes any value; see the verbs of Go's fmt for the others, and give one argument for each.",
            )


@rule("invalid-output", "No device can ever get this text.")
def invalid_output(context: LintContext) -> Iterator[Diagnostic]:
    """Find a template without actions whose text is not what its format promises."""
    text = context.facts.fixed_text
    if text is None or len(text) > _MAX_FIXED_TEXT_LENGTH:
        return
    try:
        check_output(context.template_format, text)
    except OutputInvalid as error:
        yield warning(
            f"The template has nothing to fill in, and its text is not valid {context.template_format}:"
            f" {error.defect}.",
            "Correct the text, or choose the format that it is in.",
        )
