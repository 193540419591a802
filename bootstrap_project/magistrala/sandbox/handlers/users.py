"""The users service: tokens and the caller's own profile."""

from __future__ import annotations

import uuid

from bootstrap_project.magistrala.sandbox.handlers.common import NOT_FOUND, authenticate
from bootstrap_project.magistrala.sandbox.http import (
    Answer,
    HTTPError,
    Request,
    json_answer,
    object_member,
    text_member,
)
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.state import User
from bootstrap_project.magistrala.sandbox.tokens import REFRESH


def issue(platform: Platform, request: Request) -> Answer:
    """POST /users/tokens/issue."""
    body = request.object()
    name, password = text_member(body, "username"), text_member(body, "password")
    if not name or not password:
        raise HTTPError(400, "missing username or password")
    user = platform.state.user_named(name)
    if user is None:
        raise HTTPError(404, NOT_FOUND)
    if user.password != password:
        raise HTTPError(422, "compare hash and password failed")
    return _pair(platform, user)


def refresh(platform: Platform, request: Request) -> Answer:
    """POST /users/tokens/refresh, with the refresh token as bearer."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise HTTPError(401, "missing or invalid bearer user token")
    if "application/json" not in request.headers.get("content-type", ""):
        raise HTTPError(415, "unsupported content type")
    claims = platform.tokens.check(token)
    user = platform.state.users.get(claims.user_id) if claims else None
    if claims is None or user is None:
        raise HTTPError(401, "failed to perform authentication over the entity")
    if claims.kind != REFRESH:
        return Answer(500)
    # The new pair goes on where the old one was: a refresh token ends when the first one would have ended.
    access = platform.tokens.issue(user, extra={"jti": claims.jti})
    renewal = platform.tokens.issue(user, REFRESH, extra={"jti": claims.jti, "exp": int(claims.expires_at)})
    return json_answer({"access_token": access, "refresh_token": renewal}, 201)


def register(platform: Platform, request: Request) -> Answer:
    """POST /users: an ordinary user, whose address is not verified."""
    body = request.object()
    credentials = object_member(body, "credentials")
    name, email = text_member(credentials, "username"), text_member(body, "email")
    if not name or not email or platform.state.user_named(name) or platform.state.user_named(email):
        raise HTTPError(400, "entity already exists" if name and email else "missing username or e-mail")
    user = User(str(uuid.uuid4()), name, email, text_member(credentials, "secret"), verified=False)
    user.first_name, user.last_name = text_member(body, "first_name"), text_member(body, "last_name")
    platform.state.users[user.id] = user
    return json_answer(user.view(), 201, Location=f"/users/{user.id}")


def profile(platform: Platform, request: Request) -> Answer:
    """GET /users/profile."""
    return json_answer(authenticate(platform, request, unverified_too=True).user.view())


def _pair(platform: Platform, user: User) -> Answer:
    access, renewal = platform.tokens.issue(user), platform.tokens.issue(user, REFRESH)
    return json_answer({"access_token": access, "refresh_token": renewal}, 201)
