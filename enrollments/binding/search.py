"""Finds clients and channels by a part of their name, for people who choose what to bind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bootstrap_project.ids import parse_id
from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.errors import Forbidden, ResourceNotFound
from bootstrap_project.observability.request_id import current_request_id
from configs.models import Config
from enrollments.binding.fetch import ResourceRef, view
from enrollments.binding.resources import PLATFORM_KINDS, Resource

#: How many are offered at once; people who look for another one type more of its name.
MAX_CHOICES: Final = 20
MAX_NAME_LENGTH: Final = 256


@dataclass(frozen=True, slots=True)
class ResourceChoice:
    """A resource as somebody chooses it: nothing of its secret, identity or metadata."""

    id: str
    name: str
    tags: tuple[str, ...]
    status: str


@dataclass(frozen=True, slots=True)
class ResourceChoices:
    """What was found; `has_more` when the name fits more than are offered."""

    found: tuple[ResourceChoice, ...]
    has_more: bool = False


def find_resources(
    *, config: Config, resource_type: str, text: str, magistrala: MagistralaClient, token: str
) -> ResourceChoices:
    """Return the clients or channels of the config's domain whose name contains `text`, or the one whose id it is.

    Disabled ones are among them, so that nobody looks in vain for what is there; binding refuses them.

    Raises: MagistralaError.
    Cost: one call.
    """
    domain_id, wanted = config.domain_id, text.strip()[:MAX_NAME_LENGTH]
    found: list[Resource]
    if parse_id(wanted):
        try:
            found = [view(ResourceRef(domain_id, resource_type, wanted), magistrala=magistrala, token=token)]
        except (Forbidden, ResourceNotFound):
            # The platform says 403 to an id that nobody has; one that this service may not read cannot be bound either.
            found = []
    else:
        request_id = current_request_id()
        search = PLATFORM_KINDS[resource_type].search
        found = list(search(magistrala, domain_id, wanted, token, MAX_CHOICES + 1, status="all", request_id=request_id))
    own = [one for one in found if one.domain_id in {"", domain_id}]
    offers = [ResourceChoice(one.id, one.name, one.tags, one.status) for one in own[:MAX_CHOICES]]
    return ResourceChoices(tuple(offers), has_more=len(own) > MAX_CHOICES)
