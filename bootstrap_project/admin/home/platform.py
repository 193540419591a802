"""Whether Magistrala answers: asked beside the home page, within a hard limit of time, and not too often."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from bootstrap_project.database.pool import connection_released
from bootstrap_project.deadline import deadline
from bootstrap_project.magistrala.credential import last_refusal
from bootstrap_project.magistrala.factory import get_client
from bootstrap_project.magistrala.urls import SERVICES

#: How long a caller waits at the most; a service that has not answered by then does not.
MAX_SECONDS: Final = 2.5
#: How long an answer is kept.
KEPT_SECONDS: Final = 10.0

ANSWERS: Final = "Magistrala answers."
MENDING: Final = (
    "Whoever runs it has to look at MG_BOOTSTRAP_TOKEN, or at MG_BOOTSTRAP_USERNAME and MG_BOOTSTRAP_PASSWORD."
)


@dataclass(frozen=True, slots=True)
class PlatformHealth:
    """Which services answer; `problem` says why none could be asked."""

    at: datetime
    answers: dict[str, bool] = field(default_factory=dict)
    problem: str = ""
    #: Whether the service's credential was refused when it was used last.
    is_refused: bool = False

    @property
    def summary(self) -> str:
        if self.problem:
            return self.problem
        silent = [service for service, answers in self.answers.items() if not answers]
        if not silent:
            return (
                f"Magistrala answers, and refuses this service's credential. {MENDING}" if self.is_refused else ANSWERS
            )
        if len(silent) == len(self.answers):
            return "Magistrala does not answer. Devices get their configuration all the same; binding has to wait."
        return f"Of Magistrala, {', '.join(silent)} {'does' if len(silent) == 1 else 'do'} not answer."

    @property
    def state(self) -> str:
        """Return good, warn or bad."""
        if self.problem or not any(self.answers.values()):
            return "bad"
        return "good" if all(self.answers.values()) and not self.is_refused else "warn"

    def to_json(self) -> dict[str, Any]:
        return {"state": self.state, "summary": self.summary, "services": self.answers, "at": self.at.isoformat()}


class Probe:
    """Asks all services at once, in threads that nobody waits for longer than the limit.

    What a thread asks ends at the same limit. One that hangs all the same, in the name look-up for example, is left
    alone, and its service is not asked again before it has ended: a platform that is down costs five threads and no
    more, however often the page is opened.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, with locks that no thread of a forked process's parent holds."""
        self._lock = threading.Condition()
        self._last: tuple[float, PlatformHealth] | None = None
        self._asked: set[str] = set()
        self._answers: dict[str, bool] = {}

    def health(self) -> PlatformHealth:
        """Return which services answer.

        Cost: at most `MAX_SECONDS`; nothing when it was asked a moment ago.
        """
        with connection_released(), self._lock:
            started = time.monotonic()
            if self._last is not None and started - self._last[0] < KEPT_SECONDS:
                return self._last[1]
            try:
                client = get_client()
            except ImproperlyConfigured as error:
                return PlatformHealth(timezone.now(), problem=f"Magistrala cannot be asked: {error}")
            if not self._asked:
                self._answers = {}
            for service in SERVICES:
                if service not in self._asked and service not in self._answers:
                    self._asked.add(service)
                    threading.Thread(target=self._ask, args=(client, service), daemon=True).start()
            self._lock.wait_for(lambda: self._is_done(started), timeout=MAX_SECONDS)
            if self._last is not None and self._last[0] >= started:
                # Somebody else waited for the same answers and was told first.
                return self._last[1]
            answers = {one: self._answers.get(one, False) for one in SERVICES}
            found = PlatformHealth(timezone.now(), answers, is_refused=bool(last_refusal()))
            self._answers = {}
            self._last = (time.monotonic(), found)
            self._lock.notify_all()
            return found

    def _is_done(self, started: float) -> bool:
        return len(self._answers) == len(SERVICES) or (self._last is not None and self._last[0] >= started)

    def _ask(self, client: Any, service: str) -> None:
        answers = False
        try:
            with deadline(MAX_SECONDS):
                answers = client.health(service)
        finally:
            with self._lock:
                self._asked.discard(service)
                self._answers[service] = answers
                self._lock.notify_all()


probe: Final = Probe()
os.register_at_fork(after_in_child=probe.forget)
