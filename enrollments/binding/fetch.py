"""Asks Magistrala for resources, each one once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.utils import timezone

from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.errors import Forbidden, MagistralaError, ResourceNotFound
from bootstrap_project.observability.request_id import current_request_id
from enrollments.binding.parallel import run_parallel
from enrollments.binding.refusals import ResourceRef, no_such_resource, why_refused
from enrollments.binding.resources import PLATFORM_KINDS, Resource
from enrollments.errors import at_slot

__all__ = ["Fetched", "ResourceRef", "fetch", "fetch_all", "view"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A resource as it was at some moment after `at`."""

    resource: Resource
    at: datetime


def fetch(ref: ResourceRef, *, magistrala: MagistralaClient, token: str) -> Fetched:
    """Return the resource of `ref` with the rights of `token`.

    Raises: MagistralaError; ResourceNotFound, in the same words, for an id that nobody has, for a resource that was
    deleted, and for one of another domain, which a credential for all domains can read (docs/contract.md#k15, #k17).
    Cost: one call, and two more to find out why the platform refused it.
    """
    at = timezone.now()
    try:
        resource = view(ref, magistrala=magistrala, token=token)
    except ResourceNotFound as error:
        raise no_such_resource(ref, error.status) from error
    except Forbidden as error:
        raise why_refused(error, ref, magistrala=magistrala, token=token) from error
    if resource.domain_id not in {"", ref.domain_id}:
        raise no_such_resource(ref, status=None)
    return Fetched(resource, at)


def view(ref: ResourceRef, *, magistrala: MagistralaClient, token: str) -> Resource:
    """Return what the platform shows of `ref`, whichever domain it is in.

    Raises: MagistralaError; Forbidden for what is not there as well.
    Cost: one call.
    """
    request_id = current_request_id()
    return PLATFORM_KINDS[ref.type].view(magistrala, ref.domain_id, ref.id, token, request_id=request_id)


def fetch_all(
    wanted: Iterable[tuple[str, ResourceRef]], *, magistrala: MagistralaClient, token: str
) -> Mapping[ResourceRef, Fetched]:
    """Return the resources of all pairs of slot and reference.

    Raises: MagistralaError, which names the first slot that needs what could not be had.
    Cost: that of `fetch` for each distinct resource, a few at once; the first failure ends it.
    """
    first_slots: dict[ResourceRef, str] = {}
    for slot, ref in wanted:
        first_slots.setdefault(ref, slot)

    def fetch_for(slot: str, ref: ResourceRef) -> Fetched:
        try:
            found = fetch(ref, magistrala=magistrala, token=token)
        except MagistralaError as error:
            raise at_slot(error, slot) from error
        return found

    found = run_parallel([partial(fetch_for, slot, ref) for ref, slot in first_slots.items()])
    return dict(zip(first_slots, found, strict=True))
