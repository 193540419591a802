"""The spellings of a status that callers use."""

from __future__ import annotations

from typing import Any

from bootstrap_project.api.messages import INVALID_QUERY
from bootstrap_project.api.queries import InvalidQuery
from configs.errors import InvalidConfig
from configs.models import Status

#: 0 means enabled: the service documentation's numbers, which the SDK has the other way round (docs/contract.md#a1).
_SPELLINGS = {"enabled": Status.ENABLED, "0": Status.ENABLED, "disabled": Status.DISABLED, "1": Status.DISABLED}


def parse_status(value: Any) -> Status:
    """Return the status that `value` spells: a word in any case, or 0 and 1 as a number or a text.

    Raises: InvalidConfig for everything else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    status = _SPELLINGS.get(value.strip().lower()) if isinstance(value, str) else None
    if status is None:
        detail = "status must be enabled or disabled, or 0 and 1 for them"
        raise InvalidConfig("invalid status", detail, field="status")
    return status


def parse_status_filter(text: str) -> Status | None:
    """Return the status that a list is limited to, None for all; an empty text asks for the enabled ones.

    Raises: InvalidQuery.
    """
    if text.lower() == "all":
        return None
    try:
        return parse_status(text or "enabled")
    except InvalidConfig:
        raise InvalidQuery(INVALID_QUERY, "status must be enabled, disabled or all") from None
