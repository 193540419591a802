"""What configs themselves put onto a device's page: who changed what."""

from __future__ import annotations

from typing import Final

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest
from django.urls import reverse

from bootstrap_project.admin import permissions
from bootstrap_project.admin.devices.sections import Panel, PanelBody
from configs.models import Config

_MOST_ENTRIES = 5


def history(request: HttpRequest, config: Config) -> PanelBody:
    """Return the last changes of the device and who made them."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Config), object_id=str(config.pk)
    ).select_related("user")
    context = {
        # One more than is shown tells whether there are more.
        "entries": list(entries.order_by("-action_time", "-pk")[: _MOST_ENTRIES + 1]),
        "most": _MOST_ENTRIES,
        "history_url": reverse("admin:configs_config_history", args=(config.pk,)),
    }
    return PanelBody("admin/configs/config/panels/history.html", context)


HISTORY: Final = Panel("changes", "Who changed what", history, permission=permissions.VIEW_DEVICES)
