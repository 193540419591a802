"""Tokens that are no good cost the platform little, and never those who come from the same address."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bootstrap_project.api import operators
from bootstrap_project.api.flights import Flights
from bootstrap_project.api.operators_cache import CACHE_SIZE
from bootstrap_project.api.operators_junk import MAX_REFUSED, REFUSED_SECONDS, WINDOW_SECONDS, JunkTokens
from bootstrap_project.magistrala.errors import Unauthorized
from bootstrap_project.magistrala.sandbox.seed import OTHER_DOMAIN_ID
from tests.support.api import Api, told

LIST = "/clients/configs"
REFUSED = Unauthorized("no", service="domains", status=401)


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(operators, "time", clock)
    return clock


def asked(sandbox: Any) -> int:
    return len(sandbox.calls("domains"))


def personal(sandbox: Any) -> str:
    """A token in the form of a personal access token that the platform does not know."""
    return str(sandbox.pat()[0])[:-4] + "junk"


@pytest.mark.parametrize("kind", ["junk", "personal", "api key"])
def test_the_same_junk_is_asked_about_once(sandbox, db, kind):
    token = {"junk": "junk", "personal": personal(sandbox), "api key": sandbox.token(kind=3, foreign=True)}[kind]
    sandbox.forget_calls()

    answers = [Api(token).get(LIST) for _ in range(40)]

    assert {told(answer, 401) for answer in answers} == {
        "failed to perform authentication over the entity | the platform does not accept the token; sign in again"
    }
    told(Api(token, OTHER_DOMAIN_ID).get(LIST), 401)
    assert asked(sandbox) == 1


def test_the_same_junk_at_the_same_time_is_asked_about_once(sandbox, db):
    sandbox.faults({"kind": "slow", "seconds": 0.2})
    with ThreadPoolExecutor(16) as executor:
        answers = list(executor.map(lambda _number: Api("junk").get(LIST), range(40)))

    assert {answer.status_code for answer in answers} == {401}
    assert asked(sandbox) == 1


def test_a_refusal_stands_for_some_seconds_only(sandbox, db, clock):
    caller = Api("junk")
    told(caller.get(LIST), 401)

    clock.now += REFUSED_SECONDS - 0.1
    told(caller.get(LIST), 401)
    assert asked(sandbox) == 1
    clock.now += 0.1
    told(caller.get(LIST), 401)
    assert asked(sandbox) == 2


def test_a_token_that_the_platform_has_signed_is_asked_about_at_once_again(api, sandbox):
    sandbox.faults({"kind": "status", "status": 401, "match": {"service": "domains"}})
    told(api.get(LIST), 401)

    sandbox.faults()

    assert api.get(LIST).status_code == 200


def test_always_new_junk_from_one_source_reaches_the_platform_so_often_and_no_more(sandbox, db, clock):
    for number in range(MAX_REFUSED + 20):
        told(Api(f"junk-{number}").get(LIST), 401)

    assert asked(sandbox) == MAX_REFUSED
    told(Api("junk-elsewhere").get(LIST, REMOTE_ADDR="192.0.2.7"), 401)
    assert asked(sandbox) == MAX_REFUSED + 1
    clock.now += WINDOW_SECONDS
    told(Api("junk-later").get(LIST), 401)
    assert asked(sandbox) == MAX_REFUSED + 2


def test_whoever_comes_from_the_same_address_gets_in_with_a_new_token(sandbox, db):
    for number in range(MAX_REFUSED + 5):
        told(Api(f"junk-{number}").get(LIST), 401)

    for token in (sandbox.token(), sandbox.pat()[0]):
        assert Api(token).get(LIST).status_code == 200
    told(Api(personal(sandbox)).get(LIST), 401)
    assert Api(sandbox.pat()[0]).get(LIST).status_code == 200


def test_forged_web_tokens_of_every_type_stay_here_once_a_source_floods(sandbox, db):
    for number in range(MAX_REFUSED):
        told(Api(f"junk-{number}").get(LIST), 401)
    sandbox.forget_calls()

    for kind in (0, 3):
        told(Api(sandbox.token(kind=kind, foreign=True)).get(LIST), 401)

    assert asked(sandbox) == 0


def test_what_is_remembered_holds_no_token_and_is_bounded():
    junk = JunkTokens()
    for number in range(CACHE_SIZE + 10):
        junk.refuse(f"secret-{number}", REFUSED, f"source-{number}", 0.0)

    assert junk.refusal("secret-0", 1.0) is None
    assert junk.refusal(f"secret-{CACHE_SIZE}", 1.0) is not None
    assert len(junk._sources) == len(junk._refused._answers) == CACHE_SIZE
    assert "secret" not in repr(junk._refused._answers)


def test_an_unknown_source_is_not_counted():
    junk = JunkTokens()
    for number in range(MAX_REFUSED * 2):
        junk.refuse(str(number), REFUSED, "", 0.0)

    assert not junk.floods("", 0.0)


def test_a_question_that_breaks_breaks_for_all_who_wait_and_can_be_asked_again():
    flights: Flights[int] = Flights()

    def broken() -> int:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        flights.share(b"key", broken)
    assert flights.share(b"key", lambda: 7) == 7
