"""What "valid output" means for each template format; checking never changes a byte (contract D.5)."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Final

import yaml

from bootstrap_project.rendering.errors import OutputInvalid

#: The formats that a profile may declare.
FORMATS: Final = ("go-template", "json", "yaml", "toml", "raw")

# LibYAML reads a page of YAML some ten times faster; PyYAML is built without it on a few platforms.
_YAML_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check_output(template_format: str, text: str) -> None:
    """Check that `text` is what `template_format` promises.

    Raises: OutputInvalid that names the place in the output and quotes none of it, because values may be secrets.
    """
    check = _CHECKS.get(template_format)
    if check is not None:
        check(text)


def _check_json(text: str) -> None:
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise OutputInvalid(
            "the rendered text is not valid JSON",
            f"{error.msg[:1].lower()}{error.msg[1:]} at line {error.lineno}, column {error.colno} of the output;"
            " write values as {{ toJSON … }} where they may hold quotes",
        ) from None
    except (ValueError, RecursionError):
        raise OutputInvalid(
            "the rendered text is not valid JSON", "it holds NaN, Infinity, a number too long or too deep nesting"
        ) from None


def _check_yaml(text: str) -> None:
    try:
        # Composing reads the whole grammar, anchors and tags included, and builds no Python objects.
        for _document in yaml.compose_all(text, Loader=_YAML_LOADER):
            pass
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1} of the output" if mark else ""
        raise OutputInvalid(
            "the rendered text is not valid YAML", f"{getattr(error, 'problem', None) or 'it cannot be read'}{place}"
        ) from None
    except RecursionError:
        raise OutputInvalid("the rendered text is not valid YAML", "it is nested too deep") from None


def _check_toml(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The library's message may quote a key or a character of the output; the place is what helps.
        _, separator, place = str(error).rpartition("(")
        where = f" {place.rstrip(')')} of the output" if separator else ""
        raise OutputInvalid("the rendered text is not valid TOML", f"it breaks off{where}") from None
    except (ValueError, RecursionError):
        raise OutputInvalid("the rendered text is not valid TOML", "a number or its nesting is too large") from None


def _refuse_constant(_name: str) -> None:
    raise ValueError


_CHECKS: Final[dict[str, Callable[[str], None]]] = {"json": _check_json, "yaml": _check_yaml, "toml": _check_toml}
