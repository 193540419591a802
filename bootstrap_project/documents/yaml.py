"""YAML with bounds, in which a word means what it means to Go's users: `no`, `on` and `12:30` are texts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml
from yaml.composer import Composer

from bootstrap_project.documents.decoding import decode
from bootstrap_project.documents.defects import NEEDS_QUOTES, Defect, shown
from bootstrap_project.documents.errors import INVALID_JSON, InvalidDocument
from bootstrap_project.documents.limits import MAX_ALIASES, MAX_DEPTH, MAX_NUMBER_LENGTH, MAX_VALUES
from bootstrap_project.documents.values import as_json
from bootstrap_project.documents.yaml_defects import braces_defect, syntax_defect
from bootstrap_project.documents.yaml_events import FAST_LOADER, REPEATED, check, place

#: What rendered texts are checked with.
__all__ = ["check", "read", "write"]

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


#: Where PyYAML came without LibYAML its loader is a composer already.
_BASES: Final[tuple[Any, ...]] = (FAST_LOADER,) if issubclass(FAST_LOADER, Composer) else (Composer, FAST_LOADER)


class BoundedLoader(*_BASES):  # type: ignore[misc]
    """YAML's safe loader with limits on aliases, depth and size; it takes no key of a mapping twice.

    PyYAML composes, from the events of the same parser that rendered texts are checked with: what one door takes the
    other takes as well.
    """

    def __init__(self, stream: str) -> None:
        FAST_LOADER.__init__(self, stream)
        Composer.__init__(self)
        self._aliases = 0
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node, unless there are too many of them."""
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            self._aliases += 1
            if self._aliases > MAX_ALIASES:
                raise Defect(f"more than {MAX_ALIASES} aliases", place(event))
        else:
            # PyYAML refuses an anchor that is defined again; to YAML the last one counts (1.2.2, section 3.2.2.2).
            self.anchors.pop(event.anchor, None)
        self._nodes += 1
        if self._nodes > MAX_VALUES:
            raise Defect(f"more than {MAX_VALUES} values", place(event))
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Defect(f"nested deeper than {MAX_DEPTH} levels", place(event))
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Return a mapping, whose keys are the texts that stand there, and none of them twice."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _no_name(node, key)
            if key.value in seen:
                raise Defect(f"{REPEATED}: {shown(key.value)}", place(key), "keep one")
            seen.add(key.value)
        node.value = [(_as_text(key), value) for key, value in node.value]
        return node

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Return an integer, in the notations of YAML 1.2 and of C."""
        text = _short(node).value.replace("_", "")
        return int(text, 8 if _OCTAL.match(text) else 0)

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        value: float = super().construct_yaml_float(_short(node))
        return value

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge what `<<` names."""
        super().flatten_mapping(node)
        # Each mapping is flattened before those that merge it, so growth ends here one level after it went too far.
        if len(node.value) > MAX_VALUES:
            raise Defect(f"merging makes more than {MAX_VALUES} members")


def _add_words(kind: type[yaml.resolver.BaseResolver]) -> None:
    """Add our rules for plain words to those of a loader or dumper."""
    for name, pattern, first in _WORDS:
        kind.add_implicit_resolver(f"{_TAG}{name}", re.compile(rf"(?:{pattern})\Z"), list(first))


def read(body: bytes) -> Any:
    """Return the document in `body`; dates, and what only YAML 1.1 takes for a number, stay the text they are.

    Raises: InvalidDocument; also for tags and for more aliases than few.
    """
    text = decode(body)
    try:
        document = yaml.load(text, Loader=BoundedLoader)  # noqa: S506 - a SafeLoader with bounds.
    except Defect as defect:
        raise InvalidDocument.of(defect, "YAML") from None
    except yaml.YAMLError as error:
        raise InvalidDocument.of(syntax_defect(text, error), "YAML") from None
    except RecursionError:
        raise InvalidDocument(INVALID_JSON, f"the YAML is nested deeper than {MAX_DEPTH} levels") from None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        # PyYAML trips over what contradicts its tag, such as `!!int ""` and `!!bool maybe`.
        raise InvalidDocument(INVALID_JSON, "the YAML holds a value that does not fit its tag") from error
    return as_json({} if document is None else document)


def _no_name(mapping: yaml.MappingNode, key: yaml.Node) -> Defect:
    """Return what is wrong with a key that is no text: most often a template's braces without quotes."""
    is_template = mapping.flow_style and place(key).column == place(mapping).column + 1
    if is_template and isinstance(key, yaml.MappingNode):
        return braces_defect(place(mapping))
    return Defect("the name of a member must be a text", place(key), NEEDS_QUOTES)


def write(document: Mapping[str, Any]) -> str:
    """Return `document` as YAML without anchors, texts of several lines as blocks where YAML can hold them so."""
    # S506 is about loading; the dumper is a safe one.
    text: str = yaml.dump(dict(document), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000)
    return text


def _as_text(key: yaml.Node) -> yaml.Node:
    # As numbers they could be chosen so that all have one hash. Others may have the node by its anchor.
    if isinstance(key, yaml.ScalarNode) and key.tag in _NO_TEXTS:
        return yaml.ScalarNode(f"{_TAG}str", key.value, key.start_mark, key.end_mark, key.style)
    return key


def _short(node: yaml.ScalarNode) -> yaml.ScalarNode:
    if len(node.value) > MAX_NUMBER_LENGTH:
        raise Defect(f"a number with more than {MAX_NUMBER_LENGTH} characters", place(node))
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
