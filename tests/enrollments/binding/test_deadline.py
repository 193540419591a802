"""How long a bind and a refresh may ask the platform, all calls together, and what becomes of what came too late."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from bootstrap_project.magistrala.factory import reset_client
from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.binding import parallel
from tests.support.api import told
from tests.support.enrollments import (
    MQTT_CLIENT,
    TELEMETRY,
    Operator,
    make_config,
    make_profile,
    rows,
    stored,
)
from tests.support.sandbox import SandboxProcess
from tests.support.waiting import eventually

CONNECTS = {"service": "channels", "method": "POST"}
MANY = 24
#: Every single call ends long before its own time-out.
LATENCY_MS = 400


@pytest.fixture
def soon(sandbox: SandboxProcess, settings: Any) -> Callable[[], AbstractContextManager[None]]:
    """Within its block, a deadline that a test can wait for, far below the time-outs of single calls."""
    settings.MG_READ_TIMEOUT_SECONDS = 60
    reset_client()

    @contextmanager
    def block() -> Iterator[None]:
        usual, settings.PLATFORM_DEADLINE_SECONDS = settings.PLATFORM_DEADLINE_SECONDS, 1.5
        yield
        settings.PLATFORM_DEADLINE_SECONDS = usual

    return block


def bind_many(sandbox: SandboxProcess) -> tuple[Config, list[dict[str, str]]]:
    """A config with many client slots, and a wish for each of them."""
    clients = sandbox.fleet(clients=MANY)["clients"]
    slots = [{"name": f"slot {number:02}", "type": "client"} for number in range(MANY)]
    wishes = [
        {"slot": slot["name"], "type": "client", "resource_id": client}
        for slot, client in zip(slots, clients, strict=True)
    ]
    return make_config(profile=make_profile(slots=slots)), wishes


def is_at_the_deadline(response: Any) -> None:
    said = told(response)
    assert response.status_code == 504, said
    assert "nothing was stored" in said
    assert "1.5 s" in said


def test_many_answers_that_each_come_in_time_are_too_many_for_a_bind(sandbox, soon, operator, db):
    config, wishes = bind_many(sandbox)
    sandbox.latency(LATENCY_MS)

    with soon():
        is_at_the_deadline(operator.bind(config, *wishes))

    assert rows(config) == {}
    sandbox.latency(0)
    assert operator.bind(config, *wishes).status_code == 204
    assert len(rows(config)) == MANY


def test_many_answers_that_each_come_in_time_are_too_many_for_a_refresh(sandbox, soon, operator, db):
    config, wishes = bind_many(sandbox)
    assert operator.bind(config, *wishes).status_code == 204
    before = stored(config)
    sandbox.change_everything()
    sandbox.latency(LATENCY_MS)

    with soon():
        is_at_the_deadline(operator.refresh(config))

    assert stored(config) == before
    sandbox.latency(0)
    assert operator.refresh(config).status_code == 204
    assert stored(config) != before


@pytest.mark.parametrize("kind", ["slow", "trickle"])
@pytest.mark.parametrize("service", ["clients", "channels"])
def test_a_call_that_hangs_ends_at_the_deadline_and_not_at_its_own_time_out(
    sandbox, soon, operator, config, kind, service
):
    sandbox.faults({"kind": kind, "seconds": 30, "match": {"service": service}})

    with soon():
        is_at_the_deadline(operator.bind(config, MQTT_CLIENT, TELEMETRY))

    assert rows(config) == {}
    # Whatever was asked has its answer, or was given up: nothing goes on behind the caller's back.
    calls = sandbox.report()["total"]
    sandbox.faults()
    assert operator.bind(config, MQTT_CLIENT, TELEMETRY).status_code == 204
    assert sandbox.report()["total"] > calls


def test_a_platform_that_is_tried_again_is_not_tried_beyond_the_deadline(sandbox, soon, settings, operator, config):
    settings.MG_RETRIES = 10
    reset_client()
    sandbox.faults({"kind": "status", "status": 503, "retry_after": 1, "match": {"service": "clients"}})

    with soon():
        response = operator.bind(config, MQTT_CLIENT)

    assert response.status_code in {502, 504}
    assert "nothing was stored" in told(response)
    assert sandbox.admin("GET", "faults")[0]["hits"] <= 2


def test_connecting_counts_too(sandbox, soon, operator, config):
    sandbox.faults({"kind": "slow", "seconds": 30, "match": CONNECTS | {"resource_id": seed.CLIENT_ID}})

    with soon():
        is_at_the_deadline(operator.bind(config, MQTT_CLIENT, TELEMETRY))

    assert rows(config) == {}


def test_what_is_never_a_failure_by_itself_stores_nothing_after_the_deadline_either(sandbox, soon, operator, config):
    # With a bound client it does not matter whether the config's own id can be connected, but it takes its time.
    sandbox.faults({"kind": "slow", "seconds": 30, "match": CONNECTS | {"resource_id": str(config.pk)}})

    with soon():
        is_at_the_deadline(operator.bind(config, MQTT_CLIENT, TELEMETRY))

    assert rows(config) == {}


def test_who_the_caller_is_counts_too(sandbox, soon, operator, config):
    sandbox.faults({"kind": "slow", "seconds": 30, "match": {"service": "domains"}})

    with soon():
        response = operator.bind(config, MQTT_CLIENT)

    # As for every other call whose caller nobody knows now.
    assert response.status_code == 503
    assert "1.5 s" in told(response)
    assert rows(config) == {}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("call", ["bind", "refresh"])
def test_what_waited_too_long_for_the_database_is_not_stored(sandbox, soon, token, call):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no locks on rows")
    config = make_config(profile=make_profile())
    operator = Operator(token)
    if call == "refresh":
        assert operator.bind(config, MQTT_CLIENT).status_code == 204
        sandbox.change_everything()
    before = stored(config)
    answers: list[Any] = []

    def ask() -> None:
        try:
            answers.append(operator.bind(config, MQTT_CLIENT) if call == "bind" else operator.refresh(config))
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    sandbox.forget_calls()
    with soon():
        with transaction.atomic():
            Config.objects.select_for_update().get(pk=config.pk)
            thread.start()
            # Its time has begun before it asks for anything.
            eventually(lambda: bool(sandbox.calls("clients")))
            time.sleep(1.6)
            assert answers == []
        thread.join()

    is_at_the_deadline(answers[0])
    assert stored(config) == before


# How much is asked at once.


def test_resources_are_asked_for_a_few_at_once_and_each_one_once(sandbox, operator, db):
    config, wishes = bind_many(sandbox)
    assert operator.bindings(config).status_code == 200
    sandbox.latency(50)
    sandbox.forget_calls()

    assert operator.bind(config, *wishes).status_code == 204
    assert 2 <= sandbox.report()["most_in_flight"] <= 4
    assert len(sandbox.calls("clients")) == MANY
    sandbox.forget_calls()
    assert operator.refresh(config).status_code == 204
    assert 2 <= sandbox.report()["most_in_flight"] <= 4
    assert len(sandbox.calls("clients")) == MANY


def test_channels_are_connected_a_few_at_once(sandbox, operator, db):
    channels = sandbox.fleet(channels=12)["channels"]
    slots = [{"name": channel, "type": "channel"} for channel in channels]
    config = make_config(profile=make_profile(slots=[*slots, {"name": "mqtt_client", "type": "client"}]))
    wishes = [{"slot": channel, "type": "channel", "resource_id": channel} for channel in channels]
    assert operator.bind(config, *wishes).status_code == 204
    sandbox.latency(50)
    sandbox.forget_calls()

    assert operator.bind(config, MQTT_CLIENT).status_code == 204

    # One call for each channel, for both ways of talking.
    assert len([call for call in sandbox.calls("channels") if call["method"] == "POST"]) == 12
    assert 2 <= sandbox.report()["most_in_flight"] <= 4


def test_the_first_slot_is_named_whichever_answer_comes_first(sandbox, operator, config):
    unknown = "11111111-2222-4333-8444-555555555555"
    sandbox.faults({"kind": "slow", "seconds": 0.3, "match": {"service": "clients"}})

    response = operator.bind(config, MQTT_CLIENT | {"resource_id": unknown}, TELEMETRY | {"resource_id": unknown})

    assert response.status_code == 404
    assert "slot 'mqtt_client'" in told(response)


def test_each_call_carries_the_callers_token_and_the_requests_id(sandbox, operator, db):
    config, wishes = bind_many(sandbox)
    operator.headers |= {"X-Request-ID": "bind-of-many-1"}
    sandbox.forget_calls()

    assert operator.bind(config, *wishes).status_code == 204

    assert {call["request_id"] for call in sandbox.calls("clients")} == {"bind-of-many-1"}


def test_without_threads_to_spare_a_bind_asks_one_thing_after_the_other(sandbox, monkeypatch, operator, db):
    monkeypatch.setattr("enrollments.binding.parallel._threads", parallel._Threads(1))
    config, wishes = bind_many(sandbox)
    sandbox.latency(10)
    sandbox.forget_calls()

    assert operator.bind(config, *wishes).status_code == 204

    assert sandbox.report()["most_in_flight"] == 1


def test_threads_are_given_back_however_a_bind_ends(sandbox, monkeypatch, soon, operator, db):
    threads = parallel._Threads(4)
    monkeypatch.setattr("enrollments.binding.parallel._threads", threads)
    config, wishes = bind_many(sandbox)

    assert operator.bind(config, *wishes).status_code == 204
    eventually(lambda: threads._free == 4)
    sandbox.faults({"kind": "status", "status": 403, "match": {"service": "clients"}})
    assert operator.bind(config, *wishes).status_code == 403
    eventually(lambda: threads._free == 4)
    sandbox.faults({"kind": "slow", "match": {"service": "clients"}})
    with soon():
        assert operator.bind(config, *wishes).status_code == 504
    eventually(lambda: threads._free == 4)
