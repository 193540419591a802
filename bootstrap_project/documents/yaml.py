"""YAML with bounds, in which a word means what it means to Go's users: `no`, `on` and `12:30` are texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

import yaml

from bootstrap_project.diagnostics import Location
from bootstrap_project.documents.errors import INVALID_JSON, InvalidDocument
from bootstrap_project.documents.limits import MAX_ALIASES, MAX_DEPTH, MAX_NUMBER_LENGTH, MAX_VALUES
from bootstrap_project.documents.values import as_json

# LibYAML reads a page of YAML some ten times faster; PyYAML is built without it on a few platforms.
FAST_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SIGNS: Final = ",:-?[{\n"

_TAG: Final = "tag:yaml.org,2002:"
# What a plain word is, by its first characters (gopkg.in/yaml.v3, resolve.go). Dates are texts here.
_WORDS: Final = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0[bB][01_]+|0[oO][0-7_]+|0[xX][0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
)
_NO_TEXTS: Final = frozenset(f"{_TAG}{name}" for name in ("bool", "int", "float"))
_OCTAL: Final = re.compile(r"[-+]?0[0-7]+\Z")


class BoundedLoader(yaml.SafeLoader):
    """YAML's safe loader with limits on aliases, depth and size; it takes no key of a mapping twice."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._aliases = 0
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node, unless there are too many of them."""
        if self.check_event(yaml.events.AliasEvent):
            self._aliases += 1
            if self._aliases > MAX_ALIASES:
                raise yaml.YAMLError(f"more than {MAX_ALIASES} aliases")
        self._nodes += 1
        if self._nodes > MAX_VALUES:
            raise yaml.YAMLError(f"more than {MAX_VALUES} values")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise yaml.YAMLError(f"nested deeper than {MAX_DEPTH} levels")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Return a mapping, whose keys are the texts that stand there, and none of them twice."""
        node = super().compose_mapping_node(anchor)
        node.value = [(_as_text(key), value) for key, value in node.value]
        refuse_repeated_keys(node)
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Return an integer, in the notations of YAML 1.2 and of C."""
        text = _short(node).value.replace("_", "")
        return int(text, 8 if _OCTAL.match(text) else 0)

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        return super().construct_yaml_float(_short(node))

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge what `<<` names."""
        super().flatten_mapping(node)
        # Each mapping is flattened before those that merge it, so growth ends here one level after it went too far.
        if len(node.value) > MAX_VALUES:
            raise yaml.YAMLError(f"merging makes more than {MAX_VALUES} members")


def _add_words(kind: type[yaml.resolver.BaseResolver]) -> None:
    """Add our rules for plain words to those of a loader or dumper."""
    for name, pattern, first in _WORDS:
        kind.add_implicit_resolver(f"{_TAG}{name}", re.compile(rf"(?:{pattern})\Z"), list(first))


def read(body: bytes) -> Any:
    """Return the document in `body`; dates, and what only YAML 1.1 takes for a number, stay the text they are.

    Raises: InvalidDocument; also for tags and for more aliases than few.
    """
    try:
        text = body.decode("utf-8")
        document = yaml.load(text, Loader=BoundedLoader)  # noqa: S506 - a SafeLoader with bounds.
    except UnicodeDecodeError as error:
        raise InvalidDocument(INVALID_JSON, f"byte {error.start} is not UTF-8") from error
    except yaml.YAMLError as error:
        raise _invalid(error) from None
    except RecursionError:
        raise InvalidDocument(INVALID_JSON, f"the YAML is nested deeper than {MAX_DEPTH} levels") from None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        # PyYAML trips over what contradicts its tag, such as `!!int ""` and `!!bool maybe`.
        raise InvalidDocument(INVALID_JSON, "the YAML holds a value that does not fit its tag") from error
    return as_json({} if document is None else document)


def _invalid(error: yaml.YAMLError) -> InvalidDocument:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return InvalidDocument(INVALID_JSON, f"not valid YAML: {error}")
    problem = getattr(error, "problem", None) or "it cannot be read"
    place = Location(mark.line + 1, mark.column + 1)
    detail = f"not valid YAML: {problem} at line {place.line}, column {place.column}"
    return InvalidDocument(INVALID_JSON, detail, location=place)


def write(document: Mapping[str, Any]) -> str:
    """Return `document` as YAML without anchors, texts of several lines as blocks where YAML can hold them so."""
    # S506 is about loading; the dumper is a safe one.
    text: str = yaml.dump(dict(document), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000)
    return text


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


def has_too_many_nodes(text: str) -> bool:
    """Return whether the YAML `text` has more than `MAX_VALUES` keys and values.

    Raises: yaml.YAMLError.
    Cost: next to nothing for texts that are too short for it; else one pass over the grammar, which ends there.
    """
    # Each key and each value has one of the signs before it, except the first.
    if sum(map(text.count, _SIGNS)) < MAX_VALUES:
        return False
    nodes = (event for event in yaml.parse(text, Loader=FAST_LOADER) if isinstance(event, yaml.NodeEvent))
    return next(islice(nodes, MAX_VALUES, None), None) is not None


def _as_text(key: yaml.Node) -> yaml.Node:
    # As numbers they could be chosen so that all have one hash. Others may have the node by its anchor.
    if isinstance(key, yaml.ScalarNode) and key.tag in _NO_TEXTS:
        return yaml.ScalarNode(f"{_TAG}str", key.value, key.start_mark, key.end_mark, key.style)
    return key


def _short(node: yaml.ScalarNode) -> yaml.ScalarNode:
    if len(node.value) > MAX_NUMBER_LENGTH:
        raise yaml.YAMLError(f"a number with more than {MAX_NUMBER_LENGTH} characters")
    return node


for _kind in ("int", "float"):
    BoundedLoader.add_constructor(f"{_TAG}{_kind}", getattr(BoundedLoader, f"construct_yaml_{_kind}"))
BoundedLoader.yaml_implicit_resolvers = {}
_add_words(BoundedLoader)


class _Dumper(yaml.SafeDumper):
    """Writes YAML without anchors, and texts of several lines as blocks where YAML can hold them so."""

    def ignore_aliases(self, data: Any) -> bool:
        """Tell that equal values are written out each time."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)
# Texts that either we or a reader of YAML 1.1 would take for something else are quoted.
_add_words(_Dumper)
