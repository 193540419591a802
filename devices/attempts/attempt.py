"""One bootstrap as it is remembered: who asked, what became of it, and nothing that is secret."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

#: Lengths in characters; longer text is cut.
TEXT_LENGTH: Final = 255
ERROR_ID_LENGTH: Final = 64
ETAG_LENGTH: Final = 128
SOURCE_LENGTH: Final = 64
WORD_LENGTH: Final = 16

_UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A device's call and its outcome; there is no place for a key or for what was rendered.

    Shape: `when` is aware. `config_id` is None while no config is known, `domain_id` may be left out. `outcome` is an
    `Outcome`. `profile_id` and `profile_version` are None where no profile was rendered.
    `path` is how it was asked for, where that was not the documented way.
    `error_id` is the request's id where the device got an error with it, else "".
    Units: `duration` in seconds.
    """

    when: datetime
    config_id: uuid.UUID | None
    external_id: str
    variant: str
    outcome: str
    status: int
    path: str = ""
    error_id: str = ""
    profile_id: uuid.UUID | None = None
    profile_version: int | None = None
    etag: str = ""
    duration: float = 0.0
    source: str = ""
    user_agent: str = ""
    domain_id: str = ""


def shortened(attempt: Attempt) -> Attempt:
    """Return `attempt` with what callers choose freely cut to length, so that a full buffer stays small."""
    names = ("external_id", "user_agent", "path")
    chosen: dict[str, Any] = {name: getattr(attempt, name) for name in names}
    if all(len(text) <= TEXT_LENGTH for text in chosen.values()):
        return attempt
    return replace(attempt, **{name: text[:TEXT_LENGTH] for name, text in chosen.items()})


def clean(text: str, length: int) -> str:
    """Return at most `length` characters of `text`, those that are no plain text replaced.

    NUL and surrogates fit into no column of PostgreSQL; other controls could make a page or a terminal show something
    else than what was sent.
    """
    text = text[:length]
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _UNPRINTABLE for character in text)
