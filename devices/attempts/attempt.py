"""One bootstrap as it is remembered: who asked, what became of it, and nothing that is secret."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.utils import timezone

from bootstrap_project.outcomes import Outcome
from devices.models import TEXT_LENGTH

_UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"


@dataclass(slots=True)
class Attempt:
    """A device's call and its outcome; there is no place for a key or for what was rendered.

    Each field is the column of `BootstrapAttempt` that has its name, and says there what it means; this is the part
    that costs a device's call next to nothing.

    Shape: `at` is aware. `config_id` is None while no config is known, `domain_id` may be left out: it is looked up.
    `profile_id` and `profile_version` are None where no profile was rendered. Until anything else is known the call is
    one that the service failed, which is what a bug leaves.
    Units: `duration` in seconds.
    """

    at: datetime = field(default_factory=timezone.now)
    variant: str = ""
    source: str = ""
    external_id: str = ""
    path: str = ""
    config_id: uuid.UUID | None = None
    domain_id: str = ""
    profile_id: uuid.UUID | None = None
    profile_version: int | None = None
    etag: str = ""
    outcome: str = Outcome.ERROR
    status: int = 500
    error_id: str = ""
    duration: float = 0.0
    user_agent: str = ""

    def shorten(self) -> None:
        """Cut what callers choose freely to length, so that a full buffer stays small."""
        self.external_id, self.path = self.external_id[:TEXT_LENGTH], self.path[:TEXT_LENGTH]
        self.user_agent = self.user_agent[:TEXT_LENGTH]


def clean(text: str, length: int) -> str:
    """Return at most `length` characters of `text`, those that are no plain text replaced.

    NUL and surrogates fit into no column of PostgreSQL; other controls could make a page or a terminal show something
    else than what was sent.
    """
    text = text[:length]
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _UNPRINTABLE for character in text)
