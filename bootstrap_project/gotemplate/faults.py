"""Failures inside an execution, which the façade turns into errors with a place."""

from __future__ import annotations

from typing import Final

#: Characters of a name or an expression that a message quotes.
MAX_QUOTED_LENGTH: Final = 100


def shortened(text: str, room: int = MAX_QUOTED_LENGTH) -> str:
    """Return the text, its middle left out where it is longer than `room`."""
    if len(text) <= room:
        return text
    kept = room - 1
    return f"{text[: kept - kept // 3]}…{text[len(text) - kept // 3 :]}"


class ExecFault(Exception):
    """A failure inside an execution: Go's reason, and one without values for where those must not be shown.

    Whatever a template computed counts as a value, the argument of an index and the format of a printf included: it may
    have been computed from a secret.
    """

    def __init__(self, reason: str, safe: str | None = None, *, code: str = "", name: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.safe = reason if safe is None else safe
        #: The kind of failure, where it is known what to do about it, and the name that it is about.
        self.code = code
        self.name = name


class LimitFault(ExecFault):
    """A budget is used up."""


class NilPrintFault(ExecFault):
    """A value that has to be there is nil; strict mode only. `place` is where inside a value the nil is."""

    def __init__(self, what: str, place: str = "", safe: str | None = None) -> None:
        place = shortened(place)
        super().__init__(
            f"{what} holds nil at {place}" if place else f"{what} is nil, there is nothing to print",
            safe or f"{what} {'holds nil' if place else 'is nil, there is nothing to print'}",
        )
        self.place = place


class RequiredFault(ExecFault):
    """`required` was given nil or the empty string."""

    def __init__(self, reason: str, name: str) -> None:
        super().__init__(reason, "required value is not set")
        self.name = name


class NilFault(ExecFault):
    """A field of nil was asked for."""

    def __init__(self, reason: str, name: str) -> None:
        super().__init__(reason)
        self.name = name
