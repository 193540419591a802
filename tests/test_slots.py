"""The table of resource kinds: the schema, the adapter's side and lint have what it says."""

from __future__ import annotations

from typing import Any

import pytest

from bootstrap_project.admin.profiles.samples import make_sample
from bootstrap_project.magistrala.resources import ChannelResource, ClientResource
from bootstrap_project.slots import RESOURCE_KINDS, SLOT_TYPES, BindingSlot
from enrollments.binding.resolve import resolve
from enrollments.binding.resources import PLATFORM_KINDS, Resource, kind_of
from enrollments.models import BindingSnapshot
from tests.support.rows import make_profile

WHOLE: dict[str, Resource] = {
    "client": ClientResource("id", "name", "domain", "identity", "secret"),
    "channel": ChannelResource("id", "name", "domain", "topic", metadata={"a": 1}),
}


def test_a_new_kind_is_a_migration_and_a_call_of_the_platform():
    field: Any = BindingSnapshot._meta.get_field("type")
    constraints: Any = {one.name: one for one in BindingSnapshot._meta.constraints}

    assert [value for value, _label in field.choices] == list(RESOURCE_KINDS)
    condition = constraints["enrollments_binding_type_known"].condition
    assert dict(condition.children)["type__in"] == list(RESOURCE_KINDS)
    assert all(len(name) <= field.max_length for name in RESOURCE_KINDS)
    assert list(PLATFORM_KINDS) == list(WHOLE) == list(SLOT_TYPES) == list(RESOURCE_KINDS)


@pytest.mark.parametrize("kind", RESOURCE_KINDS.values(), ids=RESOURCE_KINDS)
def test_a_snapshot_of_a_whole_resource_has_the_keys_of_its_kind_in_their_order(kind):
    resolution = resolve(BindingSlot("slot", kind.name), WHOLE[kind.name])

    assert kind_of(WHOLE[kind.name]).name == kind.name
    assert tuple(resolution.snapshot) == kind.snapshot_keys
    assert tuple(resolution.secret_snapshot) == kind.secret_keys
    assert set(kind.optional_keys) < set(kind.snapshot_keys) or not kind.optional_keys
    assert RESOURCE_KINDS[kind.connects_to].connects_to == kind.name


@pytest.mark.django_db
def test_samples_have_what_snapshots_have():
    slots = [{"name": name, "type": name, "required": False} for name in RESOURCE_KINDS]

    bindings = make_sample(make_profile(binding_slots=slots))["Bindings"]

    for kind in RESOURCE_KINDS.values():
        assert tuple(bindings[kind.name]["Snapshot"]) == kind.snapshot_keys
        assert tuple(bindings[kind.name].get("Secret", ())) == kind.secret_keys
