"""What "valid output" means for each template format; checking never changes a byte (docs/contract.md#d5)."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from typing import Final

import yaml

from bootstrap_project.diagnostics import NOWHERE, Location
from bootstrap_project.documents.limits import MAX_DIRECTIVES, MAX_DOTTED_PARTS, MAX_STEPS, MAX_VALUES
from bootstrap_project.documents.toml import has_long_dotted_key, has_long_integer, has_too_many_parts
from bootstrap_project.documents.yaml import FAST_LOADER, has_too_many_nodes, refuse_repeated_keys
from bootstrap_project.rendering.errors import OutputInvalid

_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)


def check_output(template_format: str, text: str) -> None:
    """Check that `text` is what `template_format` promises.

    Raises: OutputInvalid that names the place in the output and quotes none of it, because values may be secrets.
    """
    if check := _CHECKS.get(template_format):
        check(text)


def _check_json(text: str) -> None:
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        # Python's own reader quotes what is invalid, the one in C does not.
        problem = _without_quotes(error.msg) if error.msg.startswith("Invalid") else error.msg
        raise OutputInvalid(
            "the rendered text is not valid JSON",
            f"{problem[:1].lower()}{problem[1:]}",
            location=Location(error.lineno, error.colno),
            hint="write values as {{ toJSON … }} where they may hold quotes",
        ) from None
    except (ValueError, RecursionError):
        raise OutputInvalid(
            "the rendered text is not valid JSON", "it holds NaN, Infinity, a number too long or too deep nesting"
        ) from None


def _without_quotes(problem: str) -> str:
    """Return the message of a reader in Python without its quotations; the readers in C quote nothing.

    Source: PyYAML, whose messages are "expected …, but found 'quoted'" and "found … 'quoted' …".
    """
    if problem.startswith("expected "):
        return problem.partition(", but ")[0]
    return re.split("['\"]", problem, maxsplit=1)[0].rstrip(" :")


def _check_yaml(text: str) -> None:
    too_large, invalid = "the rendered text is too large for YAML", "the rendered text is not valid YAML"
    try:
        if len(_DIRECTIVE.findall(text)) > MAX_DIRECTIVES:
            raise OutputInvalid(too_large, f"it has more than {MAX_DIRECTIVES} directives")
        if has_too_many_nodes(text):
            raise OutputInvalid(too_large, f"it has more than {MAX_VALUES} values")
        # Composing reads the whole grammar, anchors and tags included, and builds no Python objects.
        for document in yaml.compose_all(text, Loader=FAST_LOADER):
            _check_keys(document)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        location = Location(mark.line + 1, mark.column + 1) if mark else NOWHERE
        problem = getattr(error, "problem", None) or "it cannot be read"
        if FAST_LOADER is yaml.SafeLoader:
            problem = _without_quotes(problem)
        raise OutputInvalid(invalid, problem, location=location) from None
    except RecursionError:
        raise OutputInvalid(invalid, "it is nested too deep") from None


def _check_keys(document: yaml.Node) -> None:
    # By identity, since aliases lead to the same node again and again.
    seen: dict[int, yaml.Node] = {}
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.ScalarNode) or id(node) in seen:
            continue
        seen[id(node)] = node
        if isinstance(node, yaml.MappingNode):
            refuse_repeated_keys(node)
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _check_toml(text: str) -> None:
    too_large, invalid = "the rendered text is too large for TOML", "the rendered text is not valid TOML"
    if has_too_many_parts(text):
        raise OutputInvalid(too_large, f"it has more than {MAX_VALUES} parts of keys, and values")
    if text.count("\\") + text.count("\n") > MAX_STEPS:
        raise OutputInvalid(too_large, f"it has more than {MAX_STEPS} lines and escapes together")
    if has_long_dotted_key(text):
        raise OutputInvalid(invalid, f"a dotted key has more than {MAX_DOTTED_PARTS} parts")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The library's message may quote a key or a character of the output; the place is what helps.
        _, separator, place = str(error).rpartition("(")
        numbers = [int(number) for number in re.findall(r"[0-9]+", place)] if separator else []
        location = Location(numbers[0], numbers[1]) if numbers else NOWHERE
        where = f" {place.rstrip(')')} of the output" if separator and not numbers else ""
        raise OutputInvalid(invalid, f"it breaks off{where}", location=location) from None
    except (ValueError, RecursionError):
        raise OutputInvalid(invalid, "a number or its nesting is too large") from None
    if has_long_integer(document):
        raise OutputInvalid(invalid, "a whole number has more than 64 bits")


def _refuse_constant(_name: str) -> None:
    raise ValueError


_CHECKS: Final[dict[str, Callable[[str], None]]] = {"json": _check_json, "yaml": _check_yaml, "toml": _check_toml}
