"""Who may make which call: every role over every route (docs/contract.md#f7 to #f9, #k7 and #k17)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID, OTHER_CLIENT_ID, OTHER_DOMAIN_ID
from tests.api.routes import Rows, each_endpoint, everything, success_of, undone
from tests.support.api import UNKNOWN, Api, Endpoint, told
from tests.support.rows import DOMAIN, make_config, make_profile
from tests.support.sandbox import SandboxProcess


def revoked_pat(sandbox: SandboxProcess) -> str:
    token, pat_id = sandbox.pat()
    sandbox.revoke_pat(pat_id)
    return token


def api_key(user: str, *, taken: bool = True) -> Callable[[SandboxProcess], str]:
    def prepare(sandbox: SandboxProcess) -> str:
        sandbox.ways(api_keys=taken)
        return sandbox.token(user, 3)

    return prepare


def revoked_api_key(sandbox: SandboxProcess) -> str:
    key = api_key("operator")(sandbox)
    key_id = jwt.decode(key, options={"verify_signature": False})["jti"]
    assert sandbox.platform("DELETE", f"/keys/{key_id}", sandbox.token()).status_code == 204
    return key


def status_of_domain(status: str, user: str) -> Callable[[SandboxProcess], str]:
    def prepare(sandbox: SandboxProcess) -> str:
        sandbox.domain_status(DOMAIN_ID, status)
        return sandbox.token(user)

    return prepare


ALLOWED = 0
#: Who asks, in which state of the domain, and what that comes to.
ROLES: dict[str, tuple[Callable[[SandboxProcess], str], int]] = {
    "a member who may only look": (lambda sandbox: sandbox.token("viewer"), ALLOWED),
    "a member who may edit": (lambda sandbox: sandbox.token("editor"), ALLOWED),
    "the domain's administrator": (lambda sandbox: sandbox.token("operator"), ALLOWED),
    "an administrator of the platform": (lambda sandbox: sandbox.token("admin"), ALLOWED),
    "a personal access token": (lambda sandbox: sandbox.pat()[0], ALLOWED),
    "an API key of a release that takes them": (api_key("operator"), ALLOWED),
    "a member of another domain": (lambda sandbox: sandbox.token("outsider"), 403),
    "a member of no domain": (lambda sandbox: sandbox.token("nobody"), 403),
    "a stranger's personal access token": (lambda sandbox: sandbox.pat("outsider")[0], 403),
    "a stranger's API key of a release that takes them": (api_key("outsider"), 403),
    "nobody": (lambda _sandbox: "", 401),
    "a token that the platform does not know": (lambda _sandbox: "forged", 401),
    "a refresh token": (lambda sandbox: sandbox.token(kind=1), 401),
    "a recovery token": (lambda sandbox: sandbox.token(kind=2), 401),
    "a JSON Web Token that calls itself a personal one": (lambda sandbox: sandbox.token(kind=4), 401),
    "an invitation": (lambda sandbox: sandbox.token(kind=5), 401),
    "the platform administrator's refresh token": (lambda sandbox: sandbox.token("admin", 1), 401),
    "a revoked personal access token": (revoked_pat, 401),
    "a revoked API key": (revoked_api_key, 401),
    "an API key of a release that takes none": (api_key("operator", taken=False), 401),
    "an expired token": (lambda sandbox: sandbox.token(expired=True), 401),
    "a token signed by somebody else": (lambda sandbox: sandbox.token(foreign=True), 401),
    "a token signed with a shared secret": (lambda sandbox: sandbox.token(hs=True), 401),
    "somebody without a verified address": (lambda sandbox: sandbox.token(verified=False), 401),
    "a member, the domain disabled": (status_of_domain("disabled", "viewer"), 403),
    "the domain's administrator, the domain disabled": (status_of_domain("disabled", "operator"), ALLOWED),
    "an administrator of the platform, the domain disabled": (status_of_domain("disabled", "admin"), ALLOWED),
    "the domain's administrator, the domain frozen": (status_of_domain("freezed", "operator"), 403),
    "an administrator of the platform, the domain frozen": (status_of_domain("freezed", "admin"), ALLOWED),
    "the domain's administrator, the domain deleted": (status_of_domain("deleted", "operator"), 404),
    "an administrator of the platform, the domain deleted": (status_of_domain("deleted", "admin"), 404),
}
NO_TOKEN = "missing or invalid bearer user token"
#: What a refused call is answered.
MESSAGES = {
    401: "failed to perform authentication over the entity",
    403: "failed to perform authorization over the entity",
    404: "entity not found",
}


@pytest.fixture
def rows(db: None) -> Rows:
    return Rows()


@each_endpoint
def test_each_role_may_do_what_it_may_and_nothing_else(sandbox: SandboxProcess, rows: Rows, endpoint: Endpoint) -> None:
    before = everything()
    for role, (prepare, expected) in ROLES.items():
        sandbox.domain_status(DOMAIN_ID, "enabled")
        caller = Api(prepare(sandbox))
        with undone():
            answer = rows.send(endpoint, caller)
            assert answer.status_code == (expected or success_of(endpoint)), (role, answer.content)
            if expected:
                message = MESSAGES[expected] if caller.token else NO_TOKEN
                assert message in told(answer), role
                assert everything() == before, role
                assert (answer.get("WWW-Authenticate") == "Bearer") == (expected == 401), role


@each_endpoint
def test_a_call_without_a_token_is_refused_without_asking_the_platform(
    sandbox: SandboxProcess, rows: Rows, endpoint: Endpoint
) -> None:
    before = everything()

    answer = rows.send(endpoint, Api(""))

    assert NO_TOKEN in told(answer, 401)
    assert answer["WWW-Authenticate"] == "Bearer"
    assert everything() == before
    assert sandbox.calls() == []


@each_endpoint
def test_a_domain_that_does_not_exist_is_not_found(sandbox: SandboxProcess, rows: Rows, endpoint: Endpoint) -> None:
    for domain_id in (UNKNOWN, "no-such-domain", "x" * 300):
        for user in ("operator", "nobody", "admin"):
            answer = rows.send(endpoint, Api(sandbox.token(user), domain_id))
            assert "entity not found" in told(answer, 404), (domain_id, user)


@each_endpoint
def test_whoever_may_act_in_another_domain_finds_nothing_of_this_one_there(
    sandbox: SandboxProcess, rows: Rows, endpoint: Endpoint
) -> None:
    if endpoint.unknown is None:
        return
    before = everything()

    for user in ("outsider", "admin"):
        answer = rows.send(endpoint, Api(sandbox.token(user), OTHER_DOMAIN_ID))
        assert answer.status_code == endpoint.unknown, (user, answer.content)
        assert answer.status_code == 204 or "entity not found" in told(answer)

    assert everything() == before


@pytest.mark.parametrize("user", ["operator", "admin"])
def test_bodies_reach_into_no_other_domain_either(sandbox: SandboxProcess, rows: Rows, user: str) -> None:
    caller = Api(sandbox.token(user))
    foreign = str(make_profile(domain_id=OTHER_DOMAIN_ID).pk)
    enrollment = f"/clients/bootstrap/enrollments/{rows.config.pk}"
    before = everything()

    calls: list[tuple[str, str, Any]] = [
        ("POST", "/clients/configs", {"external_id": "n", "external_key": "k", "profile_id": foreign}),
        ("PATCH", f"{enrollment}/profile", {"profile_id": foreign}),
        (
            "PUT",
            f"{enrollment}/bindings",
            {"bindings": [{"slot": "s", "type": "client", "resource_id": OTHER_CLIENT_ID}]},
        ),
    ]
    for method, path, body in calls:
        answer = caller.call(method, path, body)
        # The platform says 403 to its own members' ids from elsewhere and to ids that do not exist alike.
        assert answer.status_code == 404 or (user == "operator" and method == "PUT"), (path, answer.content)
        assert answer.status_code in {404, 403}

    assert everything() == before


def test_lists_hold_nothing_of_another_domain(sandbox: SandboxProcess, rows: Rows) -> None:
    own = make_config(domain_id=OTHER_DOMAIN_ID, external_id="theirs")
    for caller in (Api(sandbox.token("outsider"), OTHER_DOMAIN_ID), Api(sandbox.token("admin"), OTHER_DOMAIN_ID)):
        found = caller.get("/clients/configs?status=all").json()
        assert [config["id"] for config in found["configs"]] == [str(own.pk)]
        assert caller.get("/clients/bootstrap/profiles").json()["total"] == 0
        assert caller.get(f"/clients/configs?status=all&id={rows.config.pk}").json()["total"] == 0


# The option that asks for a named action.

WRITERS = {"operator": True, "admin": True, "editor": False, "viewer": False}


@each_endpoint
def test_changes_may_be_made_to_ask_for_an_action(
    sandbox: SandboxProcess, rows: Rows, settings: Any, endpoint: Endpoint
) -> None:
    settings.OPERATOR_WRITE_ACTION = "update"
    before = everything()

    for user, may_write in WRITERS.items():
        with undone():
            answer = rows.send(endpoint, Api(sandbox.token(user)))
            if may_write or endpoint.method == "GET":
                assert answer.status_code == success_of(endpoint), user
            else:
                assert "the action update" in told(answer, 403), user
                assert everything() == before


def test_the_action_may_be_any_that_the_platform_names(sandbox: SandboxProcess, db: None, settings: Any) -> None:
    settings.OPERATOR_WRITE_ACTION = "bootstrap_write"
    caller = Api(sandbox.token("viewer"))
    told(caller.create_config(), 403)

    sandbox.member(DOMAIN, "viewer", "custom", ["bootstrap_write"])

    assert caller.create_config().status_code == 201
