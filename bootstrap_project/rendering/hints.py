"""Diagnostics of what the template engine reports: what is wrong, where, and what to do about it."""

from __future__ import annotations

from typing import Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.gotemplate import MissingValue, TemplateError, TemplateLimitError, TemplateSyntaxError, shortened

_SET: Final = "Set it in the profile's defaults or the device's render context."
_REFRESH: Final = "List the field in the slot and refresh the binding."
_BIND: Final = "Bind a resource to the slot, or correct its name."
_WRITE_NULL: Final = "Write it with toJSON, or its items one by one."
_DO_LESS: Final = "Make the template do less, or raise the limit."


def diagnose(error: TemplateError) -> tuple[Diagnostic, ...]:
    """Return everything that `error` reports: each missing value, or the one failure."""
    if error.missing:
        return tuple(map(diagnose_missing, error.missing))
    code = "syntax" if isinstance(error, TemplateSyntaxError) else "failed"
    hint = _DO_LESS if isinstance(error, TemplateLimitError) else ""
    return (Diagnostic(code, "error", error.reason, hint, error.location, expression=error.expression),)


def diagnose_missing(missing: MissingValue) -> Diagnostic:
    """Return what is wrong with a missing value, and what to do about it."""
    message, hint = _explain(missing)
    # Nearly all values that a template requires are variables; one that is given as a constant has no path.
    path = missing.path or (("Vars",) if missing.kind == "required" else ())
    return Diagnostic("missing", "error", message, hint, missing.location, path, missing.expression)


def _explain(missing: MissingValue) -> tuple[str, str]:
    shown, path = _code(missing.expression), missing.path
    guess = f"; did you mean `{missing.suggestion}`?" if missing.suggestion else "."
    if missing.null_at:
        return f"{shown} holds null at {missing.null_at}.", _WRITE_NULL
    if missing.kind == "required":
        if not missing.name:
            return f"{shown} is required and empty.", _SET
        return f"`{shortened(missing.name)}` is required and empty{guess}", _SET
    if path[:1] != ("Bindings",):
        return f"{shown} is not set{guess}", _SET
    if len(path) > len(("Bindings", "slot")):
        return f"{shown} is not in the stored copy of the resource{guess}", _REFRESH
    return f"{shown} is not bound{guess}", _BIND


def _code(expression: str) -> str:
    mark = "'" if "`" in expression else "`"
    return f"{mark}{shortened(expression)}{mark}"
