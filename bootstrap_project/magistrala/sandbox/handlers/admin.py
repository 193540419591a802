"""The sandbox's own endpoints below /_sandbox/: inspect it, change it, break it. No authentication: it is for tests."""

from __future__ import annotations

import uuid

from bootstrap_project.magistrala.sandbox.calls import MAX_KEPT
from bootstrap_project.magistrala.sandbox.handlers.auth import parse_scopes
from bootstrap_project.magistrala.sandbox.handlers.domains import STATUSES
from bootstrap_project.magistrala.sandbox.http import Answer, HTTPError, Request, json_answer, text_member
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.seed import role
from bootstrap_project.magistrala.sandbox.state import ROLE_ACTIONS, Channel, Client, Domain, Role, User, now, role_id
from bootstrap_project.magistrala.sandbox.tokens import ACCESS, ISSUER

_FLEET = uuid.UUID("f1ee7000-0000-4000-8000-000000000000")
_MAX_FLEET = 1_000_000


def show_faults(platform: Platform, _request: Request) -> Answer:
    """GET /_sandbox/faults."""
    return json_answer(platform.faults.view())


def replace_faults(platform: Platform, request: Request) -> Answer:
    """PUT /_sandbox/faults with a list: these rules and no others."""
    platform.faults.replace(request.value(check_type=False))
    return json_answer(platform.faults.view())


def mint_token(platform: Platform, request: Request) -> Answer:
    """POST /_sandbox/tokens: a token of any type and state for a user, without a password.

    Members: user (id, name or e-mail; required), type 0..5, lifetime in seconds, expired, verified, hs,
    foreign (signed by somebody else's key), issuer.
    """
    body = request.object(check_type=False)
    user = _user(platform, body)
    kind = _integer(body, "type", ACCESS)
    if not 0 <= kind <= 5:
        raise HTTPError(400, "type must be 0 (access) to 5 (invitation)")
    token = platform.tokens.issue(
        user,
        kind,
        lifetime=-60 if body.get("expired") else _number(body, "lifetime"),
        verified=_switch(body, "verified"),
        hs=_switch(body, "hs"),
        foreign=bool(body.get("foreign")),
        issuer=text_member(body, "issuer", ISSUER),
    )
    return json_answer({"token": token, "type": kind, "user_id": user.id}, 201)


def mint_pat(platform: Platform, request: Request) -> Answer:
    """POST /_sandbox/pats: a personal access token for a user; scopes null or absent means all of them."""
    body = request.object(check_type=False)
    token = platform.tokens.issue_personal(
        _user(platform, body),
        text_member(body, "name", "sandbox"),
        scopes=parse_scopes(body.get("scopes")),
        lifetime=-60 if body.get("expired") else _number(body, "lifetime"),
    )
    return json_answer({"id": token.id, "token": token.secret, "user_id": token.user_id}, 201)


def revoke_pat(platform: Platform, request: Request) -> Answer:
    """DELETE /_sandbox/pats/{pat_id}: revoke it."""
    token = platform.tokens.personal.get(request.params["pat_id"])
    if token is None:
        raise HTTPError(404, "there is no such personal access token")
    token.revoked = True
    return Answer(204)


def reset(platform: Platform, _request: Request) -> Answer:
    """POST /_sandbox/reset: back to the seed, without faults; tokens signed by the first key stay valid.

    Other connections end, and what was sent on them is neither done nor counted.
    """
    platform.reset()
    return Answer(204)


def show_calls(platform: Platform, request: Request) -> Answer:
    """GET /_sandbox/calls?last=N."""
    return json_answer(platform.calls.view(request.number("last", MAX_KEPT)))


def clear_calls(platform: Platform, _request: Request) -> Answer:
    """DELETE /_sandbox/calls: count from nothing."""
    platform.calls.clear()
    return Answer(204)


def set_latency(platform: Platform, request: Request) -> Answer:
    """PUT /_sandbox/latency {"ms": 5}: every answer of the platform waits that long."""
    milliseconds = _number(request.object(check_type=False), "ms")
    if milliseconds is None or not 0 <= milliseconds <= 600_000:
        raise HTTPError(400, "ms must be a number from 0 to 600000")
    platform.latency_seconds = milliseconds / 1000
    return json_answer({"ms": milliseconds})


def set_ways(platform: Platform, request: Request) -> Answer:
    """PUT /_sandbox/ways: behaviour that differs between platforms; a reset restores the defaults.

    Members: allow_unverified_user (false), api_keys (false; true for a release that accepts them).
    """
    body = request.object(check_type=False)
    if (unverified := _switch(body, "allow_unverified_user")) is not None:
        platform.allow_unverified_user = unverified
    if (api_keys := _switch(body, "api_keys")) is not None:
        platform.tokens.takes_api_keys = api_keys
    return json_answer(
        {
            "allow_unverified_user": platform.allow_unverified_user,
            "api_keys": platform.tokens.takes_api_keys,
        }
    )


