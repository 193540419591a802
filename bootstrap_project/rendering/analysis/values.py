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
    COMPLEX = "complex"
    BOOL = "bool"
    LIST = "list"
    MAP = "map"


class AccessMode(StrEnum):
    """How a value is read."""

    #: `.Vars.x`: fails where it is missing.
    FIELD = "field"
    #: `index .Vars "x"`: gives nil where it is missing; what it goes through must be there.
    INDEX = "index"
    #: `index .Vars $name`: which member is read shows only while rendering.
    DYNAMIC = "dynamic"
    #: `toJSON .Vars`, `range .Bindings`: all members at once.
    WHOLE = "whole"


class Guard(StrEnum):
    """What keeps a missing value from doing harm."""

    NONE = "none"
    #: `default` or `or` puts something else in its place.
    DEFAULT = "default"
    #: `required` says that it must be there.
    REQUIRED = "required"
    #: It is tested by `if` or `with`, or is read only where such a test has found it.
    CONDITION = "condition"


@dataclass(slots=True)
class Access:
    """One read of a value; its guard becomes known only after it."""

    path: Path
    mode: AccessMode
    node: Node
    #: The definition that it is in; "" for the template itself.
    template: str
    reachable: bool
    guard: Guard = Guard.NONE
    #: It stands in a part that is not rendered for every device.
    is_conditional: bool = False
    #: The slot that it is a member of is certainly bound.
    owner_is_certain: bool = False
    #: Its truth is asked for.
    is_tested: bool = False

    @property
    def is_named(self) -> bool:
        """Return whether the template names what it reads, rather than computes it or takes all there is."""
        return self.mode in {AccessMode.FIELD, AccessMode.INDEX}


@dataclass(frozen=True, slots=True)
class Value:
    """An abstract value; without any member set, nothing is known of it."""

    path: Path | None = None
    kind: Kind | None = None
    constant: Constant | None = None
    #: The value is nil where there is nothing under this path.
    nil: Path | None = None
    #: It was read in a way that fails where it is missing, so that only a stored null makes it nil.
    strict: bool = False
    #: Something else may stand here than what the path leads to.
    replaced: bool = False
    #: What of the render context is in its text, letter by letter.
    sources: tuple[Path, ...] = ()
    #: They stand in it encoded, as hexadecimal digits or the name of a type: nothing that ends a string.
    is_encoded: bool = False
    #: What `toJSON` or `%q` has put into quotes where it is text.
    json_of: Value | None = None
    #: It is the constant nil.
    is_nil: bool = False
    #: What is certainly there, and not empty, where the value is true.
    when_true: frozenset[Path] = frozenset()
    when_false: frozenset[Path] = frozenset()
    access: Access | None = field(default=None, compare=False)


UNKNOWN: Final = Value()
NIL: Final = Value(is_nil=True)


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
