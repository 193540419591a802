from __future__ import annotations

import pytest

from bootstrap_project.magistrala.resources import ChannelResource, ClientResource
from bootstrap_project.slots import BindingSlot
from enrollments.binding.resolve import check_enabled, resolve
from enrollments.errors import ResourceDisabled

CLIENT = ClientResource(
    id="c1", name="pump", domain_id="d1", identity="pump-4", secret="s3cr3t", tags=("a",), metadata={"model": "x"}
)
CHANNEL = ChannelResource(id="h1", name="telemetry", domain_id="d1", route="north", metadata={"type": "data"})


@pytest.mark.parametrize(
    ("resource", "fields", "snapshot", "secret"),
    [
        pytest.param(
            CLIENT,
            None,
            {"id": "c1", "name": "pump", "identity": "pump-4", "domain_id": "d1"},
            {"secret": "s3cr3t"},
            id="a client gives four open fields and its secret, not its metadata",
        ),
        pytest.param(
            ClientResource(id="c1"),
            None,
            {"id": "c1", "name": "", "identity": "c1"},
            {},
            id="a client without an identity is known by its id",
        ),
        pytest.param(
            CHANNEL,
            None,
            {"id": "h1", "name": "telemetry", "topic": "north", "domain_id": "d1", "metadata": {"type": "data"}},
            {},
            id="a channel gives its route as topic, and its metadata",
        ),
        pytest.param(
            ChannelResource(id="h1"), None, {"id": "h1", "name": "", "topic": ""}, {}, id="a channel always has a topic"
        ),
        pytest.param(
            CLIENT,
            ("id", "identity", "secret"),
            {"id": "c1", "identity": "pump-4"},
            {"secret": "s3cr3t"},
            id="fields that name the secret let it through",
        ),
        pytest.param(
            CLIENT, ("id", "name"), {"id": "c1", "name": "pump"}, {}, id="fields without the secret keep it out"
        ),
        pytest.param(
            CHANNEL, ("id", "name"), {"id": "h1", "name": "telemetry"}, {}, id="fields keep even the topic out"
        ),
        pytest.param(CHANNEL, ("colour",), {}, {}, id="fields that no channel has are ignored"),
        pytest.param(CLIENT, ("tags", "metadata", "status"), {}, {}, id="fields cannot ask for more than is given"),
    ],
)
def test_a_slot_keeps_what_its_fields_name(resource, fields, snapshot, secret):
    slot = BindingSlot("s", "client", fields=fields)

    resolved = resolve(slot, resource)

    assert resolved.snapshot == snapshot
    assert resolved.secret_snapshot == secret
    assert "s3cr3t" not in repr(resolved)


def test_a_disabled_resource_is_refused_by_its_slot():
    check_enabled("s", CHANNEL)

    with pytest.raises(ResourceDisabled, match="slot 's': the channel h1 is disabled"):
        check_enabled("s", ChannelResource(id="h1", status="disabled"))
