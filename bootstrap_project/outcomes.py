"""What may become of a device's call: the one vocabulary of metrics, of stored attempts, and of pages about them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """One outcome; the values are stored and counted, and never change."""

    OK = "ok"
    STATIC = "static"
    NOT_MODIFIED = "not_modified"
    #: The key was right, and HEAD asked what would be answered: nothing was delivered, and nothing failed.
    PROBED = "probed"
    DISABLED = "disabled"
    MISSING_BINDING = "missing_binding"
    RENDER_FAILED = "render_failed"
    UNAUTHORIZED = "unauthorized"
    REFUSED = "refused"
    THROTTLED = "throttled"
    INVALID = "invalid"
    ERROR = "error"

    @property
    def label(self) -> str:
        """The outcome as a sentence for people."""
        return _LABELS[self]


_LABELS: Final = {
    Outcome.OK: "It got its configuration.",
    Outcome.STATIC: "It got its own content.",
    Outcome.NOT_MODIFIED: "It has the current configuration already.",
    Outcome.PROBED: "It asked what it would get, without taking it (HEAD).",
    Outcome.DISABLED: "The device is disabled.",
    Outcome.MISSING_BINDING: "A required slot is not bound.",
    Outcome.RENDER_FAILED: "Its configuration could not be made.",
    Outcome.UNAUTHORIZED: "The call carried no key.",
    Outcome.REFUSED: "The external id is unknown, or the key is wrong.",
    Outcome.THROTTLED: "There were too many failures lately, or too many keys to check.",
    Outcome.INVALID: "The call could not be understood, or several devices have its key.",
    Outcome.ERROR: "The service failed; its log tells more.",
}
# Rows hold plain texts, which are found in these sets as well.
#: The device got its configuration, or was told that it has the current one.
SERVED: Final = frozenset({Outcome.OK, Outcome.STATIC, Outcome.NOT_MODIFIED})
#: The key was right, whatever came of it; these alone say something about the device itself.
AUTHENTICATED: Final = SERVED | {Outcome.DISABLED, Outcome.MISSING_BINDING, Outcome.RENDER_FAILED}
#: The device asked for its configuration and got none.
FAILED: Final = frozenset(Outcome) - SERVED - {Outcome.PROBED}


def outcome_label(outcome: str, *, is_known: bool = False) -> str:
    """Return the sentence for a stored outcome; the outcome itself when it is none of ours.

    Operators are told which of two it was: a device that `is_known` was refused for its key.
    """
    if is_known and outcome == Outcome.REFUSED:
        return "Wrong key."
    return Outcome(outcome).label if outcome in frozenset(Outcome) else outcome.replace("_", " ")
