"""While the platform fails, reads go on with memberships that it confirmed before; nothing else does."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bootstrap_project.api import operators
from bootstrap_project.api.operators_beliefs import is_failing
from bootstrap_project.magistrala.errors import Unavailable
from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID, OTHER_DOMAIN_ID
from tests.support.api import Api, told

LIST = "/clients/configs"
AGE = "X-Membership-Age"

FAILING: dict[str, dict[str, Any]] = {
    "down": {"kind": "down"},
    "reset": {"kind": "reset"},
    "slow": {"kind": "slow", "seconds": 2},
    "truncated": {"kind": "truncated"},
    "500": {"kind": "status", "status": 500},
    "502": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503},
}
ANSWERING: dict[str, dict[str, Any]] = {
    "400": {"kind": "status", "status": 400},
    "401": {"kind": "status", "status": 401},
    "403": {"kind": "status", "status": 403},
    "404": {"kind": "status", "status": 404},
    "418": {"kind": "status", "status": 418},
    "429": {"kind": "status", "status": 429},
    "garbage": {"kind": "garbage"},
    "oversized": {"kind": "oversized", "bytes": 3_000_000},
    "redirect": {"kind": "redirect"},
    "wrong types": {"kind": "wrong_type"},
}


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch, settings):
    """A clock that stands still until it is moved; decisions are kept for 30 seconds and believed for 300."""
    settings.OPERATOR_CACHE_SECONDS, settings.MG_PLATFORM_OUTAGE_BELIEF_SECONDS = 30, 300
    clock = Clock()
    monkeypatch.setattr(operators, "time", clock)
    return clock


@pytest.mark.parametrize("fault", FAILING.values(), ids=FAILING)
def test_reads_go_on_and_say_so_while_changes_wait(api, sandbox, clock, fault):
    created = api.create_config().json()
    sandbox.faults(fault)
    clock.now += 31

    answers = [api.get(LIST), api.get(f"{LIST}/{created['id']}"), api.call("HEAD", LIST)]

    assert [(answer.status_code, answer[AGE]) for answer in answers] == [(200, "31")] * 3
    told(api.patch(f"{LIST}/{created['id']}", {"name": "other"}), 503)
    told(api.post("/clients/bootstrap/profiles", {"name": "new"}), 503)

    sandbox.faults()
    back = api.get(LIST)
    assert (back.status_code, AGE in back) == (200, False)
    assert api.patch(f"{LIST}/{created['id']}", {"name": "other"}).status_code == 200


@pytest.mark.parametrize("fault", ANSWERING.values(), ids=ANSWERING)
def test_whatever_the_platform_does_answer_ends_the_belief_or_never_begins_it(api, sandbox, clock, fault):
    assert api.get(LIST).status_code == 200
    sandbox.faults(fault)
    clock.now += 31

    answer = api.get(LIST)

    assert answer.status_code in {401, 403, 503}
    assert AGE not in answer


@pytest.mark.parametrize("how", ["removed", "revoked"])
def test_a_refusal_is_not_forgotten_in_the_next_outage(sandbox, db, clock, how):
    token, pat_id = sandbox.pat("viewer")
    caller = Api(token)
    assert caller.get(LIST).status_code == 200
    if how == "removed":
        sandbox.member(DOMAIN_ID, "viewer", None)
    else:
        sandbox.revoke_pat(pat_id)
    clock.now += 31
    told(caller.get(LIST), 403 if how == "removed" else 401)

    sandbox.faults({"kind": "down"})
    clock.now += 31

    told(caller.get(LIST), 503)


def test_nobody_is_believed_for_longer_than_the_settings_say(api, sandbox, clock, settings):
    assert api.get(LIST).status_code == 200
    sandbox.faults({"kind": "down"})

    clock.now += 299
    assert [api.get(LIST)[AGE] for _ in range(3)] == ["299"] * 3
    clock.now += 1
    told(api.get(LIST), 503)


def test_with_zero_nobody_is_believed(api, sandbox, clock, settings):
    settings.MG_PLATFORM_OUTAGE_BELIEF_SECONDS = 0
    assert api.get(LIST).status_code == 200
    sandbox.faults({"kind": "down"})

    assert AGE not in api.get(LIST)
    clock.now += 31
    told(api.get(LIST), 503)


def test_a_token_is_not_believed_beyond_its_own_end(sandbox, db, clock):
    caller = Api(sandbox.token(lifetime=100))
    assert caller.get(LIST).status_code == 200
    sandbox.faults({"kind": "down"})

    clock.now += 60
    assert caller.get(LIST).status_code == 200
    clock.now += 41
    told(caller.get(LIST), 503)


def test_a_belief_is_about_one_token_in_one_domain(api, sandbox, clock):
    assert api.get(LIST).status_code == 200
    sandbox.faults({"kind": "down", "match": {"service": "domains"}})
    clock.now += 31

    told(Api(sandbox.token("viewer")).get(LIST), 503)
    told(Api(api.token, OTHER_DOMAIN_ID).get(LIST), 503)
    assert api.get(LIST).status_code == 200


def test_the_log_tells_the_beginning_and_the_end_and_not_each_request(api, sandbox, clock, caplog):
    caplog.set_level(logging.INFO)
    assert api.get(LIST).status_code == 200

    for _ in range(2):
        clock.now += 31
        sandbox.faults({"kind": "status", "status": 503})
        for _ in range(5):
            assert api.get(LIST).status_code == 200
        sandbox.faults()
        clock.now += 10
        assert api.get(LIST).status_code == 200

    lines = [record for record in caplog.records if record.name == "bootstrap_project.api.operators_beliefs"]
    assert [record.getMessage().partition(" operators")[0] for record in lines] == [
        "the platform cannot confirm",
        "the platform answers for",
    ] * 2
    assert (lines[1].seconds, lines[1].believed_reads) == (10, 5)


def test_a_certificate_that_is_not_trusted_is_no_outage():
    assert is_failing(Unavailable("no answer", service="domains"))
    assert not is_failing(Unavailable("the certificate", service="domains", permanent=True))
    assert not is_failing(None)
