"""The domains service."""

from __future__ import annotations

import uuid

from bootstrap_project.magistrala.sandbox.handlers.common import (
    DENIED,
    NOT_FOUND,
    Caller,
    Permission,
    authenticate,
    authorize,
    check_scope,
    ordered,
    page,
    status_filter,
)
from bootstrap_project.magistrala.sandbox.http import (
    Answer,
    HTTPError,
    Request,
    json_answer,
    object_member,
    text_member,
    texts_member,
)
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.seed import role
from bootstrap_project.magistrala.sandbox.state import Domain, now

STATUSES = ("enabled", "disabled", "freezed", "deleted")


def create(platform: Platform, request: Request) -> Answer:
    """POST /domains: the caller becomes the domain's administrator."""
    caller = authenticate(platform, request)
    body = request.object()
    name, route = text_member(body, "name"), text_member(body, "route")
    if not name:
        raise HTTPError(400, "missing identity name")
    if not route:
        raise HTTPError(400, "missing route")
    check_scope(caller, "", Permission("create", "domains", "create"))
    domain_id = text_member(body, "id") or str(uuid.uuid4())
    if domain_id in platform.state.domains:
        raise HTTPError(400, "entity already exists")
    if route in {domain.route for domain in platform.state.domains.values()}:
        raise HTTPError(400, "route not available")
    first = role("admin", domain_id)
    first.created_by = caller.user.id
    domain = Domain(
        domain_id,
        name,
        route,
        tags=texts_member(body, "tags"),
        metadata=object_member(body, "metadata"),
        created_by=caller.user.id,
        members={caller.user.id: first},
    )
    platform.state.domains[domain_id] = domain
    return json_answer(domain.view(), 201)


def listing(platform: Platform, request: Request) -> Answer:
    """GET /domains: those in which the caller holds a role; every one, without role, for platform administrators.

    No scope of a personal access token is checked here, as upstream.
    """
    caller = authenticate(platform, request)
    statuses = status_filter(request, STATUSES)
    wanted, name = request.argument("id"), request.argument("name").lower()
    # Unlike elsewhere a limit may be any number, 0 included.
    limit = request.number("limit", 10)
    found: list[Domain] = []
    for domain in platform.state.domains.values():
        if (wanted and domain.id != wanted) or domain.status not in statuses or name not in domain.name.lower():
            continue
        if caller.administers_platform or caller.user.id in domain.members:
            found.append(domain)
    return page(request, "domains", ordered(request, found), limit, lambda domain: _entry(caller, domain))


def _entry(caller: Caller, domain: Domain) -> dict[str, object]:
    if caller.administers_platform:
        return domain.view()
    held = domain.members[caller.user.id]
    shown = domain.view() | {"role_id": held.id, "role_name": held.name}
    return shown | ({"actions": list(held.actions)} if held.actions else {})


def view(platform: Platform, request: Request) -> Answer:
    """GET /domains/{domain_id}: needs the read action, which is narrower than membership."""
    caller = authenticate(platform, request)
    domain = _domain(platform, request)
    authorize(platform, caller, domain.id, Permission("read", "domains", "read", domain.id))
    shown = domain.view()
    held = domain.members.get(caller.user.id)
    if request.argument("roles") == "true" and held is not None:
        direct = {"role_id": held.id, "role_name": held.name, "actions": list(held.actions), "access_type": "direct"}
        shown |= {"member_id": caller.user.id, "roles": [direct]}
    return json_answer(shown)


def enable(platform: Platform, request: Request) -> Answer:
    """POST /domains/{domain_id}/enable."""
    return _change(platform, request, "enabled")


def disable(platform: Platform, request: Request) -> Answer:
    """POST /domains/{domain_id}/disable."""
    return _change(platform, request, "disabled")


def freeze(platform: Platform, request: Request) -> Answer:
    """POST /domains/{domain_id}/freeze: platform administrators alone."""
    return _change(platform, request, "freezed")


def _change(platform: Platform, request: Request, status: str) -> Answer:
    caller = authenticate(platform, request)
    domain = _domain(platform, request)
    if status == "freezed" or domain.status == "freezed":
        _platform_admin_only(caller)
    action = "enable" if status == "enabled" else "disable"
    authorize(platform, caller, domain.id, Permission(action, "domains", action, domain.id))
    domain.status, domain.updated_at = status, now()
    return Answer(200)


def _platform_admin_only(caller: Caller) -> None:
    if not caller.administers_platform:
        raise HTTPError(403, DENIED)


def _domain(platform: Platform, request: Request) -> Domain:
    domain = platform.state.domains.get(request.params["domain_id"])
    if domain is None:
        raise HTTPError(404, NOT_FOUND)
    return domain
