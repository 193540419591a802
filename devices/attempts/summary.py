"""What a config says about its device's bootstraps, gathered from several attempts before it is written once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from bootstrap_project.outcomes import AUTHENTICATED, SERVED
from devices.attempts.attempt import Attempt, clean
from devices.models import ERROR_ID_LENGTH, ETAG_LENGTH, WORD_LENGTH


@dataclass(slots=True)
class LastBootstrap:
    """The newest authenticated attempt of one config, beside the first and the newest that served it.

    Shape: `first_served_at` and `last_served_at` are None where no attempt served the device. `tries` counts how often
    it could not be written.
    """

    config_id: uuid.UUID
    at: datetime
    outcome: str
    error_id: str
    first_served_at: datetime | None = None
    last_served_at: datetime | None = None
    profile_id: uuid.UUID | None = None
    profile_version: int | None = None
    etag: str = ""
    tries: int = 0

    def add(self, attempt: Attempt, *, now: datetime) -> None:
        """Take in one more attempt of the same config, in any order of time.

        What lies ahead of `now` was made while the clock was wrong; all that comes after it is newer.
        """
        if attempt.at >= self.at or self.at > now:
            self.at = attempt.at
            self.outcome = clean(attempt.outcome, WORD_LENGTH)
            self.error_id = clean(attempt.error_id, ERROR_ID_LENGTH)
        if attempt.outcome not in SERVED:
            return
        if self.first_served_at is None or attempt.at < self.first_served_at:
            self.first_served_at = attempt.at
        if self.last_served_at is None or attempt.at >= self.last_served_at or self.last_served_at > now:
            self.last_served_at = attempt.at
            self.profile_id = attempt.profile_id
            self.profile_version = attempt.profile_version
            self.etag = clean(attempt.etag, ETAG_LENGTH)


def summarize(attempts: Iterable[Attempt], into: dict[uuid.UUID, LastBootstrap], *, most: int) -> int:
    """Add `attempts` to the summaries of their configs, at most `most` of them; return how many found no place.

    A refused attempt says nothing about the device: anyone can send a wrong key.
    """
    left_out, now = 0, timezone.now()
    for attempt in attempts:
        if attempt.config_id is None or attempt.outcome not in AUTHENTICATED:
            continue
        summary = into.get(attempt.config_id)
        if summary is None:
            if len(into) >= most:
                left_out += 1
                continue
            into[attempt.config_id] = summary = LastBootstrap(attempt.config_id, attempt.at, outcome="", error_id="")
        summary.add(attempt, now=now)
    return left_out