def set_signing(platform: Platform, request: Request) -> Answer:
    """PUT /_sandbox/signing {"shared_secret": true} or {"rotate": true}: HS512 without public keys, or a new key."""
    body = request.object(check_type=False)
    if "shared_secret" in body:
        platform.tokens.use_shared_secret(bool(body["shared_secret"]))
    if body.get("rotate"):
        platform.tokens.rotate()
    return json_answer({"shared_secret": platform.tokens.shared_secret} | platform.tokens.jwks())


def add_fleet(platform: Platform, request: Request) -> Answer:
    """POST /_sandbox/fleet {"clients": N, "channels": M, "domain_id": …}: many resources at once, with fixed ids."""
    body = request.object(check_type=False)
    clients, channels = _integer(body, "clients", 0), _integer(body, "channels", 0)
    if not 0 <= clients <= _MAX_FLEET or not 0 <= channels <= _MAX_FLEET:
        raise HTTPError(400, f"clients and channels must be from 0 to {_MAX_FLEET}")
    domain_id = text_member(body, "domain_id") or next(iter(platform.state.domains), "")
    if domain_id not in platform.state.domains:
        raise HTTPError(404, "there is no such domain")
    state, creator = platform.state, platform.state.domains[domain_id].created_by
    first, state.fleet_size = state.fleet_size, state.fleet_size + max(clients, channels)
    made: dict[str, list[str]] = {"clients": [], "channels": []}
    for number in range(first, first + clients):
        client_id = str(uuid.uuid5(_FLEET, f"client-{number}"))
        secret = str(uuid.uuid5(_FLEET, f"secret-{number}"))
        state.clients[client_id] = Client(
            client_id, domain_id, f"fleet-client-{number}", f"fleet-{number}", secret, metadata={"number": number}
        )
        state.clients[client_id].created_by = creator
        made["clients"].append(client_id)
    for number in range(first, first + channels):
        channel_id = str(uuid.uuid5(_FLEET, f"channel-{number}"))
        state.channels[channel_id] = Channel(
            channel_id, domain_id, f"fleet-channel-{number}", f"fleet-{number}", metadata={"number": number}
        )
        state.channels[channel_id].created_by = creator
        made["channels"].append(channel_id)
    return json_answer(made, 201)


def change_everything(platform: Platform, _request: Request) -> Answer:
    """POST /_sandbox/fleet/change: new secrets for all clients, new metadata for all channels."""
    stamp = now()
    for client in platform.state.clients.values():
        client.secret, client.updated_at = str(uuid.uuid4()), stamp
    for channel in platform.state.channels.values():
        channel.metadata, channel.updated_at = channel.metadata | {"changed": stamp}, stamp
    return json_answer({"clients": len(platform.state.clients), "channels": len(platform.state.channels)})


def set_domain_status(platform: Platform, request: Request) -> Answer:
    """PUT /_sandbox/domains/{domain_id}/status {"status": "freezed"}: any status, deleted included."""
    domain = _domain(platform, request)
    status = text_member(request.object(check_type=False), "status")
    if status not in STATUSES:
        raise HTTPError(400, f"status must be one of {', '.join(STATUSES)}")
    domain.status = status
    return json_answer(domain.view())


def set_member(platform: Platform, request: Request) -> Answer:
    """PUT /_sandbox/domains/{domain_id}/members/{user} {"role": "viewer"} or {"role": …, "actions": […]}."""
    domain, user = _domain(platform, request), _named_user(platform, request.params["user"])
    body = request.object(check_type=False)
    name, actions = text_member(body, "role", "viewer"), body.get("actions")
    if isinstance(actions, list):
        domain.members[user.id] = Role(
            role_id("domain", domain.id, name), name, tuple(str(action) for action in actions)
        )
    elif name in ROLE_ACTIONS:
        domain.members[user.id] = role(name, domain.id)
    else:
        raise HTTPError(400, f"role must be one of {', '.join(ROLE_ACTIONS)}, or come with actions")
    return Answer(204)


def remove_member(platform: Platform, request: Request) -> Answer:
    """DELETE /_sandbox/domains/{domain_id}/members/{user}."""
    _domain(platform, request).members.pop(_named_user(platform, request.params["user"]).id, None)
    return Answer(204)


def _domain(platform: Platform, request: Request) -> Domain:
    domain = platform.state.domains.get(request.params["domain_id"])
    if domain is None:
        raise HTTPError(404, "there is no such domain")
    return domain


def _user(platform: Platform, body: dict[str, object]) -> User:
    return _named_user(platform, text_member(body, "user"))


def _named_user(platform: Platform, name: str) -> User:
    user = platform.state.user_named(name)
    if user is None:
        raise HTTPError(404, "there is no such user; give an id, a user name or an e-mail address as user")
    return user


def _integer(body: dict[str, object], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise HTTPError(400, f"{name} must be a whole number")
    return value


def _number(body: dict[str, object], name: str) -> float | None:
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise HTTPError(400, f"{name} must be a number")
    return value


def _switch(body: dict[str, object], name: str) -> bool | None:
    value = body.get(name)
    return None if value is None else bool(value)
