"""The grammar of YAML, read event by event: what uploads are composed from, and what rendered texts are checked by."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from bootstrap_project.diagnostics import NOWHERE, Location
from bootstrap_project.documents.defects import NEEDS_QUOTES, Defect, TooLarge
from bootstrap_project.documents.limits import MAX_DIRECTIVES, MAX_RENDERED_DEPTH, MAX_VALUES
from bootstrap_project.documents.yaml_defects import UNDEFINED_ALIAS, syntax_defect

# LibYAML reads a page of YAML some ten times faster; PyYAML is built without it on a few platforms.
FAST_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: What a second key of one name is called.
REPEATED: Final = "a key is there twice"
_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)


def check(text: str) -> None:
    """Check that `text` is YAML of any number of documents, without a key twice.

    An alias means the last node before it that has its anchor (YAML 1.2.2, section 3.2.2.2).
    Raises: Defect, which quotes nothing of the text.
    Cost: one pass over the grammar, which ends at the limits; nothing is built.
    Source: gopkg.in/yaml.v3 compares keys as they are written; YAML itself demands that each is unique.
    """
    if len(_DIRECTIVE.findall(text)) > MAX_DIRECTIVES:
        raise TooLarge(f"it has more than {MAX_DIRECTIVES} directives")
    try:
        _Walk().over(FAST_LOADER(text))
    except yaml.YAMLError as error:
        raise syntax_defect(text, error) from None
    except RecursionError:
        raise Defect(f"it is nested deeper than {MAX_RENDERED_DEPTH} levels") from None


class _Keys:
    """The keys of a mapping that is open; every second node of it is one."""

    __slots__ = ("is_next", "seen")

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.is_next = True


class _Walk:
    """One pass over the events of a text."""

    def __init__(self) -> None:
        self._open: list[_Keys | None] = []
        #: What each anchor of the document stands for where it is a scalar.
        self._anchors: dict[str, str | None] = {}
        self._nodes = 0

    def over(self, parser: Any) -> None:
        """Look at all events; raises Defect, and what the parser raises."""
        while (event := parser.get_event()) is not None:
            if isinstance(event, yaml.NodeEvent):
                self._node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._open.pop()
            elif isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}

    def _node(self, event: yaml.NodeEvent) -> None:
        self._nodes += 1
        if self._nodes > MAX_VALUES:
            raise TooLarge(f"it has more than {MAX_VALUES} values", place(event))
        value = self._value(event)
        keys = self._open[-1] if self._open else None
        if keys is not None:
            if keys.is_next and value is not None:
                if value in keys.seen:
                    raise Defect(REPEATED, place(event), "keep one")
                keys.seen.add(value)
            keys.is_next = not keys.is_next
        if isinstance(event, yaml.MappingStartEvent):
            self._open.append(_Keys())
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open.append(None)

    def _value(self, event: yaml.NodeEvent) -> str | None:
        """Return the text of a scalar, also by its alias; None for what is none."""
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise Defect(UNDEFINED_ALIAS, place(event), NEEDS_QUOTES)
            return self._anchors[event.anchor]
        value: str | None = event.value if isinstance(event, yaml.ScalarEvent) else None
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value


def place(part: yaml.Event | yaml.Node) -> Location:
    """Return where an event or a node begins."""
    mark = part.start_mark
    return Location(mark.line + 1, mark.column + 1) if mark else NOWHERE
