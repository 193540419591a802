"""The audit of one call: what was found out about it on the way, counted, logged and remembered at its end."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from time import perf_counter

from django.http import HttpRequest
from django.utils import timezone

from bootstrap_project.observability.metrics import count_device_bootstrap
from bootstrap_project.observability.middleware import add_to_log
from bootstrap_project.observability.request_id import current_request_id
from bootstrap_project.outcomes import Outcome
from devices.attempts.attempt import TEXT_LENGTH, Attempt
from devices.attempts.recorder import record
from devices.errors import DeviceError


@dataclass(slots=True)
class CallAudit:
    """What is known about a call, filled in as it is found out, so that a refused one has it too.

    Shape: `external_id` is the one that was named, else the config's; `path` is how it was asked for, where that was
    not the documented way. Until anything else is known the call is one
    that the service failed, which is what a bug leaves.
    """

    variant: str = ""
    source: str = ""
    external_id: str = ""
    path: str = ""
    config_id: uuid.UUID | None = None
    domain_id: str = ""
    profile_id: uuid.UUID | None = None
    profile_version: int | None = None
    etag: str = ""
    outcome: Outcome = Outcome.ERROR
    status: int = 500
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
        facts: dict[str, object] = {"source": self.source, "variant": self.variant, "outcome": self.outcome.value}
        if self.config_id is not None:
            facts["config_id"] = self.config_id
        if self.reason:
            facts["reason"] = self.reason
        if self.path:
            facts["path"] = self.path[:TEXT_LENGTH]
        add_to_log(request, self.level, facts)
        user_agent = request.META.get("HTTP_USER_AGENT", "")
        record(self.outcome, lambda: self._attempt(user_agent), is_known=self.config_id is not None)

    def _attempt(self, user_agent: str) -> Attempt:
        return Attempt(
            when=timezone.now(),
            config_id=self.config_id,
            domain_id=self.domain_id,
            external_id=self.external_id,
            path=self.path,
            variant=self.variant,
            outcome=self.outcome.value,
            status=self.status,
            error_id=current_request_id() if self.status >= 400 else "",
            profile_id=self.profile_id,
            profile_version=self.profile_version,
            etag=self.etag,
            duration=perf_counter() - self.started,
            source=self.source,
            user_agent=user_agent,
        )
