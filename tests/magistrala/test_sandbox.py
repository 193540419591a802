"""The sandbox itself: it must answer as the platform does, or every test against it is worth nothing."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import uuid
from typing import Any

import jwt
import pytest
import requests

from bootstrap_project.magistrala.sandbox.seed import (
    ADMIN_ID,
    CLIENT_ID,
    CLIENT_IDENTITY,
    CLIENT_NAME,
    CLIENT_SECRET,
    COMMANDS_CHANNEL_ID,
    DOMAIN_ID,
    OPERATOR,
    OPERATOR_ID,
    OPERATOR_PASSWORD,
    OTHER_CHANNEL_ID,
    OTHER_CLIENT_ID,
    OTHER_DOMAIN_ID,
    TELEMETRY_CHANNEL_ID,
    TELEMETRY_CHANNEL_NAME,
)
from bootstrap_project.magistrala.sandbox.state import role_id
from tests.support.sandbox import ROOT, SandboxProcess

CONNECT = f"/{DOMAIN_ID}/channels/connect"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def ask(sandbox):
    """Ask the platform as a seeded user and return (status, decoded body)."""

    def asking(method, path, user="operator", body=None):
        answer = sandbox.platform(method, path, sandbox.token(user) if user else "", body)
        return answer.status_code, answer.json() if answer.content else None

    return asking


def triple(*types: str, channel: str = COMMANDS_CHANNEL_ID, client: str = CLIENT_ID) -> dict[str, list[str]]:
    return {"channel_ids": [channel], "client_ids": [client], "types": list(types)}


def test_issued_tokens_have_the_platforms_claims_and_verify_with_its_keys(sandbox, ask):
    status, pair = ask("POST", "/users/tokens/issue", "", {"username": OPERATOR, "password": OPERATOR_PASSWORD})
    answer = sandbox.platform("GET", "/keys/.well-known/jwks.json")
    key = jwt.PyJWKSet.from_dict(answer.json()).keys[0]
    access = jwt.decode(pair["access_token"], key.key, algorithms=["EdDSA"], issuer="magistrala.auth")
    refresh = jwt.decode(pair["refresh_token"], key.key, algorithms=["EdDSA"], issuer="magistrala.auth")

    assert status == 201
    assert (access["sub"], access["type"], access["role"], access["verified"]) == (OPERATOR_ID, 0, 1, True)
    assert access["exp"] - access["iat"] == 3600
    assert "jti" not in access
    assert (refresh["type"], refresh["exp"] - refresh["iat"]) == (1, 86400)
    assert str(uuid.UUID(refresh["jti"])) == refresh["jti"]
    assert jwt.get_unverified_header(pair["access_token"])["kid"] == key.key_id == "active"
    assert "max-age=900" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": OPERATOR, "password": "wrong"}, 422),
        ({"username": "nobody-here", "password": "x"}, 404),
        ({"identity": OPERATOR, "secret": OPERATOR_PASSWORD}, 400),
        ({}, 400),
    ],
)
def test_token_is_refused(ask, body, status):
    assert ask("POST", "/users/tokens/issue", "", body)[0] == status


def test_only_refresh_tokens_refresh(sandbox):
    assert sandbox.platform("POST", "/users/tokens/refresh", sandbox.token(kind=1), {}).status_code == 201
    assert sandbox.platform("POST", "/users/tokens/refresh", sandbox.token(kind=0), {}).status_code == 500
    assert sandbox.platform("POST", "/users/tokens/refresh", sandbox.token(kind=1)).status_code == 415


@pytest.mark.parametrize("kind", [0, 1, 2, 4, 5])
def test_tokens_of_most_types_are_accepted_as_bearer_like_upstream(sandbox, kind):
    assert sandbox.platform("GET", "/users/profile", sandbox.token(kind=kind)).status_code == 200


@pytest.mark.parametrize("members", [{"expired": True}, {"foreign": True}, {"hs": True}, {"issuer": "someone.else"}])
def test_bad_tokens_are_refused(sandbox, members):
    assert sandbox.platform("GET", "/users/profile", sandbox.token(**members)).status_code == 401


def test_unverified_user_may_see_his_profile_and_nothing_else(sandbox):
    token = sandbox.token(verified=False)

    assert sandbox.platform("GET", "/users/profile", token).status_code == 200
    refused = sandbox.platform("GET", f"/domains/{DOMAIN_ID}", token)
    assert (refused.status_code, refused.json()) == (401, {"message": "email not verified"})
    sandbox.ways(allow_unverified_user=True)
    assert sandbox.platform("GET", f"/domains/{DOMAIN_ID}", token).status_code == 200


def test_rotated_keys_leave_the_last_one_valid(sandbox):
    old = sandbox.token()
    sandbox.rotate_keys()
    new = sandbox.token()

    kids = [key["kid"] for key in sandbox.platform("GET", "/keys/.well-known/jwks.json").json()["keys"]]
    assert kids == [jwt.get_unverified_header(new)["kid"], jwt.get_unverified_header(old)["kid"]]
    assert sandbox.platform("GET", "/users/profile", old).ok
    assert sandbox.platform("GET", "/users/profile", new).ok

    sandbox.rotate_keys()
    assert sandbox.platform("GET", "/users/profile", old).status_code == 401


def test_platform_with_a_shared_secret_has_no_public_keys(sandbox):
    before = sandbox.token()
    sandbox.shared_secret()
    token = sandbox.token()

    assert sandbox.platform("GET", "/keys/.well-known/jwks.json").json() == {"keys": None}
    assert jwt.get_unverified_header(token)["alg"] == "HS512"
    assert sandbox.platform("GET", "/users/profile", token).ok
    assert sandbox.platform("GET", "/users/profile", before).status_code == 401


def test_api_key_is_made_and_refused_but_by_a_release_that_takes_them(sandbox):
    session = sandbox.token()
    key = sandbox.platform("POST", "/keys", session, {"type": 3, "duration": 600}).json()["value"]
    key_id = jwt.decode(key, options={"verify_signature": False})["jti"]

    assert sandbox.platform("GET", "/users/profile", key).status_code == 401
    sandbox.ways(api_keys=True)
    assert sandbox.platform("GET", "/users/profile", key).ok
    assert sandbox.platform("DELETE", f"/keys/{key_id}", session).status_code == 204
    assert sandbox.platform("GET", "/users/profile", key).status_code == 401


def test_personal_access_token_has_the_platforms_format(sandbox):
    token, pat_id = sandbox.pat()
    prefix, ids, secret = token.split("_", 2)

    assert prefix == "pat"
    assert len(ids) == 44
    raw = base64.b64decode(ids, validate=True)
    assert (str(uuid.UUID(bytes=raw[:16])), str(uuid.UUID(bytes=raw[16:]))) == (OPERATOR_ID, pat_id)
    assert re.fullmatch(r"[A-Za-z0-9!@#$%^&*|+\-=>]{100}", secret)


def test_personal_access_token_works_until_revoked_or_expired(sandbox):
    token, pat_id = sandbox.pat()
    stale, _ = sandbox.pat(expired=True)

    assert sandbox.platform("GET", "/users/profile", token).ok
    assert sandbox.platform("GET", "/users/profile", stale).status_code == 401
    assert sandbox.platform("GET", "/users/profile", token[:-1] + ("A" if token[-1] != "A" else "B")).status_code == 401
    sandbox.revoke_pat(pat_id)
    assert sandbox.platform("GET", "/users/profile", token).status_code == 401


def test_personal_access_token_needs_a_scope_except_for_listing_domains(sandbox):
    session = sandbox.token()
    made = sandbox.platform("POST", "/pats", session, {"name": "robot", "duration": "1h30m"}).json()
    token, path = made["secret"], f"/{DOMAIN_ID}/clients/{CLIENT_ID}"

    assert sandbox.platform("GET", path, token).status_code == 403
    assert sandbox.platform("GET", f"/domains?id={DOMAIN_ID}", token).json()["total"] == 1
    scope = {"domain_id": DOMAIN_ID, "entity_type": "clients", "operation": "view", "entity_id": "*"}
    assert sandbox.platform("PATCH", f"/pats/{made['id']}/scope/add", session, {"scopes": [scope]}).ok
    assert sandbox.platform("GET", path, token).ok
    assert sandbox.platform("POST", CONNECT, token, triple("publish")).status_code == 403
    assert sandbox.platform("POST", "/pats", token, {"name": "another"}).status_code == 400
    assert sandbox.platform("PATCH", f"/pats/{made['id']}/secret/revoke", session).status_code == 204
    assert sandbox.platform("GET", path, token).status_code == 401


def test_connect_scopes_of_both_sides_are_enough_for_a_personal_access_token(sandbox):
    scopes = [
        {"domain_id": DOMAIN_ID, "entity_type": kind, "operation": operation, "entity_id": "*"}
        for kind, operation in (("channels", "connect_client"), ("clients", "connect_to_channel"))
    ]

    assert sandbox.platform("POST", CONNECT, sandbox.pat(scopes=scopes)[0], triple("publish")).status_code == 201
    assert sandbox.platform("POST", CONNECT, sandbox.pat(scopes=scopes[:1])[0], triple("subscribe")).status_code == 403


def test_profile_shows_who_one_is(ask):
    status, profile = ask("GET", "/users/profile")

    assert status == 200
    assert (profile["id"], profile["email"], profile["role"]) == (OPERATOR_ID, OPERATOR, "user")
    assert profile["credentials"] == {"username": "operator"}


def test_domains_list_shows_the_callers_role(ask):
    status, page = ask("GET", f"/domains?id={DOMAIN_ID}&status=all&limit=1")

    assert status == 200
    assert (page["total"], page["limit"], len(page["domains"])) == (1, 1, 1)
    assert "offset" not in page
    assert (page["domains"][0]["role_name"], page["domains"][0]["role_id"]) == (
        "admin",
        role_id("domain", DOMAIN_ID, "admin"),
    )
    assert set(page["domains"][0]["actions"]) >= {"read", "update", "manage_role", "view_role_users"}


def test_domains_list_is_empty_for_those_without_a_role(ask):
    for user, path in (
        ("nobody", "/domains"),
        ("outsider", f"/domains?id={DOMAIN_ID}"),
        ("operator", f"/domains?id={UNKNOWN}"),
    ):
        status, page = ask("GET", path, user)
        assert (status, page["total"]) == (200, 0)
        assert page.keys() == {"total", "limit"}


def test_platform_admin_sees_every_domain_without_a_role(ask):
    _, page = ask("GET", "/domains", "admin")

    assert {domain["id"] for domain in page["domains"]} == {DOMAIN_ID, OTHER_DOMAIN_ID}
    assert not {"role_id", "role_name", "actions"} & set(page["domains"][0])


@pytest.mark.parametrize("status", ["disabled", "freezed", "deleted"])
def test_domains_list_hides_what_is_not_enabled_unless_asked(sandbox, ask, status):
    sandbox.domain_status(DOMAIN_ID, status)

    assert ask("GET", "/domains")[1]["total"] == 0
    assert ask("GET", "/domains?status=all")[1]["domains"][0]["status"] == status
    assert ask("GET", f"/domains?status={status}")[1]["total"] == 1


@pytest.mark.parametrize(
    "query", ["limit=101", "limit=0", "limit=-1", "limit=x", "offset=x", "status=odd", "limit=1&limit=2", "order=id"]
)
def test_bad_paging_is_refused_though_domains_may_have_any_limit(ask, query):
    of_domains = 200 if query in {"limit=101", "limit=0"} else 400

    assert ask("GET", f"/domains?{query}")[0] == of_domains
    assert ask("GET", f"/{DOMAIN_ID}/channels?{query}")[0] == 400


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        ("enabled", {"operator", "editor", "viewer", "admin"}),
        ("disabled", {"operator", "admin"}),
        ("freezed", {"admin"}),
    ],
)
def test_domain_status_decides_who_may_look(sandbox, ask, status, allowed):
    sandbox.domain_status(DOMAIN_ID, status)

    answers = {
        user: ask("GET", f"/{DOMAIN_ID}/clients/{CLIENT_ID}", user)[0]
        for user in ("operator", "editor", "viewer", "admin", "outsider")
    }

    assert {user for user, answer in answers.items() if answer == 200} == allowed
    assert {answer for user, answer in answers.items() if user not in allowed} == {403}


def test_domain_is_created_and_switched(ask):
    status, made = ask("POST", "/domains", "nobody", {"name": "cellar", "route": "cellar"})
    path = f"/domains/{made['id']}"

    assert status == 201
    assert ask("GET", path, "nobody") == (200, made)
    assert ask("GET", path)[0] == 403
    assert ask("GET", f"/domains/{UNKNOWN}")[0] == 404
    assert ask("POST", f"{path}/freeze", "nobody")[0] == 403
    assert ask("POST", f"{path}/disable", "nobody")[0] == 200
    assert ask("GET", path, "admin")[1]["status"] == "disabled"
    assert ask("POST", f"{path}/enable", "nobody")[0] == 200
    assert ask("POST", f"{path}/freeze", "admin")[0] == 200
    assert ask("POST", f"{path}/enable", "nobody")[0] == 403


def test_client_is_shown_with_its_secret_and_without_empty_members(ask):
    status, client = ask("GET", f"/{DOMAIN_ID}/clients/{CLIENT_ID}", "viewer")

    assert status == 200
    assert (client["id"], client["name"], client["domain_id"], client["status"]) == (
        CLIENT_ID,
        CLIENT_NAME,
        DOMAIN_ID,
        "enabled",
    )
    assert client["credentials"] == {"identity": CLIENT_IDENTITY, "secret": CLIENT_SECRET}
    assert not {"tags", "parent_group_id", "private_metadata"} & set(client)
    _, other = ask("GET", f"/{OTHER_DOMAIN_ID}/clients/{OTHER_CLIENT_ID}", "outsider")
    assert set(other["credentials"]) == {"secret"}


def test_channel_is_shown_with_its_route_when_it_has_one(ask):
    _, channel = ask("GET", f"/{DOMAIN_ID}/channels/{TELEMETRY_CHANNEL_ID}")
    _, other = ask("GET", f"/{OTHER_DOMAIN_ID}/channels/{OTHER_CHANNEL_ID}", "outsider")

    assert (channel["name"], channel["route"]) == (TELEMETRY_CHANNEL_NAME, TELEMETRY_CHANNEL_NAME)
    assert "route" not in other


@pytest.mark.parametrize("kind", ["clients", "channels"])
def test_unknown_id_is_forbidden_to_everybody(ask, kind):
    foreign = OTHER_CLIENT_ID if kind == "clients" else OTHER_CHANNEL_ID

    assert ask("GET", f"/{DOMAIN_ID}/{kind}/{UNKNOWN}")[0] == 403
    assert ask("GET", f"/{DOMAIN_ID}/{kind}/{UNKNOWN}", "admin")[0] == 403
    assert ask("GET", f"/{UNKNOWN}/{kind}/{UNKNOWN}")[0] == 404
    assert ask("GET", f"/{DOMAIN_ID}/{kind}/{foreign}")[0] == 403
    assert ask("GET", f"/{DOMAIN_ID}/{kind}/{foreign}", "admin")[1]["domain_id"] == OTHER_DOMAIN_ID
    assert ask("GET", f"/{DOMAIN_ID}/{kind}/{UNKNOWN}", "")[0] == 401


@pytest.mark.parametrize("kind", ["clients", "channels"])
def test_resource_lives_from_creation_to_deletion(sandbox, ask, kind):
    status, made = ask(
        "POST", f"/{DOMAIN_ID}/{kind}", "editor", {"name": "Pump 4", "tags": ["a"], "metadata": {"n": 1}}
    )
    path = f"/{DOMAIN_ID}/{kind}/{made['id']}"

    assert (status, made["name"], made["tags"], made["metadata"]) == (201, "Pump 4", ["a"], {"n": 1})
    assert [found["id"] for found in ask("GET", f"/{DOMAIN_ID}/{kind}?name=PUMP")[1][kind]] == [made["id"]]
    assert ask("PATCH", path, "editor", {"name": "Pump 5"})[1]["name"] == "Pump 5"
    assert ask("POST", f"{path}/disable", "editor")[1]["status"] == "disabled"
    assert ask("GET", f"/{DOMAIN_ID}/{kind}?name=pump")[1]["total"] == 0
    assert ask("GET", f"/{DOMAIN_ID}/{kind}?name=pump&status=all")[1]["total"] == 1
    assert ask("POST", f"{path}/enable", "editor")[1]["status"] == "enabled"
    assert ask("DELETE", path, "viewer")[0] == 403
    assert ask("DELETE", path, "editor") == (204, None)
    assert ask("GET", path)[0] == 403
    assert ask("POST", f"/{DOMAIN_ID}/{kind}", "viewer", {"name": "x"})[0] == 403


def test_client_secret_changes(ask):
    path = f"/{DOMAIN_ID}/clients/{CLIENT_ID}"

    assert ask("PATCH", f"{path}/secret", "operator", {"secret": "new-secret"})[0] == 200
    assert ask("GET", path)[1]["credentials"]["secret"] == "new-secret"
    assert ask("PATCH", f"{path}/secret", "operator", {})[0] == 400
    assert ask("PATCH", f"{path}/secret", "viewer", {"secret": "x"})[0] == 403


@pytest.mark.parametrize("route", ["1abc", "a b", "x" * 37, "a7e0d9c4-58b3-4f12-9c6d-0b1a2c3d4e5f", 7])
def test_bad_route_is_refused(ask, route):
    assert ask("POST", f"/{DOMAIN_ID}/channels", "operator", {"name": "x", "route": route})[0] == 400


def test_connect_takes_all_or_nothing(ask):
    assert ask("POST", CONNECT, "operator", triple("Publish")) == (201, None)
    assert ask("POST", CONNECT, "operator", triple("PUBLISH")) == (400, {"message": "entity already exists"})
    assert ask("POST", CONNECT, "operator", triple("Publish", "Subscribe"))[0] == 400
    listed = ask("GET", f"/{DOMAIN_ID}/channels?client={CLIENT_ID}")[1]["channels"]
    assert [(channel["id"], channel["connection_types"]) for channel in listed] == [(COMMANDS_CHANNEL_ID, ["Publish"])]
    assert ask("POST", CONNECT, "operator", triple("subscribe"))[0] == 201
    assert ask("GET", f"/{DOMAIN_ID}/channels?client={CLIENT_ID}")[1]["channels"][0]["connection_types"] == [
        "Publish",
        "Subscribe",
    ]


def test_both_forms_of_connect_are_the_same(ask):
    one = f"/{DOMAIN_ID}/channels/{COMMANDS_CHANNEL_ID}"
    body = {"client_ids": [CLIENT_ID], "types": ["publish"]}

    assert ask("POST", f"{one}/connect", "operator", body)[0] == 201
    assert ask("POST", CONNECT, "operator", triple("publish"))[0] == 400
    assert ask("POST", f"/{DOMAIN_ID}/channels/disconnect", "operator", triple("publish"))[0] == 204
    assert ask("POST", f"{one}/connect", "operator", body)[0] == 201
    for _ in range(2):
        assert ask("POST", f"/{DOMAIN_ID}/channels/disconnect", "operator", triple("publish"))[0] == 204
    assert ask("POST", f"{one}/connect", "operator", {"client_ids": ["not-a-uuid"], "types": ["publish"]})[0] == 400


@pytest.mark.parametrize(
    ("user", "body", "status", "message"),
    [
        ("operator", triple(), 400, "missing connection type"),
        ("operator", {**triple("publish"), "client_ids": []}, 400, "missing entity id"),
        ("operator", {"types": ["publish"]}, 400, "missing entity id"),
        ("operator", triple("listen"), 400, "request body is not a valid JSON, expecting a valid JSON"),
        ("operator", triple("publish", client=UNKNOWN), 403, "failed to perform authorization over the entity"),
        ("operator", triple("publish", channel=UNKNOWN), 403, "failed to perform authorization over the entity"),
        ("admin", triple("publish", client=UNKNOWN), 403, "failed to perform authorization over the entity"),
        ("operator", triple("publish", client=OTHER_CLIENT_ID), 422, "failed to create entity"),
        ("operator", triple("publish", channel=OTHER_CHANNEL_ID), 422, "failed to create entity"),
        ("viewer", triple("publish"), 403, "failed to perform authorization over the entity"),
        ("outsider", triple("publish"), 403, "failed to perform authorization over the entity"),
    ],
)
def test_connect_refuses_as_the_platform_does(ask, user, body, status, message):
    assert ask("POST", CONNECT, user, body) == (status, {"message": message})


def test_connect_refuses_what_is_disabled(ask):
    ask("POST", f"/{DOMAIN_ID}/clients/{CLIENT_ID}/disable")

    assert ask("POST", CONNECT, "operator", triple("publish"))[0] == 422


def test_connect_wants_json(sandbox):
    answer = requests.post(
        sandbox.url + CONNECT, data="{}", headers={"Authorization": f"Bearer {sandbox.token()}"}, timeout=60
    )

    assert (answer.status_code, answer.json()) == (415, {"message": "unsupported content type"})


def test_unknown_paths_and_methods_have_no_json(sandbox):
    unknown, method = sandbox.platform("GET", "/nowhere/at/all/here"), sandbox.platform("PUT", "/domains")

    assert (unknown.status_code, unknown.text) == (404, "404 page not found\n")
    assert (method.status_code, method.text, method.headers["Allow"]) == (405, "", "GET, POST")


def test_a_service_answers_its_own_paths_alone(sandbox):
    path, token = f"/{DOMAIN_ID}/clients/{CLIENT_ID}", sandbox.token()

    assert sandbox.platform("GET", f"/_svc/clients{path}", token).status_code == 200
    assert sandbox.platform("GET", f"/_svc/channels{path}", token).status_code == 404
    assert sandbox.platform("GET", "/_svc/bootstrap/health").status_code == 404


def test_a_list_shows_to_each_why_he_may_see_it_and_secrets_to_members_alone(sandbox, ask):
    path = f"/{DOMAIN_ID}/clients"
    made = ask("POST", path, "editor", {"name": "Pump 4", "private_metadata": {"k": "v"}})[1]

    def listed(user: str) -> Any:
        return ask("GET", f"{path}?id={made['id']}", user)[1]["clients"][0]

    assert (listed("editor")["access_type"], listed("editor")["role_name"]) == ("direct", "admin")
    assert (listed("viewer")["access_type"], listed("viewer")["access_provider_role_actions"]) == (
        "domain",
        ["client_read"],
    )
    assert listed("viewer")["credentials"] == made["credentials"]
    assert listed("admin")["credentials"] == {}
    assert "access_type" not in listed("admin")
    assert not any("private_metadata" in listed(user) for user in ("editor", "viewer", "admin"))


def test_lists_ask_for_no_scope_no_domain_and_no_state_of_it(sandbox, ask):
    pat, _ = sandbox.pat("viewer", [])
    sandbox.domain_status(DOMAIN_ID, "freezed")

    assert sandbox.platform("GET", f"/{DOMAIN_ID}/clients", pat).json()["total"] == 1
    for path, user in ((f"/{DOMAIN_ID}/clients", "outsider"), (f"/{UNKNOWN}/channels", "operator")):
        assert ask("GET", path, user) == (200, {"total": 0, "limit": 10})
    sandbox.member(DOMAIN_ID, "nobody", "odd", actions=["read", "channel_read"])
    assert ask("GET", f"/{DOMAIN_ID}/clients", "nobody")[1]["total"] == 0
    assert ask("GET", f"/{DOMAIN_ID}/channels", "nobody")[1]["total"] == 2


def test_a_reset_personal_access_token_works_by_its_new_text(sandbox):
    session = sandbox.token()
    made = sandbox.platform("POST", "/pats", session, {"name": "robot"}).json()
    again = sandbox.platform("PATCH", f"/pats/{made['id']}/secret/reset", session, {"duration": "1h"}).json()

    assert sandbox.platform("GET", "/users/profile", made["secret"]).status_code == 401
    assert sandbox.platform("GET", "/users/profile", again["secret"]).ok
    odd = sandbox.platform("PATCH", f"/pats/{made['id']}/secret/reset", session, {"duration": "soon"})
    assert odd.status_code == 400


def test_each_service_has_its_own_health(sandbox):
    answer = sandbox.platform("GET", "/_svc/channels/health")

    assert answer.json()["description"] == "channels service"
    assert answer.headers["Content-Type"] == "application/health+json"


def test_calls_are_counted_without_secrets(sandbox, ask):
    sandbox.forget_calls()
    token = sandbox.token()
    sandbox.platform("GET", f"/{DOMAIN_ID}/clients/{CLIENT_ID}?roles=true", token)

    report = sandbox.report()

    assert report["total"] == 1
    assert report["counts"] == {"GET clients": 1}
    assert report["calls"][0]["path"] == f"/{DOMAIN_ID}/clients/{CLIENT_ID}"
    assert report["calls"][0]["status"] == 200
    assert token not in str(report)
    assert CLIENT_SECRET not in str(report)


def test_request_id_is_kept_with_the_call(sandbox, magistrala):
    magistrala.view_client(DOMAIN_ID, CLIENT_ID, sandbox.token(), request_id="req-7")

    assert sandbox.calls("clients")[-1]["request_id"] == "req-7"


def test_fault_strikes_as_often_as_asked(sandbox, ask):
    sandbox.faults({"kind": "status", "status": 418, "times": 2, "match": {"path_prefix": "/domains"}})

    assert [ask("GET", "/domains")[0] for _ in range(3)] == [418, 418, 200]


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "odd"},
        {"kind": "down", "match": {"colour": "red"}},
        {"kind": "down", "match": {"service": "odd"}},
        {"kind": "slow", "seconds": "long"},
        {"kind": "down", "times": "x"},
        {"kind": "down", "unknown": 1},
        7,
    ],
)
def test_nonsense_faults_are_refused_with_a_reason(sandbox, fault):
    answer = requests.put(f"{sandbox.url}/_sandbox/faults", json=[fault], timeout=60)

    assert answer.status_code == 400
    assert "fault" in answer.json()["message"]


def test_fleet_has_the_same_ids_every_time(sandbox, ask):
    first = sandbox.fleet(clients=5, channels=3)
    more = sandbox.fleet(clients=5)
    sandbox.reset()

    assert sandbox.fleet(clients=5, channels=3) == first
    assert not set(first["clients"]) & set(more["clients"])
    before = ask("GET", f"/{DOMAIN_ID}/clients/{first['clients'][0]}")[1]
    sandbox.change_everything()
    after = ask("GET", f"/{DOMAIN_ID}/clients/{first['clients'][0]}")[1]
    assert before["credentials"]["secret"] != after["credentials"]["secret"]
    assert before["credentials"]["identity"] == after["credentials"]["identity"]


def test_members_come_and_go(sandbox, ask):
    path = f"/{DOMAIN_ID}/clients/{CLIENT_ID}"

    sandbox.member(DOMAIN_ID, "nobody", "viewer")
    assert ask("GET", path, "nobody")[0] == 200
    sandbox.member(DOMAIN_ID, "nobody", "odd", actions=["read"])
    assert ask("GET", path, "nobody")[0] == 403
    sandbox.member(DOMAIN_ID, "nobody", None)
    assert ask("GET", "/domains", "nobody")[1]["total"] == 0


def test_reset_goes_back_to_the_seed_and_keeps_tokens_valid(sandbox, ask):
    token = sandbox.token("admin")
    ask("DELETE", f"/{DOMAIN_ID}/clients/{CLIENT_ID}")
    sandbox.shared_secret()
    sandbox.faults({"kind": "down"})

    sandbox.reset()

    assert sandbox.calls() == []
    assert sandbox.platform("GET", f"/{DOMAIN_ID}/clients/{CLIENT_ID}", token).ok


def test_reset_ends_what_was_sent_before_and_nobody_has_looked_at_yet(sandbox):
    os.kill(sandbox.pid, signal.SIGSTOP)
    address = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
    waiting = [socket.create_connection(address, timeout=60) for _ in range(20)]
    for one in waiting:
        one.sendall(b"POST /users/tokens/issue HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 0\r\n\r\n")
    os.kill(sandbox.pid, signal.SIGCONT)

    sandbox.reset()

    for one in waiting:
        with one, contextlib.suppress(ConnectionResetError):
            # The server may have answered before the reset, and ends the connection either way.
            while one.recv(65536):
                pass
    assert sandbox.calls() == []


def test_page_for_people_shows_the_world_and_escapes_it(sandbox, ask):
    ask("POST", f"/{DOMAIN_ID}/clients", "operator", {"name": "<script>alert(1)</script>"})
    sandbox.faults({"kind": "slow", "match": {"service": "users"}})

    page = requests.get(f"{sandbox.url}/_sandbox/", timeout=60)

    assert page.headers["Content-Type"].startswith("text/html")
    assert CLIENT_NAME in page.text
    assert "&#x27;users&#x27;" in page.text
    assert "<script>" not in page.text
    assert CLIENT_SECRET not in page.text


def test_empty_seed_has_only_the_platform_admin():
    with SandboxProcess(seed="empty") as process:
        page = process.platform("GET", "/domains", process.token("admin")).json()
        profile = process.platform("GET", "/users/profile", process.token("admin")).json()

    assert page["total"] == 0
    assert profile["id"] == ADMIN_ID


def test_ready_line_names_the_address_and_sigterm_ends_it_cleanly():
    process = SandboxProcess()

    assert re.search(r"ready on http://127\.0\.0\.1:\d+ ", process.ready_line)
    assert process.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_even_while_answers_are_slow(number):
    with SandboxProcess() as process:
        process.faults({"kind": "slow", "seconds": 30})
        host, port = process.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall(b"GET /domains HTTP/1.1\r\nHost: x\r\n\r\n")
            process._process.send_signal(number)
            assert process._process.wait(timeout=60) == 0


def test_taken_port_is_said_in_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "bootstrap_project.magistrala.sandbox", "--port", port],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert ended.returncode == 1
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_latency_can_be_given_at_the_start():
    with SandboxProcess(latency_ms=80) as process:
        answer = process.platform("GET", "/health")

    assert answer.elapsed.total_seconds() >= 0.08
