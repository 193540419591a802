"""What is noted while a template is walked; `analyze` sums it up, and the rules of lint look for mistakes in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from bootstrap_project.rendering.analysis.paths import Path
from bootstrap_project.rendering.analysis.values import Access, Reading, Spot, Value


@dataclass(frozen=True, slots=True)
class Printed:
    """A value that is printed, by an action or by a function that writes text."""

    value: Value
    spot: Spot
    reachable: bool


@dataclass(frozen=True, slots=True)
class Quoted:
    """A value that stands between quotes of its own in the text around it."""

    value: Value
    spot: Spot
    quote: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class Fallback:
    """A read that fails before the function around it can put something in its place."""

    path: Path
    function: str
    spot: Spot
    reachable: bool


@dataclass(frozen=True, slots=True)
class PrintfCall:
    """A call of printf with a constant format."""

    form: str
    args: tuple[Value, ...]
    spot: Spot


@dataclass(frozen=True, slots=True)
class SlotTest:
    """A slot whose truth is asked for."""

    path: Path
    access: Access
    spot: Spot


@dataclass(frozen=True, slots=True)
class ConstantTest:
    """A condition that is a literal; `dead` says what is never rendered because of it, nothing if all is."""

    truth: bool
    dead: str
    spot: Spot


@dataclass(frozen=True, slots=True)
class UnknownMember:
    """A member that a struct of the context does not have."""

    path: Path
    member: str
    spot: Spot


@dataclass(slots=True)
class Facts:
    """All that one walk found."""

    readings: list[Reading] = field(default_factory=list)
    printed: list[Printed] = field(default_factory=list)
    quoted: list[Quoted] = field(default_factory=list)
    fallbacks: list[Fallback] = field(default_factory=list)
    printf_calls: list[PrintfCall] = field(default_factory=list)
    slot_tests: list[SlotTest] = field(default_factory=list)
    constant_tests: list[ConstantTest] = field(default_factory=list)
    unknown_members: list[UnknownMember] = field(default_factory=list)
    unreachable: list[Spot] = field(default_factory=list)
    undefined_templates: list[Spot] = field(default_factory=list)
    unused_templates: list[Spot] = field(default_factory=list)
    unused_variables: list[Spot] = field(default_factory=list)
    fixed_text: str | None = None
    """The whole output, where the template has no actions."""
    is_complete: bool = True
