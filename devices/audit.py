"""The audit of one call: what was found out about it on the way, counted, logged and remembered at its end."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from time import perf_counter

from django.http import HttpRequest
from django.utils import timezone

from bootstrap_project.observability.metrics import count_device_bootstrap
from bootstrap_project.observability.middleware import add_to_log
from bootstrap_project.observability.request_id import current_request_id
from devices.attempts.attempt import Attempt
from devices.attempts.recorder import record
from devices.errors import DeviceError
from devices.models import TEXT_LENGTH


@dataclass(slots=True, kw_only=True)
class CallAudit(Attempt):
    """An attempt that is filled in as it is found out, so that a refused one has it too, and what the log says of it.

    Shape: `external_id` is the one that was named, else the config's.
    """

    level: int = logging.ERROR
    reason: str = ""
    started: float = field(default_factory=perf_counter)

    def fail(self, error: DeviceError) -> None:
        """Take in why the device gets no configuration."""
        self.outcome, self.level, self.reason = error.outcome, error.level, error.reason
        self.config_id = self.config_id or error.config_id

    def close(self, request: HttpRequest) -> None:
        """Count the call, add it to the log's line about the request, and remember it."""
        count_device_bootstrap(self.variant, self.outcome)
        facts: dict[str, object] = {"source": self.source, "variant": self.variant, "outcome": str(self.outcome)}
        if self.config_id is not None:
            facts["config_id"] = self.config_id
        if self.reason:
            facts["reason"] = self.reason
        if self.path:
            facts["path"] = self.path[:TEXT_LENGTH]
        add_to_log(request, self.level, facts)
        user_agent = request.META.get("HTTP_USER_AGENT", "")
        record(self.outcome, lambda: self._finish(user_agent), is_known=self.config_id is not None)

    def _finish(self, user_agent: str) -> Attempt:
        self.at, self.duration, self.user_agent = timezone.now(), perf_counter() - self.started, user_agent
        if self.status >= 400:
            self.error_id = current_request_id()
        return self
