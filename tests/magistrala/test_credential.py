"""The service's own credential: got once for all threads, renewed in time, given up when refused, never shown."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest

from bootstrap_project.deadline import deadline
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.magistrala import credential
from bootstrap_project.magistrala.credential import (
    CredentialMissing,
    forget_service_token,
    reset_credential,
    service_token,
    with_service_token,
)
from bootstrap_project.magistrala.credential_keeper import TokenKeeper
from bootstrap_project.magistrala.errors import (
    DeadlinePassed,
    Forbidden,
    Rejected,
    TimedOut,
    Unauthorized,
    Unavailable,
    deadline_passed,
)
from bootstrap_project.magistrala.factory import get_client, reset_client
from bootstrap_project.magistrala.resources import TokenPair
from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID, OPERATOR, OPERATOR_PASSWORD
from tests.support.waiting import eventually

START = 1_800_000_000.0


class Users:
    """The users service in memory: tokens of a given life, counted."""

    def __init__(self, life: float | None = 3600) -> None:
        self.now = START
        self.life = life
        self.issued = self.refreshed = 0
        self.issue_error: BootstrapError | None = None
        self.refresh_error: BootstrapError | None = None
        self.pause = 0.0
        self.may_refresh = threading.Event()
        self.may_refresh.set()
        self.keeper = TokenKeeper(self, "robot", "robot-password", clock=lambda: self.now)

    def _pair(self) -> TokenPair:
        number = self.issued + self.refreshed
        claims: dict[str, Any] = {"n": number} | ({} if self.life is None else {"exp": self.now + self.life})
        access = jwt.encode(claims, "x" * 64, algorithm="HS512")
        return TokenPair(access, f"refresh-{number}")

    def issue_token(self, username: str, password: str) -> TokenPair:
        assert (username, password) == ("robot", "robot-password")
        time.sleep(self.pause)
        self.issued += 1
        if self.issue_error is not None:
            raise self.issue_error
        return self._pair()

    def refresh_token(self, refresh_token: str) -> TokenPair:
        assert self.may_refresh.wait(60)
        self.refreshed += 1
        if self.refresh_error is not None:
            raise self.refresh_error
        return self._pair()


def refused() -> Unauthorized:
    return Unauthorized("no", service="users", status=401)


def down() -> Unavailable:
    return Unavailable("down", service="users", status=503)


def test_a_token_is_issued_once_and_kept():
    users = Users()

    assert len({users.keeper.token() for _ in range(10)}) == 1
    assert (users.issued, users.refreshed) == (1, 0)


def test_a_token_is_renewed_by_its_refresh_token_before_it_ends():
    users = Users()
    first = users.keeper.token()

    users.now += 3600 * 0.9 - 1
    assert users.keeper.token() == first
    users.now += 1
    second = users.keeper.token()

    assert second != first
    assert (users.issued, users.refreshed) == (1, 1)


@pytest.mark.parametrize(("life", "good_for"), [(3600, 3240), (100, 70), (20, 10), (None, 270)])
def test_the_margin_fits_the_life(life, good_for):
    users = Users(life)
    first = users.keeper.token()

    users.now += good_for - 0.01
    assert users.keeper.token() == first
    users.now += 0.01
    assert users.keeper.token() != first


@pytest.mark.parametrize("error", [refused(), down(), Rejected("bad", service="users", status=400)])
def test_when_refreshing_fails_it_signs_in_again(error):
    users = Users()
    first = users.keeper.token()
    users.refresh_error = error
    users.now += 3500

    assert users.keeper.token() != first
    assert (users.issued, users.refreshed) == (2, 1)


def test_while_the_old_token_lasts_an_outage_does_no_harm():
    users = Users()
    first = users.keeper.token()
    users.refresh_error = users.issue_error = down()
    users.now += 3500

    assert [users.keeper.token() for _ in range(20)] == [first] * 20
    assert (users.issued, users.refreshed) == (2, 1)

    users.now += 99
    assert users.keeper.token() == first
    users.now += 1
    with pytest.raises(Unavailable):
        users.keeper.token()


def test_a_sign_in_that_failed_is_not_repeated_at_once():
    users = Users()
    users.issue_error = refused()

    for _ in range(20):
        with pytest.raises(Unauthorized):
            users.keeper.token()
    assert users.issued == 1

    users.issue_error = None
    users.now += 5
    assert users.keeper.token()


def test_a_token_that_was_refused_is_given_up_but_a_newer_one_is_not():
    users = Users()
    first = users.keeper.token()

    users.keeper.forget(first)
    assert users.keeper.token() == first, "made in this very second, it would be made again"
    users.now += 1
    users.keeper.forget("something else")
    assert users.keeper.token() == first
    users.keeper.forget(first)
    second = users.keeper.token()
    users.keeper.forget(first)

    assert second != first
    assert users.keeper.token() == second
    assert (users.issued, users.refreshed) == (2, 0)


def all_at_once(count: int, work: Any) -> list[Any]:
    barrier = threading.Barrier(count)

    def run(_number: int) -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(count) as executor:
        return list(executor.map(run, range(count)))


def test_many_threads_sign_in_once():
    users = Users()
    users.pause = 0.05

    assert len(set(all_at_once(24, users.keeper.token))) == 1
    assert users.issued == 1


def test_many_threads_renew_once_and_do_not_wait_for_it():
    users = Users()
    first = users.keeper.token()
    users.now += 3500
    users.may_refresh.clear()
    told: list[str] = []

    def ask() -> str:
        token = users.keeper.token()
        told.append(token)
        if len(told) == 23:
            # The one that renews is answered when all others have been.
            users.may_refresh.set()
        return token

    found = all_at_once(24, ask)

    assert users.refreshed == 1
    assert told[:23] == [first] * 23
    assert found.count(first) == 23


def test_many_threads_hear_of_one_failure():
    users = Users()
    users.pause = 0.05
    users.issue_error = down()

    def work() -> BaseException:
        with pytest.raises(Unavailable) as caught:
            users.keeper.token()
        return caught.value

    failures = all_at_once(24, work)

    assert users.issued == 1
    assert len({id(error) for error in failures}) == 24


def test_threads_whose_token_was_refused_share_the_next_one():
    users = Users()
    first = users.keeper.token()
    users.now += 1

    def work() -> str:
        users.keeper.forget(first)
        return users.keeper.token()

    assert len(set(all_at_once(24, work))) == 1
    assert users.issued == 2


def test_nothing_secret_shows_in_a_repr(caplog):
    users = Users()
    token = users.keeper.token()
    users.refresh_error = users.issue_error = down()
    users.now += 3500
    users.keeper.token()

    shown = [repr(users.keeper), repr(users.keeper._held), *[str(vars(record)) for record in caplog.records]]
    for secret in (token, "robot-password", "refresh-1"):
        assert not any(secret in text for text in shown)


# With the settings, against the sandbox.


@pytest.fixture(autouse=True)
def fresh(sandbox: Any, settings: Any) -> Iterator[None]:
    for name, value in sandbox.settings().items():
        setattr(settings, name, value)
    settings.SERVICE_TOKEN = settings.SERVICE_USERNAME = settings.SERVICE_PASSWORD = ""
    reset_client()
    reset_credential()
    yield
    reset_client()
    reset_credential()


@pytest.fixture
def signs_in(settings: Any) -> None:
    settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = OPERATOR, OPERATOR_PASSWORD


def test_without_a_credential_the_error_says_what_to_set(sandbox):
    with pytest.raises(CredentialMissing, match=r"MG_BOOTSTRAP_TOKEN .* MG_BOOTSTRAP_USERNAME") as caught:
        service_token()

    assert caught.value.kind is ErrorKind.UNAVAILABLE
    assert sandbox.calls() == []


def test_a_personal_access_token_is_used_as_it_is(sandbox, settings):
    settings.SERVICE_TOKEN = sandbox.pat()[0]

    assert service_token() == settings.SERVICE_TOKEN
    assert sandbox.calls() == []


def test_user_name_and_password_are_turned_into_a_token(sandbox, signs_in):
    tokens = all_at_once(12, service_token)

    assert len(set(tokens)) == 1
    assert get_client().membership(DOMAIN_ID, tokens[0]) is not None
    assert [call["path"] for call in sandbox.calls("users")] == ["/users/tokens/issue"]


def test_a_wrong_password_is_told_as_such(sandbox, settings, signs_in):
    settings.SERVICE_PASSWORD = "wrong"

    with pytest.raises(Unauthorized, match="user name and password") as caught:
        service_token()

    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"kind": "down"}, Unavailable), ({"kind": "slow"}, TimedOut), ({"kind": "status", "status": 500}, Unavailable)],
)
def test_a_platform_that_is_down_is_not_a_wrong_password(sandbox, settings, signs_in, fault, error):
    settings.MG_READ_TIMEOUT_SECONDS = 0.2
    reset_client()
    sandbox.faults(fault)

    with pytest.raises(error):
        service_token()


def test_a_refused_token_is_replaced_once_and_the_call_repeated(sandbox, signs_in, time_machine):
    used: list[str] = []
    service_token()
    time_machine.move_to(time.time() + 2)

    def call(token: str) -> str:
        used.append(token)
        if len(used) == 1:
            raise Unauthorized("expired", service="clients", status=401)
        return "done"

    assert with_service_token(call) == "done"
    assert len(used) == 2
    assert service_token() == used[1]
    assert [call["path"] for call in sandbox.calls("users")] == ["/users/tokens/issue"] * 2


def test_a_second_refusal_is_final(sandbox, signs_in):
    used: list[str] = []

    def call(token: str) -> None:
        used.append(token)
        raise Unauthorized("no", service="clients", status=401)

    with pytest.raises(Unauthorized):
        with_service_token(call)

    assert len(used) == 2


def test_other_failures_are_not_repeated(sandbox, signs_in):
    used: list[str] = []

    def call(token: str) -> None:
        used.append(token)
        raise Forbidden("no", service="clients", status=403)

    with pytest.raises(Forbidden):
        with_service_token(call)

    assert len(used) == 1


def test_a_revoked_personal_token_is_told_and_not_tried_twice(sandbox, settings):
    token, pat_id = sandbox.pat()
    settings.SERVICE_TOKEN = token
    assert with_service_token(get_client().list_domains)
    sandbox.revoke_pat(pat_id)
    sandbox.forget_calls()

    with pytest.raises(Unauthorized, match="MG_BOOTSTRAP_TOKEN may be revoked") as caught:
        with_service_token(get_client().list_domains)

    assert len(sandbox.calls("domains")) == 1
    assert token not in str(caught.value)


def test_renewal_goes_over_the_wire(sandbox, signs_in, time_machine):
    service_token()

    time_machine.move_to(time.time() + 3500)
    service_token()

    assert [call["path"] for call in sandbox.calls("users")] == ["/users/tokens/issue", "/users/tokens/refresh"]


def test_a_forked_process_signs_in_for_itself(sandbox, signs_in, monkeypatch):
    service_token()
    monkeypatch.setattr(os, "getpid", lambda: 1)
    service_token()

    assert len(sandbox.calls("users")) == 2


def test_forgetting_before_anything_was_issued_is_harmless():
    forget_service_token("whatever")


def test_secrets_stand_in_no_error_and_no_log(sandbox, settings, signs_in, caplog, time_machine):
    caplog.set_level("DEBUG")
    token = service_token()
    time_machine.move_to(time.time() + 2)
    sandbox.faults({"kind": "status", "status": 500})
    forget_service_token(token)
    with pytest.raises(Unavailable) as caught:
        service_token()

    shown = [str(caught.value), *[str(vars(record)) for record in caplog.records]]
    assert not any(secret in text for text in shown for secret in (token, OPERATOR_PASSWORD))
    assert credential._keeper is not None
    assert OPERATOR_PASSWORD not in repr(credential._keeper)


# Callers with a deadline.


def test_the_deadline_of_one_caller_is_not_anothers_failure():
    users = Users()
    users.issue_error = deadline_passed("users")
    with pytest.raises(DeadlinePassed):
        users.keeper.token()

    users.issue_error = None

    assert users.keeper.token()
    assert users.issued == 2


def test_whoever_waits_for_anothers_sign_in_waits_no_longer_than_his_own_deadline():
    users = Users(life=60)
    users.keeper.token()
    users.now += 61
    users.may_refresh.clear()
    with ThreadPoolExecutor(1) as executor:
        renewing = executor.submit(users.keeper.token)
        eventually(users.keeper._lock.locked)

        with deadline(0.1), pytest.raises(DeadlinePassed, match=r"0\.1 s"):
            users.keeper.token()

        assert not renewing.done()
        users.may_refresh.set()
        assert renewing.result()
