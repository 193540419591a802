"""What a list of configs can be limited to (docs/contract.md#a2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field

from bootstrap_project.api.queries import PageQuery, TextParameter
from bootstrap_project.database.constraints import NAME_LENGTH
from bootstrap_project.ids import parse_id
from configs.models import Config, ConfigQuerySet, Status
from configs.status import parse_status_filter


@extend_schema_field({"type": "string", "enum": ["all", "disabled", "enabled"]})
class StatusParameter(TextParameter):
    """A status in any of its spellings, or all."""

    def parse(self, name: str, text: str) -> Status | None:
        """Return the status, None for all; raises InvalidQuery."""
        return parse_status_filter(text)


class ConfigQuery(PageQuery):
    """What a list of configs takes."""

    status = StatusParameter(help_text="enabled (the default), disabled or all.")
    name = TextParameter(help_text="A part of the name, in any case.")
    external_id = TextParameter(help_text="The whole external id.")
    id = TextParameter(help_text="The whole id.")


def filter_configs(configs: ConfigQuerySet, wanted: Mapping[str, Any]) -> ConfigQuerySet:
    """Return the configs that match all of what `ConfigQuery` has read."""
    if wanted["status"] is not None:
        configs = configs.filter(status=wanted["status"])
    if name := wanted["name"]:
        # No name is longer, and SQLite refuses patterns of 50,000 bytes.
        configs = configs.filter(name__icontains=name) if len(name) <= NAME_LENGTH else configs.none()
    if external_id := wanted["external_id"]:
        configs = configs.with_external_id(external_id)
    if config_id := wanted["id"]:
        parsed = parse_id(config_id)
        configs = configs.filter(pk=parsed) if parsed else Config.objects.none()
    return configs
