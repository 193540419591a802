"""Several callers at once on one config: every answer is good, and what is stored fits together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.models import BindingSnapshot
from tests.support.enrollments import (
    COMMANDS,
    MQTT_CLIENT,
    PI_SLOTS,
    TELEMETRY,
    Operator,
    connections,
    make_config,
    make_profile,
    rows,
)

pytestmark = pytest.mark.django_db(transaction=True)
BOTH = {"Publish", "Subscribe"}


@pytest.fixture
def pi(sandbox: Any) -> Config:
    if "mode=memory" in str(connection.settings_dict["NAME"]):
        pytest.skip("a database in memory has one connection for all threads; the file and PostgreSQL are tested")
    sandbox.latency(5)
    return make_config(profile=make_profile())


def at_once(*calls: Callable[[], Any]) -> list[int]:
    """Make the calls in threads of their own, started together; return their statuses."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> int:
        try:
            barrier.wait()
            return int(call().status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.parametrize("_round", range(3))
def test_binds_of_one_slot_end_with_one_of_them_whole(sandbox, token, pi, _round):
    clients = sandbox.fleet(clients=6)["clients"]

    statuses = at_once(
        *(
            lambda client=client: Operator(token).bind(pi, MQTT_CLIENT | {"resource_id": client}, TELEMETRY)
            for client in clients
        )
    )

    assert set(statuses) == {204}
    assert BindingSnapshot.objects.filter(config=pi).count() == 2
    row = rows(pi)["mqtt_client"]
    assert row.resource_id in clients
    assert row.snapshot["id"] == row.resource_id
    view = sandbox.platform("GET", f"/{seed.DOMAIN_ID}/clients/{row.resource_id}", token).json()
    assert row.secret_snapshot == {"secret": view["credentials"]["secret"]}
    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID)[row.resource_id] == BOTH


@pytest.mark.parametrize("_round", range(3))
def test_a_client_and_channels_bound_at_once_end_connected(sandbox, token, pi, _round):
    statuses = at_once(
        lambda: Operator(token).bind(pi, MQTT_CLIENT),
        lambda: Operator(token).bind(pi, TELEMETRY),
        lambda: Operator(token).bind(pi, COMMANDS),
    )

    assert statuses == [204, 204, 204]
    assert rows(pi).keys() == {"mqtt_client", "telemetry", "commands"}
    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID) == {seed.CLIENT_ID: BOTH}
    assert connections(sandbox, seed.COMMANDS_CHANNEL_ID) == {seed.CLIENT_ID: BOTH}


def test_refreshes_and_binds_at_once_end_with_the_news(sandbox, token, pi):
    operator = Operator(token)
    assert operator.bind(pi, MQTT_CLIENT, TELEMETRY, COMMANDS).status_code == 204
    sandbox.platform("PATCH", f"/{seed.DOMAIN_ID}/clients/{seed.CLIENT_ID}/secret", token, {"secret": "rotated"})

    statuses = at_once(
        *[lambda: Operator(token).refresh(pi)] * 4, *[lambda: Operator(token).bind(pi, MQTT_CLIENT, TELEMETRY)] * 2
    )

    assert set(statuses) == {204}
    assert rows(pi)["mqtt_client"].secret_snapshot == {"secret": "rotated"}
    assert BindingSnapshot.objects.filter(config=pi).count() == 3


def test_a_bind_while_profiles_are_assigned_is_stored_whole_or_refused(token, pi):
    others = [make_profile(slots=PI_SLOTS) for _ in range(4)]

    statuses = at_once(
        lambda: Operator(token).bind(pi, MQTT_CLIENT, TELEMETRY, COMMANDS),
        *(lambda other=other: Operator(token).assign(pi, {"profile_id": str(other.pk)}) for other in others),
    )

    assert statuses[1:] == [204] * 4
    assert statuses[0] in {204, 409}
    assert len(rows(pi)) == (3 if statuses[0] == 204 else 0)


def test_a_bind_while_the_config_is_removed_leaves_nothing(token, pi):
    class Gone:
        status_code = 204

    def remove() -> Gone:
        with transaction.atomic():
            # Unlocked, a binding could be stored between Django's statement for bindings and that for the config.
            Config.objects.select_for_update().filter(pk=pi.pk).first()
            Config.objects.filter(pk=pi.pk).delete()
        return Gone()

    statuses = at_once(lambda: Operator(token).bind(pi, MQTT_CLIENT, TELEMETRY), remove)

    assert statuses[0] in {204, 404}
    assert BindingSnapshot.objects.count() == 0
