"""Rules about the text that comes out: quotes, printf, and what can never be valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.gotemplate.go.fmt import Printer
from bootstrap_project.gotemplate.go.printf import Format
from bootstrap_project.rendering.analysis.facts import Quoted, expression_of
from bootstrap_project.rendering.analysis.paths import DEVICE, VARS, Path
from bootstrap_project.rendering.analysis.values import Kind
from bootstrap_project.rendering.errors import OutputInvalid
from bootstrap_project.rendering.formats import check_output
from bootstrap_project.rendering.lint.resources import ID_KEYS
from bootstrap_project.rendering.lint.rule import LintContext, backticked, rule, warning

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
    """Tell whether the text of `path` is made of letters, digits, points and hyphens."""
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
        args = tuple(_SAMPLES.get(context.kind(value) or Kind.MAP, _ANYTHING) for value in call.args)
        problem = _Check(call.form, args).problem()
        if problem:
            yield context.warning(
                call.node,
                f"printf: {problem}.",
                "%v takes any value; see the verbs of Go's fmt for the others, and give one argument for each.",
            )


class _Anything:
    """An argument of which the kind is not known."""


_ANYTHING: Final = _Anything()
_SAMPLES: Final[dict[Kind, Any]] = {Kind.STRING: "x", Kind.INTEGER: 1, Kind.FLOAT: 1.5, Kind.BOOL: True}


class _Check(Format):
    """A walk over a format that prints nothing and keeps the first thing that is wrong."""

    __slots__ = ("found",)

    def __init__(self, form: str, args: tuple[Any, ...]) -> None:
        self.found = ""
        super().__init__(Printer(len(form) + 1, relaxed=True), form, args)

    def problem(self) -> str:
        """Return what is wrong; "" if nothing is."""
        self.run()
        return self.found

    def mark(self, text: str, problem: str) -> None:
        self.found = self.found or problem

    def extra(self) -> None:
        self.mark("", "printf has more arguments than verbs")

    def star(self) -> int | None:
        if self.arg_num < len(self.args) and self.args[self.arg_num] is _ANYTHING:
            self.pos += 1
            self.after_index = False
            self.arg_num += 1
            return 0
        return super().star()

    def print_verb(self, verb: str) -> None:
        arg = self.args[self.arg_num]
        self.arg_num += 1
        if arg is not _ANYTHING:
            self.mark("", _misfit(arg, verb))
        elif all(_misfit(sample, verb) for sample in (*_SAMPLES.values(), {"key": 1})):
            self.mark("", f"there is no verb %{verb}")


def _misfit(value: Any, verb: str) -> str:
    """Return why a verb does not fit a value; "" if it does."""
    printer = Printer(1_000, relaxed=True)
    printer.argument(value, verb)
    return printer.problem.reason if printer.problem is not None else ""


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
