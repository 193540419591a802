"""From a profile's template and a device's data to the text that the device gets."""

from __future__ import annotations

import json
from typing import Any, Final

from bootstrap_project.gotemplate import RenderContext, TemplateExecError, TemplateSyntaxError
from bootstrap_project.rendering.cache import templates
from bootstrap_project.rendering.errors import TemplateFailed, TemplateInvalid
from bootstrap_project.rendering.formats import check_output

#: How many missing values one message names.
MOST_MISSING: Final = 20
MASK: Final = "********"
#: Shorter values are no secrets, and masking them would make a message unreadable.
SHORTEST_SECRET: Final = 4


def render(*, template_format: str, content_template: str, context: RenderContext) -> str:
    """Return the text that a device gets, checked against the profile's format and otherwise unchanged.

    Raises: TemplateInvalid, TemplateFailed, OutputInvalid.
    Cost: no queries, no network; compiles at the first use of a template.
    Source: contract D.5 and K4.
    """
    if template_format == "raw":
        return content_template
    try:
        text = templates.get(content_template).execute(context)
    except TemplateSyntaxError as error:
        raise TemplateInvalid("the template does not parse", str(error)) from error
    except TemplateExecError as error:
        raise TemplateFailed("the template cannot be rendered with this data", _explain(error, context)) from error
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
        raise TemplateInvalid("the template does not parse", str(error)) from error


def _explain(error: TemplateExecError, context: RenderContext) -> str:
    """Return the error and everything that is missing, each with its place and what to do, in one line."""
    parts = [str(error)]
    if error.missing:
        shown = error.missing[:MOST_MISSING]
        parts += [f"line {missing.line}, column {missing.column}: {missing.hint}" for missing in shown]
        if len(error.missing) > len(shown):
            parts.append(f"and {len(error.missing) - len(shown)} more")
    elif error.hint:
        parts.append(error.hint)
    return _without_secrets("; ".join(parts), context)


def _without_secrets(text: str, context: RenderContext) -> str:
    """Return `text` with every secret value masked: Go's own messages quote values, such as the name in `required`."""
    secrets: set[str] = set()
    pending: list[Any] = [binding.Secret for binding in context.Bindings.values()]
    while pending:
        value = pending.pop()
        if isinstance(value, dict | list):
            pending.extend(value.values() if isinstance(value, dict) else value)
        elif value is not None and not isinstance(value, bool):
            secrets |= {str(value), json.dumps(str(value))[1:-1], json.dumps(str(value), ensure_ascii=False)[1:-1]}
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return text
