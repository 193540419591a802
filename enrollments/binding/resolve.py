"""From a resource to what is stored of it: the open and the secret snapshot, limited to the slot's fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bootstrap_project.magistrala.resources import ChannelResource, ClientResource
from bootstrap_project.slots import BindingSlot
from enrollments.errors import ResourceDisabled, named

Resource: TypeAlias = ClientResource | ChannelResource


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a slot keeps of a resource."""

    snapshot: dict[str, Any] = field(default_factory=dict, repr=False)
    secret_snapshot: dict[str, Any] = field(default_factory=dict, repr=False)


def resolve(slot: BindingSlot, resource: Resource) -> Resolution:
    """Return what `slot` keeps of `resource`; names in `slot.fields` that no resource has are ignored.

    Shape: a client gives id, name, identity (its id when it has none), domain_id, and secret as the secret part; a
    channel gives id, name, topic ("" without a route), domain_id, metadata. Domain, metadata and secret are left out
    where the platform has none.
    Source: contract E.3, E.4, K4 and K5.
    """
    snapshot: dict[str, Any] = {"id": resource.id, "name": resource.name}
    secret_snapshot: dict[str, Any] = {}
    if isinstance(resource, ClientResource):
        snapshot["identity"] = resource.identity or resource.id
        if resource.secret:
            secret_snapshot["secret"] = resource.secret
    else:
        snapshot["topic"] = resource.route
        if resource.metadata:
            snapshot["metadata"] = resource.metadata
    if resource.domain_id:
        snapshot["domain_id"] = resource.domain_id
    return Resolution(
        snapshot={name: value for name, value in snapshot.items() if slot.keeps(name)},
        secret_snapshot={name: value for name, value in secret_snapshot.items() if slot.keeps(name)},
    )


def check_enabled(slot: str, resource: Resource) -> None:
    """Check that the platform lets `resource` talk.

    Raises: ResourceDisabled.
    """
    if not resource.enabled:
        kind = kind_of(resource)
        defect = f"the {kind} {resource.id} is {resource.status}; enable it on the platform or bind another"
        raise ResourceDisabled(f"{named(slot)}: {defect}", slot=slot, defect=defect)


def kind_of(resource: Resource) -> str:
    """Return the slot type that fits `resource`."""
    return "client" if isinstance(resource, ClientResource) else "channel"
