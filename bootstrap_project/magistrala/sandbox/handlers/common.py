"""Shared by the platform's services: authentication, authorization, pages of lists."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bootstrap_project.magistrala.sandbox.http import Answer, HTTPError, Request, json_answer
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.state import ADMIN_ROLE, USER_ROLE, ZERO_TIME, Channel, Client, Domain, User
from bootstrap_project.magistrala.sandbox.tokens import PersonalToken

DENIED = "failed to perform authorization over the entity"
NOT_FOUND = "entity not found"
Listed = TypeVar("Listed", bound=Domain | Client | Channel)
_ORDERS: dict[str, Callable[[Domain | Client | Channel], str]] = {
    "name": lambda item: item.name,
    "created_at": lambda item: item.created_at,
    # Without an update, the time of creation counts.
    "updated_at": lambda item: item.created_at if item.updated_at == ZERO_TIME else item.updated_at,
}

# One endpoint: answers a request or raises HTTPError; runs under the platform's lock.
Handler = Callable[[Platform, Request], Answer]


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated user and the kind of token."""

    user: User
    role: int
    personal: PersonalToken | None = None

    @property
    def administers_platform(self) -> bool:
        """Whether the platform's checks of domains and roles are lifted."""
        return self.role == ADMIN_ROLE


@dataclass(frozen=True, slots=True)
class Permission:
    """What a call requires: an action of the domain role, and a scope of a personal access token."""

    action: str
    entity_type: str
    operation: str
    entity_id: str = "*"


def authenticate(platform: Platform, request: Request, *, unverified_too: bool = False) -> Caller:
    """Return the caller. Like upstream, it accepts tokens of other types as bearer, refresh tokens included."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise HTTPError(401, "missing or invalid bearer user token")
    if token.startswith("pat_"):
        personal = platform.tokens.check_personal(token)
        user = platform.state.users.get(personal.user_id) if personal else None
        if user is None:
            raise HTTPError(401, "failed to perform authentication over the entity")
        return Caller(user, user.role, personal)
    claims = platform.tokens.check(token)
    user = platform.state.users.get(claims.user_id) if claims else None
    if claims is None or user is None:
        raise HTTPError(401, "failed to perform authentication over the entity")
    if not (claims.verified or claims.role != USER_ROLE or unverified_too or platform.allow_unverified_user):
        raise HTTPError(401, "email not verified")
    return Caller(user, claims.role)


def authorize(platform: Platform, caller: Caller, domain_id: str, permission: Permission) -> None:
    """Refuse the call unless the caller's role in the domain, its status and the token's scopes all allow it."""
    domain = platform.state.domains.get(domain_id)
    if domain is None:
        raise HTTPError(404, NOT_FOUND)
    check_scope(caller, domain_id, permission)
    if caller.administers_platform:
        return
    role = domain.members.get(caller.user.id)
    open_to_role = role is not None and (
        domain.status == "enabled" or (domain.status == "disabled" and role.administers)
    )
    if role is None or not open_to_role or permission.action not in role.actions:
        raise HTTPError(403, DENIED)


def check_scope(caller: Caller, domain_id: str, permission: Permission) -> None:
    """Refuse a personal access token without a scope for the operation."""
    token = caller.personal
    if token is not None and not token.allows(
        domain_id, permission.entity_type, permission.operation, permission.entity_id
    ):
        raise HTTPError(403, DENIED)


def page(
    request: Request,
    member: str,
    items: Sequence[Listed],
    limit: int,
    show: Callable[[Listed], dict[str, object]],
) -> Answer:
    """Return the asked page of a list and the total of all that match; members that are 0 or empty are left out."""
    offset = request.number("offset", 0)
    entries = [] if request.argument("only_total") == "true" else items[offset : offset + limit]
    shown = {"limit": limit, "offset": offset, member: [show(item) for item in entries]}
    return json_answer({"total": len(items)} | {name: value for name, value in shown.items() if value})


def ordered(request: Request, items: Iterable[Listed]) -> list[Listed]:
    """Return `items` in the order asked for, by default the newest first."""
    order, direction = request.argument("order", "created_at"), request.argument("dir", "desc")
    if order not in _ORDERS:
        raise HTTPError(400, "invalid list order provided")
    # Things made at the same moment stay in the order of their creation.
    given = list(items)
    return sorted(given if direction == "asc" else given[::-1], key=_ORDERS[order], reverse=direction != "asc")


def status_filter(request: Request, known: tuple[str, ...]) -> frozenset[str]:
    """Return the statuses that a list includes: by default enabled, `all` for every one."""
    asked = request.argument("status").lower() or "enabled"
    if asked == "all":
        return frozenset(known)
    if asked not in known:
        raise HTTPError(400, "invalid status")
    return frozenset({asked})


def is_uuid(text: str) -> bool:
    """Return whether `text` is a UUID."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
