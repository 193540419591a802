"""Asks Magistrala for resources, each one once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from django.utils import timezone

from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.errors import MagistralaError
from bootstrap_project.observability.request_id import current_request_id
from enrollments.at_once import at_once
from enrollments.errors import NOTHING_STORED, at_place
from enrollments.models import ResourceType
from enrollments.resolver import Resource, check_domain
from enrollments.slots import named


class ResourceRef(NamedTuple):
    """Which resource, seen from which domain; a tuple, since a fleet's refresh looks up very many of them."""

    domain_id: str
    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A resource as it was at some moment after `at`."""

    resource: Resource
    at: datetime


def fetch(ref: ResourceRef, *, magistrala: MagistralaClient, token: str) -> Fetched:
    """Return the resource of `ref` with the rights of `token`.

    Raises: MagistralaError.
    """
    at = timezone.now()
    request_id = current_request_id()
    if ref.type == ResourceType.CLIENT:
        return Fetched(magistrala.view_client(ref.domain_id, ref.id, token, request_id=request_id), at)
    return Fetched(magistrala.view_channel(ref.domain_id, ref.id, token, request_id=request_id), at)


def fetch_all(
    wanted: Iterable[tuple[str, ResourceRef]], *, magistrala: MagistralaClient, token: str
) -> Mapping[ResourceRef, Fetched]:
    """Return the resources of all pairs of slot and reference.

    Raises: MagistralaError and ResourceNotInDomain, which name the first slot that needs what could not be had.
    Cost: one call for each distinct resource, a few at once; the first failure ends it.
    """
    first_slots: dict[ResourceRef, str] = {}
    for slot, ref in wanted:
        first_slots.setdefault(ref, slot)

    def fetch_for(slot: str, ref: ResourceRef) -> Fetched:
        try:
            found = fetch(ref, magistrala=magistrala, token=token)
        except MagistralaError as error:
            raise at_place(error, named(slot), NOTHING_STORED) from error
        check_domain(slot, found.resource, ref.domain_id)
        return found

    found = at_once([partial(fetch_for, slot, ref) for ref, slot in first_slots.items()])
    return dict(zip(first_slots, found, strict=True))
