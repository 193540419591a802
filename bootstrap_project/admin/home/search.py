"""The home page's search: from anything that a person has in hand to the page that it is about."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from bootstrap_project.database.constraints import NAME_LENGTH
from bootstrap_project.ids import parse_id
from configs.models import Config
from devices.models import ERROR_ID_LENGTH, TEXT_LENGTH, BootstrapAttempt


def find(term: str, *, devices: QuerySet[Config] | None, attempts: QuerySet[BootstrapAttempt] | None) -> str:
    """Return the address of the page that `term` leads to, "" when nothing is found.

    Whole ids lead to their device or attempt, anything else to the list of the devices that have it in their name or
    external id. An id that devices presented and nobody knows leads to their calls.

    Shape: `devices` and `attempts` are those that the person may see, None for neither.
    Cost: at most six queries, each by an index; the last by substring, which PostgreSQL has an index for as well.
    """
    if not term or "\0" in term or len(term) > NAME_LENGTH:
        return ""
    return (_device(term, devices) if devices is not None else "") or (
        _attempt(term, attempts) if attempts is not None else ""
    )


def _device(term: str, devices: QuerySet[Config]) -> str:
    config_id = parse_id(term)
    if config_id and devices.filter(pk=config_id).exists():
        return _change("configs_config", config_id)
    known: Any = devices
    exact = known.with_external_id(term).values_list("pk", flat=True).first()
    if exact:
        return _change("configs_config", exact)
    found = list((devices.filter(name__icontains=term) | devices.filter(external_id__icontains=term)).order_by()[:1])
    return f"{reverse('admin:configs_config_changelist')}?{urlencode({'q': _quoted(term)})}" if found else ""


def _attempt(term: str, attempts: QuerySet[BootstrapAttempt]) -> str:
    if len(term) <= ERROR_ID_LENGTH:
        # The conditions beside the terms are those of the indexes, which would not be used without them.
        found = attempts.filter(error_id=term).exclude(error_id="").order_by("-at").values_list("pk", flat=True).first()
        if found:
            return _change("devices_bootstrapattempt", found)
    if attempts.filter(external_id=term[:TEXT_LENGTH], config_id__isnull=True).exists():
        return f"{reverse('admin:devices_bootstrapattempt_changelist')}?{urlencode({'q': term})}"
    return ""


def _quoted(term: str) -> str:
    """Return what the list's search takes as one piece: it looks for the words of a phrase one by one otherwise."""
    return f'"{term}"' if " " in term and not set("\"'\\") & set(term) else term


def _change(page: str, pk: Any) -> str:
    return reverse(f"admin:{page}_change", args=(pk,))
