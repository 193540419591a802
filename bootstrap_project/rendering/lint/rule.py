"""What a rule is and what it looks at: the facts of a template beside what its profile declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, Final

from bootstrap_project.diagnostics import NOWHERE, Diagnostic, Location
from bootstrap_project.gotemplate import Suggestions, quote
from bootstrap_project.gotemplate.nodes import Node
from bootstrap_project.rendering.analysis.facts import Facts, expression_of
from bootstrap_project.rendering.analysis.outline import Outline
from bootstrap_project.rendering.analysis.paths import (
    BINDINGS,
    ROOT,
    VARS,
    Path,
    Step,
    dotted,
    is_resource_map,
    struct_string,
)
from bootstrap_project.rendering.analysis.values import Access, AccessMode, Kind, Value, kind_of
from bootstrap_project.rendering.lint.places import Place
from bootstrap_project.slots import RESOURCE_KINDS, BindingSlot

_MAX_ITEMS: Final = 100


class Presence(Enum):
    """What the defaults have under a path."""

    THERE = "there"
    NULL = "null"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Lookup:
    """Whether the defaults have something under a path; `steps` is its length up to its first missing step."""

    presence: Presence
    steps: int
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class LintContext:
    """A template with the slots, defaults and format of its profile."""

    source: str
    facts: Facts
    slots: Mapping[str, BindingSlot]
    defaults: Mapping[str, Any]
    template_format: str
    #: The text around the actions, and where in a value each stands, in formats that know values.
    outline: Outline
    places: tuple[Place, ...]
    #: What was looked for in the defaults already.
    known: dict[Path, Lookup] = field(default_factory=dict, compare=False, repr=False)
    #: All rules share what guesses may cost.
    suggestions: Suggestions = field(default_factory=Suggestions, compare=False, repr=False)

    def slot(self, path: Path) -> BindingSlot | None:
        """Return the declared slot that `path` leads into."""
        name = slot_name(path)
        return None if name is None else self.slots.get(name)

    def find(self, path: Path) -> Lookup:
        """Look for a path below `.Vars` in the defaults; every item of a list has to have what is asked of items."""
        if path not in self.known:
            self.known[path] = self._find(path)
        return self.known[path]

    def _find(self, path: Path) -> Lookup:
        values: list[Any] = [self.defaults]
        is_certain = True
        for length, step in enumerate(path[1:], start=2):
            # Of some item nobody knows which it is: nothing is missing from there on.
            is_certain = is_certain and step is not Step.DYNAMIC
            values = list(_step(values, step))
            if _MISSING in values:
                return Lookup(Presence.MISSING if is_certain else Presence.THERE, length)
        kinds = {kind_of(value) for value in values}
        presence = Presence.NULL if None in values and is_certain else Presence.THERE
        return Lookup(presence, len(path), kinds.pop() if len(kinds) == 1 else None)

    def suggestion(self, name: str, candidates: Iterable[str]) -> str:
        """Return "; did you mean `x`?" for the candidate that is most like `name`; "" if none is."""
        found = self.suggestions.closest(name, candidates)
        return f"; did you mean `{found}`?" if found else ""

    def kind(self, value: Value) -> Kind | None:
        """Return the kind of a value as far as the profile shows."""
        if value.path is None:
            return value.kind or (self.path_kind(value.sources[0]) if value.sources[:1] and _is_key(value) else None)
        return self.path_kind(value.path) or value.kind

    def path_kind(self, path: Path) -> Kind | None:
        """Return the kind of what is under `path`."""
        if path in {VARS, BINDINGS} or is_resource_map(path):
            return Kind.MAP
        if path[:1] == VARS:
            return self.find(path).kind if path[-1] is not Step.KEY else _KEY_KINDS.get(self.path_kind(path[:-1]))
        if struct_string(path):
            return Kind.STRING
        slot = self.slot(path)
        # What is inside of an object is not known.
        if slot is None or len(path) != 4:
            return None
        return Kind.MAP if path[3] in RESOURCE_KINDS[slot.type].object_keys else Kind.STRING

    def warning(self, node: Node, message: str, hint: str) -> Diagnostic:
        return warning(message, hint, self.facts.location(node), expression=expression_of(node))

    def is_open(self, *containers: Path) -> bool:
        """Return whether the template may read more members of these than it names."""
        return not self.facts.is_complete or any(
            access.mode in {AccessMode.WHOLE, AccessMode.DYNAMIC} and access.path in {ROOT, *containers}
            for access in self.facts.accesses
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its id, why it is there in one line, and what looks for it."""

    id: str
    reason: str
    check: Callable[[LintContext], Iterator[Diagnostic]]


def rule(id: str, reason: str) -> Callable[[Callable[[LintContext], Iterator[Diagnostic]]], Rule]:  # noqa: A002
    """Return a decorator that makes a rule of a function; docs/lint.md has a section for each id."""
    return partial(Rule, id, reason)


def warning(message: str, hint: str, location: Location = NOWHERE, *, expression: str = "") -> Diagnostic:
    """Return a warning; its rule's id is added by `lint`. Without a location it is about the profile as a whole."""
    return Diagnostic("", "warning", message, hint, location, expression=expression)


#: What kind the names or numbers are that lead to what a list or a map holds.
_KEY_KINDS: Final[Mapping[Kind | None, Kind]] = {Kind.LIST: Kind.INTEGER, Kind.MAP: Kind.STRING}


def _is_key(value: Value) -> bool:
    return value.sources[0][-1:] == (Step.KEY,)


class _Missing:
    """What a value lacks."""


_MISSING: Final = _Missing()


def _step(values: list[Any], step: str | Step) -> Iterator[Any]:
    """Yield what one step leads to from each of `values`."""
    count = 0
    for value in values:
        if not isinstance(step, Step):
            yield value.get(step, _MISSING) if isinstance(value, Mapping) else _MISSING
        elif isinstance(value, Mapping | list):
            for item in value.values() if isinstance(value, Mapping) else value:
                yield item
                count += 1
                if count >= _MAX_ITEMS:
                    return


def slot_name(path: Path) -> str | None:
    """Return the name of the slot that `path` leads into; None where there is none or it is computed."""
    return path[1] if len(path) > 1 and path[0] == "Bindings" and isinstance(path[1], str) else None


def in_order(accesses: Iterable[Access]) -> list[Access]:
    """Return accesses in the order of the text, those of the template itself first."""
    return sorted(accesses, key=lambda access: (access.template, access.node.start))


def index_expression(path: Path) -> str:
    """Return how `path` is read without failing: `index .Vars "mqtt" "host"`."""
    first, *rest = path
    if any(isinstance(step, Step) for step in rest):
        return f"index … {quote(str(rest[-1]))}"
    if first == "Bindings" and len(path) > 2:
        slot, member, *keys = (str(step) for step in rest)
        whole = f"(index .Bindings {quote(slot)}).{member}"
        return f"index {whole} {' '.join(map(quote, keys))}" if keys else whole
    return f"index .{first} {' '.join(quote(str(step)) for step in rest)}"


def backticked(path: Path) -> str:
    """Return `path` for a message."""
    return f"`{dotted(path)}`"
