"""What "valid output" means for each template format; checking never changes a byte (contract D.5)."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from itertools import islice
from typing import Final

import yaml

from bootstrap_project.rendering.errors import OutputInvalid

#: How many parts a dotted key of TOML may have: reading one takes time that grows with their square.
MAX_DOTTED_PARTS: Final = 64
# It begins at the start of a part and never goes back within one, so that looking takes time in proportion to the text.
_LONG_DOTTED_KEY: Final = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){64}"""
)
# Texts and comments, those included that nothing ends.
_TEXTS: Final = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z)|"(?:[^"\\\n]|\\.)*+"?'''
    r"""|'''(?:[^']|'(?!''))*+(?:'''|\Z)|'[^'\n]*+'?|#[^\n]*+""",
    re.DOTALL,
)
#: How many keys and values a text may have. Reading one of YAML or TOML takes some ten microseconds, and all of them
#: have to be read while a device waits, and others behind it.
MAX_VALUES: Final = 20_000
#: Escapes and lines of a TOML text, each a step of a reader that is written in Python; directives of a YAML text, of
#: which LibYAML compares each with all that came before it.
MAX_STEPS: Final = 100_000
MAX_DIRECTIVES: Final = 100
_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)
_TOML_SIGNS: Final = "=,.[{"
_YAML_SIGNS: Final = ",:-?[{\n"
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**63 - 1
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
        # Python's own reader quotes what is invalid, the one in C does not.
        problem = _without_quotes(error.msg) if error.msg.startswith("Invalid") else error.msg
        raise OutputInvalid(
            "the rendered text is not valid JSON",
            f"{problem[:1].lower()}{problem[1:]} at line {error.lineno}, column {error.colno} of the output;"
            " write values as {{ toJSON … }} where they may hold quotes",
        ) from None
    except (ValueError, RecursionError):
        raise OutputInvalid(
            "the rendered text is not valid JSON", "it holds NaN, Infinity, a number too long or too deep nesting"
        ) from None


def _without_quotes(problem: str) -> str:
    """Return what the message of a reader in Python says without what it quotes; the readers in C quote nothing.

    Source: PyYAML, whose messages are "expected …, but found 'quoted'" and "found … 'quoted' …".
    """
    if problem.startswith("expected "):
        return problem.partition(", but ")[0]
    return re.split("['\"]", problem, maxsplit=1)[0].rstrip(" :")


def refuse_repeated_keys(mapping: yaml.MappingNode) -> None:
    """Check that no key of `mapping` is there twice.

    Raises: yaml.MarkedYAMLError.
    Source: gopkg.in/yaml.v3, which compares keys as they are written; YAML itself demands that each is unique.
    """
    seen: set[str] = set()
    for key, _value in mapping.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem="a key is there twice", problem_mark=key.start_mark)
            seen.add(key.value)


def _check_yaml(text: str) -> None:
    try:
        if len(_DIRECTIVE.findall(text)) > MAX_DIRECTIVES:
            said = f"it has more than {MAX_DIRECTIVES} directives"
            raise OutputInvalid("the rendered text is too large for YAML", said)
        if has_too_many_nodes(text):
            raise OutputInvalid("the rendered text is too large for YAML", f"it has more than {MAX_VALUES} values")
        # Composing reads the whole grammar, anchors and tags included, and builds no Python objects.
        for document in yaml.compose_all(text, Loader=_YAML_LOADER):
            _check_keys(document)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1} of the output" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        if _YAML_LOADER is yaml.SafeLoader:
            problem = _without_quotes(problem)
        raise OutputInvalid("the rendered text is not valid YAML", f"{problem}{place}") from None
    except RecursionError:
        raise OutputInvalid("the rendered text is not valid YAML", "it is nested too deep") from None


def has_too_many_nodes(text: str) -> bool:
    """Tell whether the YAML `text` has more than `MAX_VALUES` keys and values.

    Raises: yaml.YAMLError.
    Cost: next to nothing for texts that are too short for it; else one pass over the grammar, which ends there.
    """
    # Each key and each value has one of the signs before it, except the first.
    if sum(map(text.count, _YAML_SIGNS)) < MAX_VALUES:
        return False
    nodes = (event for event in yaml.parse(text, Loader=_YAML_LOADER) if isinstance(event, yaml.NodeEvent))
    return next(islice(nodes, MAX_VALUES, None), None) is not None


def has_too_many_parts(text: str) -> bool:
    """Tell whether the TOML `text` has more than `MAX_VALUES` parts of keys, tables and values together.

    Cost: in proportion to the text.
    """
    if sum(map(text.count, _TOML_SIGNS)) <= MAX_VALUES:
        return False
    bare = _TEXTS.sub('""', text)
    return sum(map(bare.count, _TOML_SIGNS)) > MAX_VALUES


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


def has_long_integer(document: object) -> bool:
    """Tell whether what was read from TOML holds a whole number that no 64 bits hold, which TOML forbids."""
    if isinstance(document, dict):
        return any(map(has_long_integer, document.values()))
    if isinstance(document, list):
        return any(map(has_long_integer, document))
    return isinstance(document, int) and not _INT_MIN <= document <= _INT_MAX


def has_long_dotted_key(text: str) -> bool:
    """Tell whether a key in the TOML `text` has more than `MAX_DOTTED_PARTS` parts.

    Cost: in proportion to the text.
    """
    # Few texts have so many dots in a row at all, and in most of those they stand in a value.
    return bool(_LONG_DOTTED_KEY.search(text) and _LONG_DOTTED_KEY.search(_TEXTS.sub('""', text)))


def _check_toml(text: str) -> None:
    if has_too_many_parts(text):
        raise OutputInvalid(
            "the rendered text is too large for TOML", f"it has more than {MAX_VALUES} parts of keys, and values"
        )
    if text.count("\\") + text.count("\n") > MAX_STEPS:
        raise OutputInvalid(
            "the rendered text is too large for TOML", f"it has more than {MAX_STEPS} lines and escapes together"
        )
    if has_long_dotted_key(text):
        raise OutputInvalid(
            "the rendered text is not valid TOML", f"a dotted key has more than {MAX_DOTTED_PARTS} parts"
        )
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The library's message may quote a key or a character of the output; the place is what helps.
        _, separator, place = str(error).rpartition("(")
        where = f" {place.rstrip(')')} of the output" if separator else ""
        raise OutputInvalid("the rendered text is not valid TOML", f"it breaks off{where}") from None
    except (ValueError, RecursionError):
        raise OutputInvalid("the rendered text is not valid TOML", "a number or its nesting is too large") from None
    if has_long_integer(document):
        raise OutputInvalid("the rendered text is not valid TOML", "a whole number has more than 64 bits")


def _refuse_constant(_name: str) -> None:
    raise ValueError


_CHECKS: Final[dict[str, Callable[[str], None]]] = {"json": _check_json, "yaml": _check_yaml, "toml": _check_toml}
