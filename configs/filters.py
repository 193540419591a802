"""What a list of configs can be limited to (contract A.2)."""

from __future__ import annotations

from django.http import QueryDict

from bootstrap_project.api.pagination import single
from bootstrap_project.database.constraints import NAME_LENGTH
from bootstrap_project.ids import parse_id
from configs.models import Config, ConfigQuerySet
from configs.status import parse_status_filter


def filter_configs(configs: ConfigQuerySet, query: QueryDict) -> ConfigQuerySet:
    """Return the configs that match every known parameter; unknown ones are ignored.

    Raises: InvalidQuery for an unknown status and for a parameter given twice.
    """
    status = parse_status_filter(single(query, "status"))
    if status is not None:
        configs = configs.filter(status=status)
    if name := single(query, "name"):
        # No name is longer, and SQLite refuses patterns of 50,000 bytes.
        configs = configs.filter(name__icontains=name) if len(name) <= NAME_LENGTH else configs.none()
    if external_id := single(query, "external_id"):
        configs = configs.with_external_id(external_id)
    if config_id := single(query, "id"):
        parsed = parse_id(config_id)
        configs = configs.filter(pk=parsed) if parsed else Config.objects.none()
    return configs
