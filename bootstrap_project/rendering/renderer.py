"""From a profile's template and a device's data to the text that the device gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.gotemplate import FUNCTIONS, RenderContext, TemplateExecError, TemplateSyntaxError
from bootstrap_project.rendering.cache import templates
from bootstrap_project.rendering.errors import TemplateFailed, TemplateInvalid
from bootstrap_project.rendering.formats import check_output
from bootstrap_project.rendering.hints import diagnose

#: The functions that templates may call.
FUNCTION_NAMES: Final = FUNCTIONS
#: How many missing values one message names.
MAX_MISSING: Final = 20
#: What stands for a secret: a plain word in every format, also cut into pieces.
MASK: Final = "masked00"
#: Characters of an error, of which a list, a log or a person reads no more.
MAX_ERROR_LENGTH: Final = 2_000


def render(*, template_format: str, content_template: str, context: RenderContext, explain: bool = True) -> str:
    """Return the text that a device gets, checked against the profile's format and otherwise unchanged.

    An error quotes no value, since no search can find everything that was computed from a secret.
    With `explain` it names all that is missing, by the names that the data has; without, for devices, whose errors go
    to the log alone, it says what failed and where, in the template's own words.
    Raises: TemplateInvalid, TemplateFailed, OutputInvalid.
    Cost: no queries, no network; compiles at the first use of a template.
    Source: docs/contract.md#d5 and #k4.
    """
    if template_format == "raw":
        return content_template
    try:
        template = templates.get(content_template)
        text = template.execute(context, explain=explain, quotes=explain and not _holds_secrets(context))
    except TemplateSyntaxError as error:
        raise _does_not_parse(error, content_template) from error
    except TemplateExecError as error:
        types = {slot: binding.Type for slot, binding in context.Bindings.items()}
        diagnostics = diagnose(error, types=types)
        raise TemplateFailed(
            "the template cannot be rendered with this data",
            _explain(error, diagnostics),
            location=error.location,
            diagnostics=diagnostics,
        ) from error
    check_output(template_format, text)
    return text


def validate_template(*, template_format: str, content_template: str) -> None:
    """Check that a template can be stored: that it parses, unless its format is raw or it is empty.

    Raises: TemplateInvalid with the line and column of the first defect.
    """
    if template_format == "raw" or not content_template:
        return
    try:
        templates.get(content_template)
    except TemplateSyntaxError as error:
        raise _does_not_parse(error, content_template) from error


def _does_not_parse(error: TemplateSyntaxError, source: str) -> TemplateInvalid:
    diagnostics = diagnose(error, source=source)
    place = error.location
    # Go's words have the line alone.
    where = f"line {place.line}, column {place.column}" if place.line else ""
    text = "; ".join(filter(None, [str(error), ": ".join(filter(None, [where, diagnostics[0].hint]))]))
    return TemplateInvalid(
        "the template does not parse",
        text if len(text) <= MAX_ERROR_LENGTH else f"{text[: MAX_ERROR_LENGTH - 1]}…",
        location=error.location,
        diagnostics=diagnostics,
    )


def _explain(error: TemplateExecError, diagnostics: Sequence[Diagnostic]) -> str:
    """Return the error and everything that is missing, each with its place and what to do, in one line."""
    if not error.missing:
        return "; ".join(filter(None, [str(error), *(one.hint for one in diagnostics)]))
    text = _listed(error, diagnostics, whole=True)
    return text if len(text) <= MAX_ERROR_LENGTH else _listed(error, diagnostics, whole=False)


def _listed(error: TemplateExecError, missing: Sequence[Diagnostic], *, whole: bool) -> str:
    # Each value has its place; Go's, which counts otherwise, would be a second one.
    parts = [error.unplaced]
    # The end, "and 99 more", has room.
    room = MAX_ERROR_LENGTH - len("; and 100 more") - len(parts[0])
    shown = 0
    for one in missing[:MAX_MISSING]:
        # What to do is mostly the same: where there is no room for it with all of them, the first one has it.
        words = f"{one.message} {one.hint}".rstrip() if whole or not shown else one.message
        part = f"line {one.location.line}, column {one.location.column}: {words}"
        room -= len(part) + 2
        if room < 0 and not whole:
            break
        parts.append(part)
        shown += 1
    if len(missing) > shown:
        parts.append(f"and {len(missing) - shown} more")
    return "; ".join(parts)


def _holds_secrets(context: RenderContext) -> bool:
    """Return whether a template gets any secret in clear."""
    pending: list[Any] = [binding.Secret for binding in context.Bindings.values()]
    while pending:
        value = pending.pop()
        if isinstance(value, dict | list):
            pending.extend(value.values() if isinstance(value, dict) else value)
        elif value is not None and value != MASK:
            return True
    return False
