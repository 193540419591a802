"""What `analyze` answers: which parts of the render context a template reads, where and how."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Access(StrEnum):
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


@dataclass(frozen=True, slots=True)
class Read:
    """One place where a template reads a value. `line` and `column` count from 1, columns in characters."""

    access: Access
    guard: Guard
    line: int
    column: int
    expression: str
    template: str
    """The definition that the place is in; "" for the template itself."""


@dataclass(frozen=True, slots=True)
class Use:
    """A value that a template reads: `path` are the names below `.Vars`, `.Device`, `.Snapshot` or `.Secret`.

    The name `[]` stands for any member of a list or map that `range` walks.
    """

    path: tuple[str, ...]
    reads: tuple[Read, ...]

    @property
    def name(self) -> str:
        """Return the first name."""
        return self.path[0]


@dataclass(frozen=True, slots=True)
class SlotUse:
    """What a template reads of one slot; `reads` are the places that name it."""

    name: str
    reads: tuple[Read, ...]
    snapshot: tuple[Use, ...]
    secret: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class OpenRead:
    """A read of members that the template does not name: computed, or all of them. `path` leads to what holds them."""

    path: tuple[str, ...]
    read: Read


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that a template reads, each list in the order of names, each place in the order of the text."""

    variables: tuple[Use, ...]
    slots: tuple[SlotUse, ...]
    device: tuple[Use, ...]
    open_reads: tuple[OpenRead, ...]
    is_complete: bool
    """False where the template calls templates in too many ways to follow each: there may be more than is listed."""
