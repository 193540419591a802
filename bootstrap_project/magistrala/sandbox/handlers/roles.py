"""The roles of a domain: which there are, and making one with its actions and members."""

from __future__ import annotations

from bootstrap_project.magistrala.sandbox.handlers.common import Permission, authenticate, authorize
from bootstrap_project.magistrala.sandbox.http import Answer, HTTPError, Request, json_answer, text_member, texts_member
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.state import DOMAIN_ACTIONS, ZERO_TIME, Domain, Role, role_id


def actions(platform: Platform, request: Request) -> Answer:
    """GET /domains/roles/available-actions."""
    authenticate(platform, request)
    return json_answer({"available_actions": list(DOMAIN_ACTIONS)})


def listing(platform: Platform, request: Request) -> Answer:
    """GET /domains/{domain_id}/roles; these lists leave nothing out."""
    domain, _ = _managed(platform, request)
    roles = list({role.id: role for role in domain.members.values()}.values())
    shown = [_view(domain, role) for role in roles]
    return json_answer({"total": len(shown), "offset": 0, "limit": 10, "roles": shown[:10]})


def create(platform: Platform, request: Request) -> Answer:
    """POST /domains/{domain_id}/roles."""
    domain, user_id = _managed(platform, request)
    body = request.object()
    name, allowed = text_member(body, "role_name"), texts_member(body, "optional_actions")
    members = texts_member(body, "optional_members")
    if not name:
        raise HTTPError(400, "missing role name")
    role = Role(role_id("domain", domain.id, name), name, tuple(allowed), created_by=user_id)
    domain.members |= dict.fromkeys(members, role)
    return json_answer(_view(domain, role) | {"optional_actions": allowed, "optional_members": members}, 201)


def _managed(platform: Platform, request: Request) -> tuple[Domain, str]:
    caller, domain_id = authenticate(platform, request), request.params["domain_id"]
    authorize(platform, caller, domain_id, Permission("manage_role", "domains", "manage_role", domain_id))
    return platform.state.domains[domain_id], caller.user.id


def _view(domain: Domain, role: Role) -> dict[str, object]:
    return {
        "id": role.id,
        "name": role.name,
        "entity_id": domain.id,
        "created_by": role.created_by,
        "created_at": role.created_at,
        "updated_by": "",
        "updated_at": ZERO_TIME,
    }
