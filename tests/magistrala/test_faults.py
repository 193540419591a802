"""The adapter against a platform that misbehaves over real sockets."""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bootstrap_project.magistrala.client import MagistralaClient, MagistralaURLs
from bootstrap_project.magistrala.errors import Forbidden, MagistralaError, TimedOut, Unauthorized, Unavailable
from bootstrap_project.magistrala.sandbox.seed import (
    CLIENT_ID,
    COMMANDS_CHANNEL_ID,
    DOMAIN_ID,
    OPERATOR,
    OPERATOR_PASSWORD,
    TELEMETRY_CHANNEL_ID,
)
from tests.support.sandbox import SandboxProcess
from tests.support.waiting import eventually


@pytest.fixture
def token(sandbox):
    return sandbox.token()


SERVICE_OF = {
    "view_client": "clients",
    "view_channel": "channels",
    "connect": "channels",
    "membership": "domains",
    "list_domains": "domains",
    "issue_token": "users",
    "refresh_token": "users",
    "jwks": "auth",
    "search_clients": "clients",
    "search_channels": "channels",
}


@pytest.fixture
def every_call(magistrala, token):
    return {
        "view_client": lambda: magistrala.view_client(DOMAIN_ID, CLIENT_ID, token),
        "view_channel": lambda: magistrala.view_channel(DOMAIN_ID, COMMANDS_CHANNEL_ID, token),
        "connect": lambda: magistrala.connect(DOMAIN_ID, COMMANDS_CHANNEL_ID, CLIENT_ID, ["Publish"], token),
        "membership": lambda: magistrala.membership(DOMAIN_ID, token),
        "list_domains": lambda: magistrala.list_domains(token),
        "issue_token": lambda: magistrala.issue_token(OPERATOR, OPERATOR_PASSWORD),
        "refresh_token": lambda: magistrala.refresh_token(token),
        "jwks": magistrala.jwks,
        "search_clients": lambda: magistrala.search_clients(DOMAIN_ID, "", token),
        "search_channels": lambda: magistrala.search_channels(DOMAIN_ID, "", token),
    }


@pytest.mark.parametrize("kind", ["down", "reset", "garbage", "truncated", "oversized", "redirect"])
def test_every_call_of_a_broken_platform_is_unavailable(sandbox, every_call, kind):
    for name, call in every_call.items():
        sandbox.faults({"kind": kind, "bytes": 3_000_000} if kind == "oversized" else {"kind": kind})
        with pytest.raises(Unavailable) as caught:
            call()
        assert caught.value.service == SERVICE_OF[name], name


def test_every_call_refuses_members_of_the_wrong_types(sandbox, every_call):
    sandbox.faults({"kind": "wrong_type"})

    for call in every_call.values():
        with pytest.raises(Unavailable):
            call()


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 507])
def test_every_call_of_a_failing_platform_is_unavailable(sandbox, every_call, status):
    sandbox.faults({"kind": "status", "status": status})

    for call in every_call.values():
        with pytest.raises(Unavailable):
            call()


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, Forbidden)])
def test_refusals_stay_refusals(sandbox, magistrala, token, status, error):
    sandbox.faults({"kind": "status", "status": status})

    with pytest.raises(error):
        magistrala.view_client(DOMAIN_ID, CLIENT_ID, token)


@pytest.mark.parametrize("name", ["view_client", "connect", "membership", "issue_token", "jwks"])
@pytest.mark.parametrize("patience", [0.6])
def test_slow_platform_is_left_in_time_and_not_asked_again(sandbox, every_call, name, caplog):
    caplog.set_level("INFO", logger="bootstrap_project.magistrala.transport")
    sandbox.faults({"kind": "slow", "seconds": 30})

    started = time.monotonic()
    with pytest.raises(TimedOut):
        every_call[name]()

    assert time.monotonic() - started > 0.5
    # The sandbox's own count may hold a call that an earlier test gave up, and that arrives only now.
    assert sum(fault["hits"] for fault in sandbox.admin("GET", "faults")) >= 1
    assert "asking the platform again" not in caplog.text


def test_a_failing_platform_is_asked_again_and_it_is_logged(sandbox, every_call, caplog):
    caplog.set_level("INFO", logger="bootstrap_project.magistrala.transport")
    sandbox.faults({"kind": "status", "status": 503, "times": 1})

    every_call["jwks"]()

    assert caplog.text.count("asking the platform again") == 1


def test_peer_that_drips_bytes_cannot_hold_us(sandbox, token):
    sandbox.faults({"kind": "trickle", "seconds": 0.05})
    client = sandbox.client(connect_timeout=0.5, read_timeout=0.5)

    with pytest.raises(TimedOut):
        client.view_client(DOMAIN_ID, CLIENT_ID, token)
    client.close()


def test_nobody_listening_is_unavailable(token):
    nowhere = "http://127.0.0.1:9"
    client = MagistralaClient(
        MagistralaURLs(clients=nowhere, channels=nowhere, domains=nowhere, users=nowhere, auth=nowhere), retries=1
    )

    with pytest.raises(Unavailable, match="MG_CLIENTS_URL"):
        client.view_client(DOMAIN_ID, CLIENT_ID, token)


@pytest.mark.parametrize("kind", ["down", "reset", "truncated"])
def test_one_lost_answer_is_made_good_by_asking_again(sandbox, magistrala, token, kind):
    sandbox.faults({"kind": kind, "times": 1})

    assert magistrala.view_client(DOMAIN_ID, CLIENT_ID, token).id == CLIENT_ID
    assert len(sandbox.calls("clients")) == 2


