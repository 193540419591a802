"""From a resource to what is stored of it: the open and the secret snapshot, limited to the slot's fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bootstrap_project.slots import RESOURCE_KINDS, BindingSlot
from enrollments.binding.resources import Resource, kind_of
from enrollments.errors import ResourceDisabled, named


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a slot keeps of a resource."""

    snapshot: dict[str, Any] = field(default_factory=dict, repr=False)
    secret_snapshot: dict[str, Any] = field(default_factory=dict, repr=False)


def resolve(slot: BindingSlot, resource: Resource) -> Resolution:
    """Return what `slot` keeps of `resource`; names in `slot.fields` that no resource has are ignored.

    Shape: the keys of `RESOURCE_KINDS`. A client's identity is its id when it has none, a channel's topic is "" without
    a route. Domain, metadata and secret are left out where the platform has none.
    Source: docs/contract.md#e3, #e4, #k4 and #k5.
    """
    platform_kind = kind_of(resource)
    values = {"id": resource.id, "name": resource.name} | platform_kind.values(resource)
    if resource.domain_id:
        values["domain_id"] = resource.domain_id
    kind = RESOURCE_KINDS[platform_kind.name]
    kept = [key for key in kind.keys if key in values and slot.keeps(key)]
    return Resolution(
        snapshot={key: values[key] for key in kept if key not in kind.secret_keys},
        secret_snapshot={key: values[key] for key in kept if key in kind.secret_keys},
    )


def check_enabled(slot: str, resource: Resource) -> None:
    """Check that the platform lets `resource` talk.

    Raises: ResourceDisabled.
    """
    if not resource.enabled:
        kind = kind_of(resource).name
        defect = f"the {kind} {resource.id} is {resource.status}; enable it on the platform or bind another"
        raise ResourceDisabled(f"{named(slot)}: {defect}", slot=slot, defect=defect)
