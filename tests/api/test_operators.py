"""Who may act where, as the platform says, and what happens when it does not say (docs/contract.md#f8, #f9 and #k7)."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from bootstrap_project.api import operators
from bootstrap_project.api.operators import ADMIN_ACTIONS, DecisionCache, NotAuthorized, Operator
from bootstrap_project.api.permissions import IsDomainMember
from bootstrap_project.magistrala.resources import DomainMembership
from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID, OTHER_DOMAIN_ID
from tests.support.api import Api, told

LIST = "/clients/configs"

FAULTS = {
    "down": {"kind": "down"},
    "reset": {"kind": "reset"},
    "slow": {"kind": "slow", "seconds": 2},
    "garbage": {"kind": "garbage"},
    "truncated": {"kind": "truncated"},
    "oversized": {"kind": "oversized", "bytes": 3_000_000},
    "redirect": {"kind": "redirect"},
    "wrong types": {"kind": "wrong_type"},
    "500": {"kind": "status", "status": 500},
    "502": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503},
    "429": {"kind": "status", "status": 429},
    "400": {"kind": "status", "status": 400},
    "418": {"kind": "status", "status": 418},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_platform_that_cannot_say_is_never_taken_for_a_wrong_token(api, sandbox, fault):
    sandbox.faults(fault)

    for call in (api.get(LIST), api.create_config(), api.delete(f"{LIST}/unknown")):
        assert "service temporarily unavailable" in told(call, 503)
        assert int(call["Retry-After"]) >= 1
        assert "WWW-Authenticate" not in call

    sandbox.faults()
    assert api.get(LIST).json()["total"] == 0


def test_the_platforms_own_wish_when_to_come_back_is_passed_on(api, sandbox):
    sandbox.faults({"kind": "status", "status": 503, "retry_after": 17})

    assert api.get(LIST)["Retry-After"] == "17"


# The list of domains is never "not found": such an answer comes from a wrong address.
@pytest.mark.parametrize(("said", "answered"), [(401, 401), (403, 403), (404, 503)])
def test_what_the_platform_does_say_is_believed(api, sandbox, said, answered):
    sandbox.faults({"kind": "status", "status": said})

    told(api.get(LIST), answered)


@pytest.mark.parametrize(
    "members",
    [{"expired": True}, {"foreign": True}, {"hs": True}, {"issuer": "someone.else"}, {"verified": False}],
    ids=lambda members: next(iter(members)),
)
def test_a_token_that_the_platform_refuses_is_refused(sandbox, db, members):
    answer = Api(sandbox.token(**members)).get(LIST)

    assert "failed to perform authentication over the entity" in told(answer, 401)
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_personal_access_token_counts_like_its_owner_until_it_is_revoked(sandbox, db):
    token, pat_id = sandbox.pat()
    other, _ = sandbox.pat("outsider")

    assert Api(token).get(LIST).status_code == 200
    told(Api(other).get(LIST), 403)
    sandbox.revoke_pat(pat_id)
    told(Api(token).get(LIST), 401)


@pytest.mark.parametrize(
    ("user", "status"),
    [("operator", 200), ("editor", 200), ("viewer", 200), ("admin", 200), ("outsider", 403), ("nobody", 403)],
)
def test_members_may_act_whatever_their_role(sandbox, db, user, status):
    assert Api(sandbox.token(user)).get(LIST).status_code == status


DOMAIN_STATES = [
    ("enabled", {"operator": 200, "viewer": 200, "admin": 200, "outsider": 403}),
    ("disabled", {"operator": 200, "viewer": 403, "admin": 200, "outsider": 403}),
    ("freezed", {"operator": 403, "viewer": 403, "admin": 200, "outsider": 403}),
    ("deleted", {"operator": 404, "viewer": 404, "admin": 404, "outsider": 403}),
]


@pytest.mark.parametrize(("state", "expected"), DOMAIN_STATES, ids=[state for state, _ in DOMAIN_STATES])
def test_the_state_of_the_domain_decides_who_may_act(sandbox, db, state, expected):
    sandbox.domain_status(DOMAIN_ID, state)

    assert {user: Api(sandbox.token(user)).get(LIST).status_code for user in expected} == expected


def test_a_state_that_is_not_known_here_opens_nothing_even_to_administrators():
    membership = DomainMembership(id="d", name="", status="archived", actions=None)

    with pytest.raises(NotAuthorized):
        operators._decide(membership, "token", "d", "somebody")


@pytest.mark.parametrize(
    ("user", "allowed"),
    [
        (Operator(domain_id="d", is_platform_admin=True), True),
        (Operator("other", is_platform_admin=True), False),
        (None, False),
    ],
    ids=["of the domain", "of another domain", "nobody"],
)
def test_the_second_look_lets_nobody_but_operators_of_the_paths_domain_pass(user, allowed):
    request: Any = SimpleNamespace(user=user, method="GET")
    view: Any = SimpleNamespace(kwargs={"domain_id": "d"})

    assert IsDomainMember().has_permission(request, view) is allowed


@pytest.mark.parametrize("missing", sorted(ADMIN_ACTIONS))
def test_only_all_actions_together_make_an_administrator(sandbox, db, missing):
    sandbox.member(DOMAIN_ID, "viewer", "custom", sorted(ADMIN_ACTIONS - {missing}))
    sandbox.domain_status(DOMAIN_ID, "disabled")

    told(Api(sandbox.token("viewer")).get(LIST), 403)


def test_one_call_decides_and_it_forwards_the_callers_token(api, sandbox):
    api.get(LIST)
    sandbox.forget_calls()

    api.get(LIST)

    # The first call has also fetched the platform's public keys.
    assert [(call["service"], call["method"]) for call in sandbox.calls()] == [("domains", "GET")]


def test_the_callers_token_is_in_no_answer(api, sandbox):
    sandbox.faults({"kind": "garbage"})

    assert api.token.encode() not in api.get(LIST).content


# Decisions are kept for a short time.


@pytest.fixture
def clock(monkeypatch, settings):
    """A monotonic clock that stands still until it is moved; decisions are kept for 30 seconds."""
    settings.OPERATOR_CACHE_SECONDS = 30

    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(operators, "time", clock)
    return clock


def test_a_decision_is_kept_and_no_longer_than_it_may(api, sandbox, clock):
    assert api.get(LIST).status_code == 200
    sandbox.forget_calls()

    clock.now += 29.9
    assert api.get(LIST).status_code == 200
    assert sandbox.calls() == []
    clock.now += 0.1
    assert api.get(LIST).status_code == 200
    assert len(sandbox.calls()) == 1


def test_a_revoked_token_goes_on_for_no_longer_than_a_decision_is_kept(sandbox, db, clock):
    token, pat_id = sandbox.pat()
    caller = Api(token)
    assert caller.get(LIST).status_code == 200
    sandbox.revoke_pat(pat_id)

    clock.now += 29
    assert caller.get(LIST).status_code == 200
    clock.now += 1
    told(caller.get(LIST), 401)


def test_using_a_decision_does_not_make_it_live_longer(api, sandbox, clock):
    assert api.get(LIST).status_code == 200
    sandbox.member(DOMAIN_ID, "operator", None)

    for _ in range(3):
        clock.now += 9
        assert api.get(LIST).status_code == 200
    clock.now += 9
    told(api.get(LIST), 403)


def test_a_kept_decision_carries_over_an_outage_and_a_new_one_is_not_made_up(api, sandbox, clock):
    assert api.get(LIST).status_code == 200
    sandbox.faults({"kind": "down"})

    assert api.create_config().status_code == 201
    clock.now += 30
    told(api.create_config(external_id="other"), 503)
    told(Api(sandbox.token("viewer")).get(LIST), 503)


def test_a_decision_about_one_domain_opens_no_other(api, sandbox, clock):
    assert api.get(LIST).status_code == 200

    told(Api(api.token, OTHER_DOMAIN_ID).get(LIST), 403)


def test_a_decision_about_one_token_opens_nothing_for_another(api, sandbox, clock):
    assert api.get(LIST).status_code == 200

    told(Api(api.token[:-1]).get(LIST), 401)
    told(Api(api.token + "x").get(LIST), 401)
    told(Api(sandbox.token("outsider")).get(LIST), 403)


def test_refusals_are_not_kept(sandbox, db, clock):
    caller = Api(sandbox.token("nobody"))
    told(caller.get(LIST), 403)

    sandbox.member(DOMAIN_ID, "nobody", "viewer")

    assert caller.get(LIST).status_code == 200


def test_nothing_is_kept_when_the_time_is_zero(api, sandbox, clock, settings):
    settings.OPERATOR_CACHE_SECONDS = 0
    sandbox.forget_calls()

    assert [api.get(LIST).status_code for _ in range(3)] == [200, 200, 200]
    assert len(sandbox.calls("domains")) == 3


def operator(name="d"):
    return Operator(domain_id=name, is_platform_admin=False)


def test_the_cache_forgets_what_was_used_least_recently():
    cache: DecisionCache[Operator] = DecisionCache(size=2)
    tags = [cache.tag("token", f"d{number}") for number in range(3)]
    cache.put(tags[0], operator("0"), 10)
    cache.put(tags[1], operator("1"), 10)
    assert cache.get(tags[0], 0)

    cache.put(tags[2], operator("2"), 10)

    assert [bool(cache.get(tag, 0)) for tag in tags] == [True, False, True]


def test_the_caches_tags_hold_neither_token_nor_domain_and_do_not_mix_them_up():
    cache: DecisionCache[Operator] = DecisionCache()

    assert b"token" not in cache.tag("token", "domain")
    assert cache.tag("ab", "c") != cache.tag("b", "ca")
    assert cache.tag("cab", "") != cache.tag("ab", "c")
    assert cache.tag("t", "d") != DecisionCache().tag("t", "d")


def test_the_cache_stands_many_threads():
    cache: DecisionCache[Operator] = DecisionCache(size=5)
    failures = []

    def work(number):
        try:
            for step in range(500):
                tag = cache.tag(str(number), str(step % 7))
                cache.put(tag, operator(str(number)), step + 3)
                found = cache.get(tag, step)
                assert found is None or found.domain_id == str(number)
        except Exception as error:  # noqa: BLE001 - reported below.
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
