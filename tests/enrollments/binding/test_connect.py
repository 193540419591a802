"""Connect-on-bind in all its branches (docs/contract.md#k1)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.models import ConnectionState
from tests.support.api import told
from tests.support.enrollments import (
    COMMANDS,
    MQTT_CLIENT,
    TELEMETRY,
    Operator,
    connections,
    make_config,
    make_profile,
    rows,
)
from tests.support.sandbox import SandboxProcess

BOTH = {"Publish", "Subscribe"}
CONNECTS = {"service": "channels", "method": "POST"}


def connect_calls(sandbox: SandboxProcess) -> int:
    return len([call for call in sandbox.calls("channels") if call["path"].endswith("/connect")])


def make_platform_client(sandbox: SandboxProcess, config: Config) -> None:
    """Give the platform a client of the config's own id, as upstream's old configs had."""
    body = {"id": str(config.pk), "name": "legacy"}
    answer = sandbox.platform("POST", f"/{seed.DOMAIN_ID}/clients", sandbox.token(), body)
    assert answer.status_code == 201


def test_channels_are_connected_to_the_client_of_the_same_request(sandbox, operator, config):
    assert operator.bind(config, TELEMETRY, MQTT_CLIENT, COMMANDS).status_code == 204

    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID) == {seed.CLIENT_ID: BOTH}
    assert connections(sandbox, seed.COMMANDS_CHANNEL_ID) == {seed.CLIENT_ID: BOTH}
    # Both types in one call for each channel and its client, and one try for the config's own id, which is no client.
    assert connect_calls(sandbox) == 2 + 2


def test_a_channel_is_connected_to_a_stored_client(sandbox, operator, config):
    operator.bind(config, MQTT_CLIENT)

    operator.bind(config, TELEMETRY)

    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID) == {seed.CLIENT_ID: BOTH}


def test_a_client_is_connected_to_stored_channels(sandbox, operator, config):
    operator.bind(config, TELEMETRY, COMMANDS)
    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID) == {}

    operator.bind(config, MQTT_CLIENT)

    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID) == {seed.CLIENT_ID: BOTH}
    assert connections(sandbox, seed.COMMANDS_CHANNEL_ID) == {seed.CLIENT_ID: BOTH}


def test_a_client_that_is_replaced_is_not_connected_to_new_channels(sandbox, operator, config):
    (second,) = sandbox.fleet(clients=1)["clients"]
    operator.bind(config, MQTT_CLIENT)

    operator.bind(config, MQTT_CLIENT | {"resource_id": second}, TELEMETRY)

    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID) == {second: BOTH}


def test_every_channel_meets_every_client_once(sandbox, operator, db):
    slots: list[dict[str, Any]] = [{"name": name, "type": "client"} for name in ("a", "b", "again")]
    slots += [{"name": name, "type": "channel"} for name in ("x", "y", "x again")]
    config = make_config(profile=make_profile(slots=slots))
    clients = sandbox.fleet(clients=1)["clients"]
    bindings = [
        {"slot": "a", "type": "client", "resource_id": seed.CLIENT_ID},
        {"slot": "b", "type": "client", "resource_id": clients[0]},
        {"slot": "again", "type": "client", "resource_id": seed.CLIENT_ID},
        TELEMETRY | {"slot": "x"},
        COMMANDS | {"slot": "y"},
        TELEMETRY | {"slot": "x again"},
    ]

    assert operator.bind(config, *bindings).status_code == 204

    everyone = {seed.CLIENT_ID: BOTH, clients[0]: BOTH}
    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID) == everyone
    assert connections(sandbox, seed.COMMANDS_CHANNEL_ID) == everyone
    assert connect_calls(sandbox) == 2 * 2 + 2
    assert rows(config)["x again"].connection == ConnectionState.NO_SUCH_CLIENT


@pytest.mark.parametrize("types", [["Publish"], ["Subscribe"], ["Publish", "Subscribe"]])
def test_what_is_connected_already_is_no_failure(sandbox, operator, token, config, types):
    body = {"channel_ids": [seed.TELEMETRY_CHANNEL_ID], "client_ids": [seed.CLIENT_ID], "types": types}
    assert sandbox.platform("POST", f"/{seed.DOMAIN_ID}/channels/connect", token, body).status_code == 201

    assert operator.bind(config, MQTT_CLIENT, TELEMETRY).status_code == 204

    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID) == {seed.CLIENT_ID: BOTH}
    # Ours above; both together, then one by one as that was refused; and one for the config's own id.
    assert connect_calls(sandbox) == 1 + 3 + 1


def test_a_conflict_of_409_is_no_failure_either(sandbox, operator, config):
    sandbox.faults({"kind": "status", "status": 409, "match": CONNECTS})

    assert operator.bind(config, MQTT_CLIENT, TELEMETRY).status_code == 204
    assert rows(config)["telemetry"].connection == ConnectionState.CONNECTED


# The config's own id.


def test_a_config_that_is_a_client_is_connected(sandbox, operator, config):
    make_platform_client(sandbox, config)

    assert operator.bind(config, MQTT_CLIENT, TELEMETRY).status_code == 204

    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID) == {seed.CLIENT_ID: BOTH, str(config.pk): BOTH}
    assert rows(config)["telemetry"].connection == ConnectionState.CONNECTED
    assert rows(config)["mqtt_client"].connection == ConnectionState.UNKNOWN


def test_a_config_bound_to_the_client_of_its_own_id_is_connected_once(sandbox, operator, config):
    make_platform_client(sandbox, config)

    assert operator.bind(config, MQTT_CLIENT | {"resource_id": str(config.pk)}, TELEMETRY).status_code == 204

    assert rows(config)["telemetry"].connection == ConnectionState.CONNECTED
    assert connect_calls(sandbox) == 1


@pytest.mark.parametrize("user", ["operator", "admin"])
@pytest.mark.parametrize("with_client", [True, False])
def test_a_config_that_is_no_client_is_told_on_the_binding(caplog, sandbox, config, user, with_client):
    # The platform answers 403 to operators and 404 to its administrators.
    operator = Operator(sandbox.token(user))

    with caplog.at_level(logging.INFO):
        response = operator.bind(config, TELEMETRY, *([MQTT_CLIENT] if with_client else []))

    assert response.status_code == 204
    assert rows(config)["telemetry"].connection == ConnectionState.NO_SUCH_CLIENT
    (record,) = [record for record in caplog.records if "own id" in record.message]
    assert (record.slot, record.outcome) == ("telemetry", "no-such-client")
    assert "telemetry" in [binding["slot"] for binding in operator.bindings(config).json()["bindings"]]


@pytest.mark.parametrize("status", [401, 422, 429, 500, 503])
def test_with_a_bound_client_the_configs_own_id_never_fails_the_call(sandbox, operator, config, status):
    sandbox.faults({"kind": "status", "status": status, "match": CONNECTS | {"resource_id": str(config.pk)}})

    assert operator.bind(config, TELEMETRY, COMMANDS, MQTT_CLIENT).status_code == 204

    assert rows(config)["telemetry"].connection == ConnectionState.UNKNOWN
    assert connections(sandbox, seed.COMMANDS_CHANNEL_ID) == {seed.CLIENT_ID: BOTH}


def test_once_the_platform_fails_no_further_channel_is_tried_with_the_configs_own_id(sandbox, operator, db):
    channels = sandbox.fleet(channels=24)["channels"]
    slots = [{"name": channel, "type": "channel"} for channel in channels]
    config = make_config(profile=make_profile(slots=[*slots, {"name": "mqtt_client", "type": "client"}]))
    wishes = [{"slot": channel, "type": "channel", "resource_id": channel} for channel in channels]
    fault = {"kind": "status", "match": CONNECTS | {"resource_id": str(config.pk)}}

    # A refusal is about one channel alone.
    sandbox.faults(fault | {"status": 422})
    assert operator.bind(config, MQTT_CLIENT, *wishes).status_code == 204
    assert sandbox.admin("GET", "faults")[0]["hits"] == 24

    sandbox.faults(fault | {"status": 500})
    assert operator.bind(config, *wishes).status_code == 204
    # Those that were under way beside the first one, each tried three times.
    assert sandbox.admin("GET", "faults")[0]["hits"] <= 4 * 3


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "status", "status": 401}, 401),
        ({"kind": "status", "status": 422}, 400),
        ({"kind": "status", "status": 500}, 502),
        ({"kind": "down"}, 502),
        ({"kind": "slow"}, 504),
    ],
)
def test_without_a_bound_client_a_failing_platform_fails_the_call(sandbox, operator, config, fault, status):
    sandbox.faults(fault | {"match": CONNECTS})

    response = operator.bind(config, TELEMETRY)

    assert response.status_code == status
    assert "slot 'telemetry'" in told(response)
    assert rows(config) == {}
    sandbox.faults()
    assert operator.bind(config, TELEMETRY).status_code == 204
    assert rows(config).keys() == {"telemetry"}


def test_a_stored_client_counts_as_bound(sandbox, operator, config):
    operator.bind(config, MQTT_CLIENT)
    sandbox.faults({"kind": "status", "status": 500, "match": CONNECTS | {"resource_id": str(config.pk)}})

    assert operator.bind(config, TELEMETRY).status_code == 204


def test_a_client_in_a_slot_that_is_no_more_does_not_count_as_bound(sandbox, operator, config):
    operator.bind(config, MQTT_CLIENT)
    other = make_profile(slots=[{"name": "telemetry", "type": "channel"}])
    operator.assign(config, {"profile_id": str(other.pk)})
    sandbox.faults({"kind": "status", "status": 500, "match": CONNECTS | {"resource_id": str(config.pk)}})

    assert operator.bind(config, TELEMETRY).status_code == 502


# A bound client that cannot be connected.


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "status", "status": 401}, 401),
        ({"kind": "status", "status": 403}, 403),
        ({"kind": "status", "status": 404}, 404),
        ({"kind": "status", "status": 422}, 400),
        ({"kind": "status", "status": 429}, 502),
        ({"kind": "status", "status": 503}, 502),
        ({"kind": "reset"}, 502),
        ({"kind": "slow"}, 504),
        ({"kind": "slow", "after_work": True}, 504),
    ],
)
def test_a_bound_client_that_cannot_be_connected_fails_the_call_whole(sandbox, operator, config, fault, status):
    operator.bind(config, COMMANDS)
    before = rows(config)
    # The first connection is made, the second one fails half-way.
    sandbox.faults(fault | {"match": CONNECTS | {"resource_id": seed.TELEMETRY_CHANNEL_ID}})

    response = operator.bind(config, MQTT_CLIENT, COMMANDS, TELEMETRY)

    assert response.status_code == status
    assert "slot 'telemetry'" in told(response)
    assert "slot 'mqtt_client'" in told(response)
    after = rows(config)
    assert after.keys() == {"commands"}
    assert after["commands"].updated_at == before["commands"].updated_at

    sandbox.faults()
    assert operator.bind(config, MQTT_CLIENT, COMMANDS, TELEMETRY).status_code == 204
    assert rows(config).keys() == {"mqtt_client", "commands", "telemetry"}
    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID) == {seed.CLIENT_ID: BOTH}
    assert connections(sandbox, seed.COMMANDS_CHANNEL_ID) == {seed.CLIENT_ID: BOTH}


def test_who_may_look_but_not_connect_cannot_bind_a_channel(sandbox, config):
    viewer = Operator(sandbox.token("viewer"))

    assert viewer.bind(config, MQTT_CLIENT).status_code == 204
    response = viewer.bind(config, TELEMETRY)

    assert response.status_code == 403
    assert "slot 'telemetry'" in told(response)
    assert rows(config).keys() == {"mqtt_client"}


def test_the_request_to_wait_is_passed_on(sandbox, operator, config):
    sandbox.faults({"kind": "status", "status": 503, "retry_after": 17, "match": CONNECTS})

    response = operator.bind(config, MQTT_CLIENT, TELEMETRY)

    assert response.status_code == 502
    assert response["Retry-After"] == "17"
