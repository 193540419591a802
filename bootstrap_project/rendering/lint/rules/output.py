"""Rules about the text that comes out: quotes, printf, and what can never be valid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.gotemplate import quote
from bootstrap_project.gotemplate.go import printf
from bootstrap_project.rendering.analysis.facts import expression_of
from bootstrap_project.rendering.analysis.outline import ACTION
from bootstrap_project.rendering.analysis.paths import DEVICE, VARS, Path, Step
from bootstrap_project.rendering.analysis.values import Kind, Value
from bootstrap_project.rendering.errors import OutputInvalid
from bootstrap_project.rendering.formats import check_output
from bootstrap_project.rendering.lint.places import Place
from bootstrap_project.rendering.lint.rule import LintContext, backticked, rule, warning
from bootstrap_project.slots import ID_KEYS

_PLAIN: Final = (Kind.INTEGER, Kind.FLOAT, Kind.BOOL)
_COLLECTIONS: Final = (Kind.LIST, Kind.MAP)
#: Longer texts are left to the preview: a YAML parser takes its time.
_MAX_FIXED_TEXT_LENGTH: Final = 64 * 1024


@rule("unquoted-text", "What a text without quotes means is decided by its letters.")
def unquoted_text(context: LintContext) -> Iterator[Diagnostic]:
    """Find a text that the format reads as something else, or not at all, because no quotes are around it."""
    is_yaml = context.template_format == "yaml"
    told: set[int] = set()
    for place, value in _printed(context, is_quoted=False):
        paths = [path for path in value.sources if _may_be_text(context, path, known=not is_yaml)]
        if not paths or value.json_of is not None or context.kind(value) in {*_PLAIN, *_COLLECTIONS}:
            continue
        if not place.is_first and not any(path[2:3] == ("Secret",) for path in paths):
            # What stands further on is seldom read as anything else; a secret may hold any sign.
            continue
        if place.text and place.at in told:
            continue
        told.add(place.at)
        message = (
            f"{backticked(paths[0])} stands without quotes: by its letters YAML reads a number, a date, false, nothing"
            " or a comment in place of the text, or refuses it."
            if is_yaml
            else f"{backticked(paths[0])} is a text, and {_name(context)} takes texts in quotes alone."
        )
        yield context.warning(place.node.pipe, message, _written_as_json(context, place))


@rule("raw-collection", "Go's way to print a list or a map is that of no format.")
def raw_collection(context: LintContext) -> Iterator[Diagnostic]:
    """Find a list or a map that is printed as it is in a format that knows lists and maps."""
    for place, value in _printed(context, is_quoted=False):
        kind = context.kind(value)
        if kind not in _COLLECTIONS or value.json_of is not None:
            continue
        example = "[a b]" if kind is Kind.LIST else "map[a:1 b:2]"
        if kind is Kind.MAP and context.template_format == "toml":
            hint = "Write its members one by one with {{ range $name, $value := … }}."
        else:
            hint = f"Write {{{{ {_as_json(expression_of(place.node.pipe))} }}}}, or its parts one by one with range."
        yield context.warning(place.node.pipe, f"A {kind} prints as `{example}`, which no reader takes for one.", hint)


@rule("quoted-value", "A quote in the value breaks the document.")
def quoted_value(context: LintContext) -> Iterator[Diagnostic]:
    """Find a value between quotes of the template: a quote or a backslash in it breaks the document."""
    for place, value in _printed(context, is_quoted=True):
        unsafe = [path for path in value.sources if not _is_safe(context, path)]
        if value.json_of is None and not value.is_encoded and unsafe and context.kind(value) not in _PLAIN:
            yield context.warning(
                place.node.pipe,
                f"{backticked(unsafe[0])} may hold a quote, a backslash or a line break, which would end the string or"
                " change it.",
                f"Write {{{{ {_as_json(expression_of(place.node.pipe))} }}}} without the quotes around it.",
            )


@rule("quoted-json", "The text gets two pairs of quotes.")
def quoted_json(context: LintContext) -> Iterator[Diagnostic]:
    """Find `toJSON` between quotes: it writes quotes of its own, around a text and inside of all else."""
    for place, value in _printed(context, is_quoted=True):
        kind = context.kind(value.json_of) if value.json_of is not None else None
        if value.json_of is None or kind in _PLAIN or _all_plain(context, value.sources):
            continue
        pipe = place.node.pipe
        if kind is Kind.STRING:
            yield context.warning(
                pipe,
                "toJSON writes quotes around text by itself; with those of the template there are two.",
                f"Remove the {place.quote} on both sides.",
            )
        elif place.quote == '"':
            what = f"a {kind}" if kind is not None else "a list or a map"
            whole = f"{{{{ {expression_of(pipe)} | toJSON }}}}"
            yield context.warning(
                pipe,
                f"The JSON of {what} holds quotes of its own, which end the text that it stands in.",
                f'To get it as a text, write {whole} in place of the " and all between them.',
            )


def _printed(context: LintContext, *, is_quoted: bool) -> Iterator[tuple[Place, Value]]:
    """Yield what stands in quotes, or without, each value once in a place."""
    for place in context.places:
        if bool(place.quote) is is_quoted:
            for value in dict.fromkeys(context.facts.outputs.get(id(place.node), ())):
                yield place, value


def _may_be_text(context: LintContext, path: Path, *, known: bool) -> bool:
    """Return whether any text may stand under `path`; of `known` texts alone, or also of what nobody knows."""
    kind = context.path_kind(path)
    if path[-1:] == (Step.KEY,):
        return kind is Kind.STRING
    return (kind is Kind.STRING or (kind is None and not known)) and not _is_safe(context, path)


def _name(context: LintContext) -> str:
    return context.template_format.upper()


def _written_as_json(context: LintContext, place: Place) -> str:
    """Return the advice to write a value in quotes, the whole of it."""
    if place.is_whole:
        return f"Write {{{{ {_as_json(expression_of(place.node.pipe))} }}}}."
    actions = context.outline.actions
    inside = [actions[place.at + index].pipe for index, char in enumerate(place.text) if char == ACTION]
    if not inside or any(char in place.text for char in '"\\'):
        return "Put the whole value together with `printf` and write it with `toJSON`."
    form = place.text.replace("%", "%%").replace(ACTION, "%v")
    arguments = " ".join(text if _is_simple(text) else f"({text})" for text in map(expression_of, inside))
    return f"Write {{{{ printf {quote(form)} {arguments} | toJSON }}}} for the whole value."


def _all_plain(context: LintContext, paths: tuple[Path, ...]) -> bool:
    return bool(paths) and all(context.path_kind(path) in _PLAIN for path in paths)


def _is_safe(context: LintContext, path: Path) -> bool:
    """Return whether the text of `path` is made of letters, digits, points and hyphens."""
    if path[-1:] == (Step.KEY,):
        # Names that somebody gave to members are mostly such as need no quotes.
        return True
    if path[:1] == VARS:
        return context.path_kind(path) in _PLAIN
    if path[:1] == DEVICE:
        # External ids may hold anything but a slash and control characters.
        return path[-1] in {"ID", "DomainID"}
    if len(path) == 3:
        return path[2] in {"ID", "Type"}
    return len(path) == 4 and path[2] == "Snapshot" and path[3] in ID_KEYS


def _as_json(expression: str) -> str:
    return f"toJSON {expression}" if _is_simple(expression) else f"{expression} | toJSON"


def _is_simple(expression: str) -> bool:
    return " " not in expression and "|" not in expression


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
