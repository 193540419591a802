"""The users service: tokens and the caller's own profile."""

from __future__ import annotations

from bootstrap_project.magistrala.sandbox.handlers.common import NOT_FOUND, authenticate
from bootstrap_project.magistrala.sandbox.http import Answer, Refusal, Request, json_answer, text_member
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.state import User
from bootstrap_project.magistrala.sandbox.tokens import REFRESH


def issue(platform: Platform, request: Request) -> Answer:
    """POST /users/tokens/issue."""
    body = request.object()
    name, password = text_member(body, "username"), text_member(body, "password")
    if not name or not password:
        raise Refusal(400, "missing username or password")
    user = platform.state.user_named(name)
    if user is None:
        raise Refusal(404, NOT_FOUND)
    if user.password != password:
        raise Refusal(401, "invalid credentials")
    return _pair(platform, user)


def refresh(platform: Platform, request: Request) -> Answer:
    """POST /users/tokens/refresh, with the refresh token as bearer."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise Refusal(401, "missing or invalid bearer user token")
    if "application/json" not in request.headers.get("content-type", ""):
        raise Refusal(415, "unsupported content type")
    claims = platform.tokens.check(token)
    user = platform.state.users.get(claims.user_id) if claims else None
    if claims is None or claims.kind != REFRESH or user is None:
        raise Refusal(401, "failed to perform authentication over the entity")
    return _pair(platform, user)


def profile(platform: Platform, request: Request) -> Answer:
    """GET /users/profile."""
    return json_answer(authenticate(platform, request, unverified_too=True).user.view())


def _pair(platform: Platform, user: User) -> Answer:
    access, renewal = platform.tokens.issue(user), platform.tokens.issue(user, REFRESH)
    return json_answer({"access_token": access, "refresh_token": renewal}, 201)