@pytest.mark.parametrize("fault", [{"kind": "reset"}, {"kind": "down"}, {"kind": "status", "status": 503}])
def test_connect_whose_answer_was_lost_after_the_work_still_succeeds(sandbox, magistrala, token, fault):
    sandbox.faults({**fault, "times": 1, "after_work": True, "match": {"service": "channels", "method": "POST"}})

    assert magistrala.connect(DOMAIN_ID, COMMANDS_CHANNEL_ID, CLIENT_ID, ["Publish"], token) is False
    assert len(sandbox.calls("channels")) == 2


def test_retries_are_bounded_on_the_wire(sandbox, magistrala, token):
    sandbox.faults({"kind": "down"})

    with pytest.raises(Unavailable):
        magistrala.view_client(DOMAIN_ID, CLIENT_ID, token)

    assert len(sandbox.calls("clients")) == 3


def test_fault_of_one_service_leaves_the_others_alone(sandbox, magistrala, token):
    sandbox.faults({"kind": "status", "status": 500, "match": {"service": "clients"}})

    with pytest.raises(Unavailable):
        magistrala.view_client(DOMAIN_ID, CLIENT_ID, token)
    assert magistrala.view_channel(DOMAIN_ID, TELEMETRY_CHANNEL_ID, token).id == TELEMETRY_CHANNEL_ID
    assert not magistrala.health("clients")
    assert magistrala.health("channels")


def test_fault_of_one_resource_leaves_the_others_alone(sandbox, magistrala, token):
    sandbox.faults({"kind": "status", "status": 404, "match": {"resource_id": TELEMETRY_CHANNEL_ID}})

    assert magistrala.view_channel(DOMAIN_ID, COMMANDS_CHANNEL_ID, token).id == COMMANDS_CHANNEL_ID
    with pytest.raises(Exception, match="does not exist"):
        magistrala.view_channel(DOMAIN_ID, TELEMETRY_CHANNEL_ID, token)
    with pytest.raises(Exception, match="does not exist"):
        magistrala.connect(DOMAIN_ID, TELEMETRY_CHANNEL_ID, CLIENT_ID, ["Publish"], token)


def test_client_recovers_as_soon_as_the_platform_does(sandbox, every_call):
    for kind in ("reset", "oversized", "truncated", "garbage"):
        sandbox.faults({"kind": kind})
        with pytest.raises(Unavailable):
            every_call["view_client"]()
        sandbox.faults()
        assert every_call["view_client"]().id == CLIENT_ID


def test_many_threads_share_a_bounded_pool_and_get_their_own_answers(sandbox, token):
    ids = sandbox.fleet(clients=200, channels=200)
    client = sandbox.client(pool_size=8)
    sandbox.latency(5)
    sandbox.forget_calls()

    def look(number):
        return (
            client.view_client(DOMAIN_ID, ids["clients"][number], token).id,
            client.view_channel(DOMAIN_ID, ids["channels"][number], token).id,
        )

    with ThreadPoolExecutor(24) as executor:
        found = list(executor.map(look, range(200)))

    assert found == list(zip(ids["clients"], ids["channels"], strict=True))
    report = sandbox.report()
    assert report["total"] == 400
    # Eight for each of the two services.
    assert 2 <= report["most_in_flight"] <= 16
    # One more than the pools: the sandbox's own endpoints are asked over another connection.
    assert report["connections"] <= 17
    client.close()


def test_waiting_for_a_free_connection_ends_too(sandbox, token):
    sandbox.faults({"kind": "slow", "seconds": 5})
    client = sandbox.client(pool_size=1, connect_timeout=0.3, read_timeout=0.5)

    sandbox.forget_calls()

    with ThreadPoolExecutor(20) as executor:
        failures = list(executor.map(lambda _: _failure(client, token), range(20)))

    assert set(failures) == {TimedOut}
    # Without an end each would have got the connection in its turn, and asked.
    assert sandbox.report()["total"] < 20
    client.close()


def test_who_waits_for_one_service_keeps_nobody_from_another_of_the_same_address():
    # A platform of its own: what still waits in the end must not arrive in another test.
    with SandboxProcess() as sandbox:
        token = sandbox.token()
        client = sandbox.client(pool_size=2, read_timeout=600, retries=0)
        hangs = {"service": "clients", "path_prefix": f"/{DOMAIN_ID}"}
        sandbox.faults({"kind": "slow", "seconds": 600, "match": hangs})

        def look() -> None:
            with contextlib.suppress(MagistralaError):
                client.view_client(DOMAIN_ID, CLIENT_ID, token)

        waiting = [threading.Thread(target=look, daemon=True) for _ in range(6)]
        for thread in waiting:
            thread.start()
        eventually(lambda: sandbox.admin("GET", "faults")[0]["hits"] == 2)

        assert client.membership(DOMAIN_ID, token) is not None
        assert client.jwks().keys
        assert client.view_channel(DOMAIN_ID, TELEMETRY_CHANNEL_ID, token).id == TELEMETRY_CHANNEL_ID
        assert client.issue_token(OPERATOR, OPERATOR_PASSWORD).access_token
        # The service itself is well: it is one kind of question that hangs.
        assert [client.health(service) for service in ("clients", "channels", "domains", "users", "auth")] == [True] * 5
        assert all(thread.is_alive() for thread in waiting)
    for thread in waiting:
        thread.join(60)
    assert not any(thread.is_alive() for thread in waiting)
    client.close()


def _failure(client: MagistralaClient, token: str) -> type[Exception] | None:
    try:
        client.view_client(DOMAIN_ID, CLIENT_ID, token)
    except TimedOut as error:
        return type(error)
    return None
