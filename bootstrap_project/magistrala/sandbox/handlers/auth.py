"""The auth service: public keys, API keys and personal access tokens."""

from __future__ import annotations

import re

from bootstrap_project.magistrala.sandbox.handlers.common import NOT_FOUND, Caller, authenticate
from bootstrap_project.magistrala.sandbox.http import NOT_JSON, Answer, HTTPError, Request, json_answer, text_member
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.state import ZERO_TIME, same_id, written
from bootstrap_project.magistrala.sandbox.tokens import API_KEY, PersonalToken

# What is given as "list" is read back as this.
_READ_BACK = {("clients", "list"): "list_clients", ("channels", "list"): "list_channels"}
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)([hms])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_SCOPE = ("domain_id", "entity_type", "operation", "entity_id")


def jwks(platform: Platform, _request: Request) -> Answer:
    """GET /keys/.well-known/jwks.json."""
    return json_answer(platform.tokens.jwks(), 200, Cache_Control="public, max-age=900, stale-while-revalidate=60")


def create_key(platform: Platform, request: Request) -> Answer:
    """POST /keys: an API key; its id, needed to revoke it, is only in its claim `jti`."""
    caller = _signed_in(platform, request)
    value = platform.tokens.issue(caller.user, API_KEY, lifetime=_number(request.object(), "duration"))
    return json_answer({"value": value, "issued_at": ZERO_TIME}, 201)


def revoke_key(platform: Platform, request: Request) -> Answer:
    """DELETE /keys/{key_id}."""
    _signed_in(platform, request)
    platform.tokens.revoke_api_key(request.params["key_id"])
    return Answer(204)


def create_pat(platform: Platform, request: Request) -> Answer:
    """POST /pats: a personal access token without scopes; its text is shown only here."""
    caller = _signed_in(platform, request)
    body = request.object()
    name = text_member(body, "name")
    if not name:
        raise HTTPError(400, "missing identity name")
    token = platform.tokens.issue_personal(caller.user, name, scopes=[], lifetime=_duration(body))
    token.description = text_member(body, "description")
    return json_answer(_view(token) | {"secret": token.secret}, 201)


def list_scopes(platform: Platform, request: Request) -> Answer:
    """GET /pats/{pat_id}/scope; these lists leave nothing out."""
    token = _own(platform, request)
    shown = [
        {
            "id": same_id(token.id, *scope),
            "pat_id": token.id,
            "domain_id": domain,
            "entity_type": kind,
            "entity_id": entity,
            "operation": _READ_BACK.get((kind, operation), operation),
        }
        for scope in sorted(token.scopes or [], key=lambda scope: scope[1:3])
        for domain, kind, operation, entity in [scope]
    ]
    return json_answer({"total": len(shown), "offset": 0, "limit": 10, "scopes": shown[:10]})


def add_scopes(platform: Platform, request: Request) -> Answer:
    """PATCH /pats/{pat_id}/scope/add."""
    token = _own(platform, request)
    items = request.object().get("scopes")
    if not isinstance(items, list) or not items:
        raise HTTPError(400, "empty list provided")
    scopes = [_scope(item) for item in items]
    if token.scopes is not None:
        token.scopes.extend(scopes)
    return Answer(200)


def reset_pat(platform: Platform, request: Request) -> Answer:
    """PATCH /pats/{pat_id}/secret/reset: a new text, shown only here."""
    token = _own(platform, request)
    platform.tokens.reset_personal(token, _duration(request.object()))
    return json_answer(_view(token) | {"secret": token.secret})


def revoke_pat(platform: Platform, request: Request) -> Answer:
    """PATCH /pats/{pat_id}/secret/revoke."""
    _own(platform, request).revoked = True
    return Answer(204)


def parse_scopes(items: object) -> list[tuple[str, str, str, str]] | None:
    """Return scopes from JSON; null means every scope."""
    if items is None:
        return None
    if not isinstance(items, list):
        raise HTTPError(400, "scopes must be a list")
    return [_scope(item) for item in items]


def _scope(item: object) -> tuple[str, str, str, str]:
    if not isinstance(item, dict) or not all(isinstance(item.get(name), str) for name in _SCOPE):
        raise HTTPError(400, f"a scope needs the texts {', '.join(_SCOPE)}")
    domain, kind, operation, entity = (item[name] for name in _SCOPE)
    return domain, kind, operation, entity


def _signed_in(platform: Platform, request: Request) -> Caller:
    caller = authenticate(platform, request)
    if caller.personal is not None:
        raise HTTPError(400, "unsupported content token type")
    return caller


def _own(platform: Platform, request: Request) -> PersonalToken:
    caller = _signed_in(platform, request)
    token = platform.tokens.personal.get(request.params["pat_id"])
    if token is None or token.user_id != caller.user.id:
        raise HTTPError(404, NOT_FOUND)
    return token


def _view(token: PersonalToken) -> dict[str, object]:
    shown: dict[str, object] = {"id": token.id, "user_id": token.user_id, "name": token.name}
    if token.description:
        shown["description"] = token.description
    if token.revoked:
        shown["revoked"] = True
    return shown | {
        "issued_at": token.issued_at,
        "expires_at": ZERO_TIME if token.expires_at is None else written(token.expires_at),
        "updated_at": token.updated_at,
        "last_used_at": ZERO_TIME,
        "revoked_at": ZERO_TIME,
        "status": "active",
    }


def _duration(body: dict[str, object]) -> float | None:
    """Return the seconds of a member `duration` as Go writes it: "24h", "1h30m", "1s"."""
    text = text_member(body, "duration")
    if text and not _DURATION.fullmatch(text):
        raise HTTPError(400, NOT_JSON)
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text)) if text else None


def _number(body: dict[str, object], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise HTTPError(400, NOT_JSON)
    return float(value)
