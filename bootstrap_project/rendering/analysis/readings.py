"""Places in a template, and reads of the render context as they are noted while a template is walked."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap_project.rendering.analysis.model import Access, Guard
from bootstrap_project.rendering.analysis.paths import Path


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A place in a template: `line` and `column` from 1, 0 where what is meant is no place; `template` as in Read."""

    line: int
    column: int
    expression: str
    template: str = ""


@dataclass(slots=True)
class Reading:
    """One read of a value; its guard becomes known only after it."""

    path: Path
    access: Access
    spot: Spot
    reachable: bool
    guard: Guard = Guard.NONE
    is_conditional: bool = False
    """It stands in a part that is not rendered for every device."""
    owner_is_certain: bool = False
    """The slot that it is a member of is certainly bound."""
    is_tested: bool = False
    """Its truth is asked for."""
