"""Diagnostics of what the template engine reports: what is wrong, where, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.gotemplate import (
    MissingValue,
    RenderContext,
    TemplateError,
    TemplateLimitError,
    TemplateSyntaxError,
    quote,
    shortened,
)
from bootstrap_project.rendering.syntax_hints import syntax_hint
from bootstrap_project.slots import RESOURCE_KINDS

_SET: Final = "Set it in the profile's defaults or the device's render context."
_REFRESH: Final = "List the field in the slot and refresh the binding."
_BIND: Final = "Bind a resource to the slot, or correct its name."
_WRITE_NULL: Final = "Write it with toJSON, or its items one by one."
_DO_LESS: Final = "Make the template do less, or raise the limit."
_NO_MEMBERS: Final = "Only maps have members of that name: leave it out, or read it of a map."
_SAME_TYPE: Final = 'Compare values of one type, such as `eq .Vars.port 1883`; `printf "%v"` makes a text of any.'
_TEXTS: Final = "Texts stand in `\"` or backquotes: 'x' is a number."
_AS_TEXT: Final = 'Make a text of it: `printf "%v" …`.'


def diagnose(
    error: TemplateError, *, source: str = "", types: Mapping[str, str] | None = None
) -> tuple[Diagnostic, ...]:
    """Return everything that `error` reports: each missing value, or the one failure.

    Shape: `source` is the template, `types` has the type of what is bound by slot.
    """
    if error.missing:
        return tuple(diagnose_missing(missing, types or {}) for missing in error.missing)
    if isinstance(error, TemplateSyntaxError):
        code, hint = "syntax", syntax_hint(error, source)
    else:
        code, hint = "failed", _failure_hint(error)
    return (Diagnostic(code, "error", error.reason, hint, error.location, expression=error.expression),)


def _failure_hint(error: TemplateError) -> str:
    if isinstance(error, TemplateLimitError):
        return _DO_LESS
    match error.code:
        case "field" if error.about in RenderContext.go_fields and error.expression.startswith(f".{error.about}"):
            return f"Dot is something else here: write `${shortened(error.expression)}`."
        case "field":
            return _NO_MEMBERS
        case "text":
            return _TEXTS if "'" in error.expression else _AS_TEXT
        case "types":
            return _SAME_TYPE
        case "wrapped-index":
            written = re.sub(r"(?<= )([.$][\w.]+)(?=\s|\Z)", r"(\1)", error.expression.partition(" ")[2])
            return f"Put what is read of a map into parentheses: `slice {shortened(written)}`."
    return ""


def diagnose_missing(missing: MissingValue, types: Mapping[str, str]) -> Diagnostic:
    """Return what is wrong with a missing value, and what to do about it."""
    message, hint = _explain(missing, types)
    # Nearly all values that a template requires are variables; one that is given as a constant has no path.
    path = missing.path or (("Vars",) if missing.kind == "required" else ())
    return Diagnostic("missing", "error", message, hint, missing.location, path, missing.expression)


def _explain(missing: MissingValue, types: Mapping[str, str]) -> tuple[str, str]:
    shown, path = _code(missing.expression), missing.path
    guess = f"; did you mean `{missing.suggestion}`?" if missing.suggestion else "."
    if missing.null_at:
        return f"{shown} holds null at {missing.null_at}.", _WRITE_NULL
    if missing.kind == "required":
        if not missing.name:
            return f"{shown} is required and empty.", _SET
        return f"`{shortened(missing.name)}` is required and empty{guess}", _SET
    if missing.name in RenderContext.go_fields and len(path) != 1 and missing.written.startswith(f".{missing.name}"):
        return _lost_dot(missing)
    if path[:1] != ("Bindings",):
        return f"{shown} is not set{guess}", _SET
    if len(path) > len(("Bindings", "slot")):
        return f"{shown} is not in the stored copy of the resource{guess}", _where_it_is(path, types)
    return f"{shown} is not bound{guess}", _BIND


def _lost_dot(missing: MissingValue) -> tuple[str, str]:
    """Explain a member of the root that was asked of another dot."""
    written = shortened(missing.written)
    if not missing.path:
        return f"Dot is nothing here, so `{written}` finds nothing.", (
            'Call the template with a dot: `{{ template "name" . }}`.'
        )
    *owner, last, _ = missing.path
    is_item = last == "[]" or last.isdecimal()
    path = "".join(f".{step}" if step != "[]" else "[]" for step in (owner if is_item else [*owner, last]))
    return (
        f"Dot is {'an item of ' if is_item else ''}`{shortened(path)}` here, which has no `{missing.name}`.",
        f"Write `${written}`; inside of a `define`, `$` is what that is called with.",
    )


def _where_it_is(path: tuple[str, ...], types: Mapping[str, str]) -> str:
    """Return where a key of a snapshot or a secret is found, if it is anywhere."""
    kind = RESOURCE_KINDS.get(types.get(path[1], ""))
    if kind is None or len(path) < 4 or path[2] not in {"Snapshot", "Secret"}:
        return _REFRESH
    here, there = kind.snapshot_keys, kind.secret_keys
    if path[2] == "Secret":
        here, there = there, here
    if path[3] in here:
        return _REFRESH
    if path[3] in there:
        other = "Secret" if path[2] == "Snapshot" else "Snapshot"
        return f"It is in the slot's {other}: `index (index .Bindings {quote(path[1])}).{other} {quote(path[3])}`."
    return f"It has {', '.join(sorted(here))}." if here else "Only clients have a secret."


def _code(expression: str) -> str:
    mark = "'" if "`" in expression else "`"
    return f"{mark}{shortened(expression)}{mark}"
