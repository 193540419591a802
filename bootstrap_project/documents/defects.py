"""What is wrong with a text of some language, wherever it came from: the same words for uploads and rendered texts."""

from __future__ import annotations

from typing import Final

from bootstrap_project.diagnostics import NOWHERE, Location

#: The hint for a value that was written bare, or whose own quotes end it; a template has a function for it.
NEEDS_QUOTES: Final = 'texts need quotes: "…"'
#: What a sentence shows of a name that somebody sent.
_MAX_SHOWN: Final = 64


class Defect(ValueError):
    """One defect of a text: what is wrong, where, and what to do; it quotes no value, because values may be secrets."""

    def __init__(self, problem: str, location: Location = NOWHERE, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.location = location
        self.hint = hint

    @property
    def sentence(self) -> str:
        """Return all of it in one line."""
        place = f" at line {self.location.line}, column {self.location.column}" if self.location.line else ""
        return f"{self.problem}{place}; {self.hint}" if self.hint else f"{self.problem}{place}"


class TooLarge(Defect):
    """A text that is not read, because reading it would take too long."""


def place_of(text: str, offset: int) -> Location:
    """Return the line and the column of a character of `text`; its end is one behind the last character."""
    offset = min(offset, len(text))
    return Location(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def shown(name: str) -> str:
    """Return a name for a sentence, in quotes and cut in the middle where it is long."""
    half = _MAX_SHOWN // 2
    return repr(name if len(name) <= _MAX_SHOWN else f"{name[:half]}…{name[-half:]}")
