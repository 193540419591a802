"""What devices put onto a device's page: its last calls, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from bootstrap_project.admin import permissions
from bootstrap_project.admin.devices.sections import Panel, PanelBody
from bootstrap_project.admin.display import badge
from bootstrap_project.outcomes import SERVED, Outcome, outcome_label
from configs.models import Config
from devices.models import BootstrapAttempt

_MAX_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Call:
    """A row: one call of the device."""

    attempt: BootstrapAttempt

    @property
    def words(self) -> str:
        """Return what became of it."""
        return outcome_label(self.attempt.outcome)

    @property
    def result(self) -> SafeString:
        """Return its outcome in its colour."""
        kind = (
            "good" if self.attempt.outcome in SERVED else "plain" if self.attempt.outcome == Outcome.PROBED else "bad"
        )
        return badge(kind, self.attempt.outcome.replace("_", " "))


def calls(request: HttpRequest, config: Config) -> PanelBody:
    """Return the last calls of the device, newest first, and where all are.

    Cost: one query, by the index of a config's attempts.
    """
    attempts = list(BootstrapAttempt.objects.of_config(config.pk)[: _MAX_ATTEMPTS + 1])
    listed = reverse("admin:devices_bootstrapattempt_changelist")
    context: dict[str, Any] = {
        "calls": [Call(attempt) for attempt in attempts[:_MAX_ATTEMPTS]],
        "all_url": f"{listed}?q={config.pk}",
        "list_url": listed,
    }
    return PanelBody("admin/devices/bootstrapattempt/device_calls.html", context)


CALLS: Final = Panel("calls", "What the device fetched", calls, permission=permissions.VIEW_ATTEMPTS)
