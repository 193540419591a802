"""The outcomes of attempts in words for people."""

from __future__ import annotations

from typing import Final

OUTCOMES: Final = {
    "ok": "It got its configuration.",
    "static": "It got its own content.",
    "not_modified": "It has the current configuration already.",
    "probed": "It asked what it would get, without taking it (HEAD).",
    "disabled": "The device is disabled.",
    "missing_binding": "A required slot is not bound.",
    "render_failed": "Its configuration could not be made.",
    "unauthorized": "The call carried no key.",
    "refused": "The external id is unknown, or the key is wrong.",
    "throttled": "There were too many failures lately, or too many keys to check.",
    "invalid": "The call could not be understood, or several devices have its key.",
    "error": "The service failed; its log tells more.",
}


def in_words(outcome: str) -> str:
    """Return a sentence about what became of a call; the outcome itself when it is none of ours."""
    return OUTCOMES.get(outcome, outcome.replace("_", " "))
