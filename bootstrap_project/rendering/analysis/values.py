"""What is known before any device is: how the render context is read, and where a value comes from and its kind."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias

from bootstrap_project.gotemplate.nodes import Node
from bootstrap_project.rendering.analysis.paths import Path, prefixes

Constant: TypeAlias = str | int | float | bool

_MAX_PATH: Final = 32
_MAX_SOURCES: Final = 8


class Kind(StrEnum):
    """What sort of value something is, as far as printing cares."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOL = "bool"
    LIST = "list"
    MAP = "map"


class AccessMode(StrEnum):
    """How a value is read."""

    FIELD = "field"
    """`.Vars.x`: fails where it is missing."""
    INDEX = "index"
    """`index .Vars "x"`: gives nil where it is missing; what it goes through must be there."""
    DYNAMIC = "dynamic"
    """`index .Vars $name`: which member is read shows only while rendering."""
    WHOLE = "whole"
    """`toJSON .Vars`, `range .Bindings`: all members at once."""


class Guard(StrEnum):
    """What keeps a missing value from doing harm."""

    NONE = "none"
    DEFAULT = "default"
    """`default` or `or` puts something else in its place."""
    REQUIRED = "required"
    """`required` says that it must be there."""
    CONDITION = "condition"
    """It is tested by `if` or `with`, or is read only where such a test has found it."""


@dataclass(slots=True)
class Access:
    """One read of a value; its guard becomes known only after it."""

    path: Path
    mode: AccessMode
    node: Node
    template: str
    """The definition that it is in; "" for the template itself."""
    reachable: bool
    guard: Guard = Guard.NONE
    is_conditional: bool = False
    """It stands in a part that is not rendered for every device."""
    owner_is_certain: bool = False
    """The slot that it is a member of is certainly bound."""
    is_tested: bool = False
    """Its truth is asked for."""

    @property
    def is_named(self) -> bool:
        """Say whether the template names what it reads, rather than computes it or takes all there is."""
        return self.mode in {AccessMode.FIELD, AccessMode.INDEX}


@dataclass(frozen=True, slots=True)
class Value:
    """An abstract value; without any member set, nothing is known of it."""

    path: Path | None = None
    kind: Kind | None = None
    constant: Constant | None = None
    nil: Path | None = None
    """The value is nil where there is nothing under this path."""
    strict: bool = False
    """It was read in a way that fails where it is missing, so that only a stored null makes it nil."""
    replaced: bool = False
    """Something else may stand here than what the path leads to."""
    sources: tuple[Path, ...] = ()
    """What of the render context is in its text, letter by letter."""
    is_json: bool = False
    when_true: frozenset[Path] = frozenset()
    """What is certainly there, and not empty, where the value is true."""
    when_false: frozenset[Path] = frozenset()
    access: Access | None = field(default=None, compare=False)


UNKNOWN: Final = Value()


def at(path: Path, **members: object) -> Value:
    """Return the value under `path`; nothing is known of what lies too deep."""
    if len(path) > _MAX_PATH:
        return UNKNOWN
    value = Value(path=path, sources=(path,), when_true=prefixes(path))
    return replace(value, **members) if members else value  # type: ignore[arg-type]


def constant(value: Constant) -> Value:
    """Return the value of a literal."""
    return Value(kind=kind_of(value), constant=value)


def text(*sources: Value) -> Value:
    """Return a string that is made of `sources`."""
    return Value(kind=Kind.STRING, sources=mixed(*sources))


def of_kind(kind: Kind) -> Value:
    """Return any value of that kind."""
    return Value(kind=kind)


def mixed(*values: Value) -> tuple[Path, ...]:
    """Return the sources of all of `values`, the first few."""
    found = dict.fromkeys(path for value in values for path in value.sources)
    return tuple(found)[:_MAX_SOURCES]


def kind_of(value: object) -> Kind | None:
    """Return the kind of a value of JSON; None for null."""
    if isinstance(value, bool):
        return Kind.BOOL
    for python, kind in _KINDS:
        if isinstance(value, python):
            return kind
    return None


_KINDS: Final[tuple[tuple[type, Kind], ...]] = (
    (str, Kind.STRING),
    (int, Kind.INTEGER),
    (float, Kind.FLOAT),
    (list, Kind.LIST),
    (dict, Kind.MAP),
)
