"""The auth service: public keys, API keys and personal access tokens."""

from __future__ import annotations

import time

import jwt

from bootstrap_project.magistrala.sandbox.handlers.common import NOT_FOUND, Caller, authenticate
from bootstrap_project.magistrala.sandbox.http import Answer, Refusal, Request, json_answer, text_member
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.tokens import API_KEY, PersonalToken

_SCOPE = ("domain_id", "entity_type", "operation", "entity_id")


def jwks(platform: Platform, _request: Request) -> Answer:
    """GET /keys/.well-known/jwks.json."""
    return json_answer(platform.tokens.jwks(), 200, Cache_Control="public, max-age=900, stale-while-revalidate=60")


def create_key(platform: Platform, request: Request) -> Answer:
    """POST /keys: an API key, a token that can be revoked by its id."""
    caller = _signed_in(platform, request)
    duration = _number(request.object(), "duration")
    value = platform.tokens.issue(caller.user, API_KEY, lifetime=duration)
    jti = jwt.decode(value, options={"verify_signature": False})["jti"]
    return json_answer({"id": jti, "value": value}, 201)


def revoke_key(platform: Platform, request: Request) -> Answer:
    """DELETE /keys/{key_id}."""
    _signed_in(platform, request)
    platform.tokens.revoke_api_key(request.params["key_id"])
    return Answer(204)


def create_pat(platform: Platform, request: Request) -> Answer:
    """POST /pats: a personal access token without scopes; its text is shown only now."""
    caller = _signed_in(platform, request)
    body = request.object()
    name = text_member(body, "name")
    if not name:
        raise Refusal(400, "missing identity name")
    token = platform.tokens.issue_personal(caller.user, name, scopes=[], lifetime=_number(body, "duration"))
    return json_answer(_view(token) | {"secret": token.secret}, 201)


def list_pats(platform: Platform, request: Request) -> Answer:
    """GET /pats."""
    caller = _signed_in(platform, request)
    own = [_view(token) for token in platform.tokens.personal.values() if token.user_id == caller.user.id]
    return json_answer({"total": len(own), "offset": 0, "limit": 100, "pats": own})


def add_scopes(platform: Platform, request: Request) -> Answer:
    """PATCH /pats/{pat_id}/scope/add."""
    token = _own(platform, request)
    items = request.object().get("scopes")
    if not isinstance(items, list) or not items:
        raise Refusal(400, "empty list provided")
    scopes = [_scope(item) for item in items]
    if token.scopes is not None:
        token.scopes.extend(scopes)
    return json_answer(_view(token))


def revoke_pat(platform: Platform, request: Request) -> Answer:
    """PATCH /pats/{pat_id}/secret/revoke."""
    _own(platform, request).revoked = True
    return Answer(204)


def delete_pat(platform: Platform, request: Request) -> Answer:
    """DELETE /pats/{pat_id}."""
    del platform.tokens.personal[_own(platform, request).id]
    return Answer(204)


def parse_scopes(items: object) -> list[tuple[str, str, str, str]] | None:
    """Return scopes from JSON; null means every scope."""
    if items is None:
        return None
    if not isinstance(items, list):
        raise Refusal(400, "scopes must be a list")
    return [_scope(item) for item in items]


def _scope(item: object) -> tuple[str, str, str, str]:
    if not isinstance(item, dict) or not all(isinstance(item.get(name), str) for name in _SCOPE):
        raise Refusal(400, f"a scope needs the texts {', '.join(_SCOPE)}")
    domain, kind, operation, entity = (item[name] for name in _SCOPE)
    return domain, kind, operation, entity


def _signed_in(platform: Platform, request: Request) -> Caller:
    caller = authenticate(platform, request)
    if caller.personal is not None:
        raise Refusal(400, "unsupported content token type")
    return caller


def _own(platform: Platform, request: Request) -> PersonalToken:
    caller = _signed_in(platform, request)
    token = platform.tokens.personal.get(request.params["pat_id"])
    if token is None or token.user_id != caller.user.id:
        raise Refusal(404, NOT_FOUND)
    return token


def _view(token: PersonalToken) -> dict[str, object]:
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(token.expires_at)) if token.expires_at else None
    shown: dict[str, object] = {"id": token.id, "user_id": token.user_id, "name": token.name, "revoked": token.revoked}
    return shown | ({"expires_at": expires} if expires else {})


def _number(body: dict[str, object], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal(400, "request body is not a valid JSON, expecting a valid JSON")
    return float(value)
