"""How lists and views show a client or channel: to whom, with which access, and without which members."""

from __future__ import annotations

from bootstrap_project.magistrala.sandbox.handlers.common import Caller
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.state import ENTITY_ACTIONS, Channel, Client, Kind, Role, role_id


def may_list(platform: Platform, caller: Caller, kind: Kind, resource: Client | Channel) -> bool:
    """Return whether a list shows `resource`: to its creator, and to members whose role has actions on its kind."""
    if caller.administers_platform:
        return True
    held = _held(platform, caller, resource)
    return held is not None and (resource.created_by == caller.user.id or bool(_about(kind, held)))


def entry(platform: Platform, caller: Caller, kind: Kind, resource: Client | Channel) -> dict[str, object]:
    """Return `resource` as a list shows it: without private metadata, and to platform administrators no secret."""
    shown = _public(resource)
    held = _held(platform, caller, resource)
    if caller.administers_platform or held is None:
        return without_secret(shown)
    if resource.created_by == caller.user.id:
        return shown | _own_role(kind, resource) | {"access_type": "direct"}
    return shown | {
        "access_type": "domain",
        "access_provider_id": resource.domain_id,
        "access_provider_role_id": held.id,
        "access_provider_role_name": held.name,
        "access_provider_role_actions": _about(kind, held),
    }


def with_roles(platform: Platform, caller: Caller, kind: Kind, resource: Client | Channel) -> dict[str, object]:
    """Return `resource` as a view with `roles=true` shows it: with the roles that let the caller see it."""
    roles: list[dict[str, object]] = []
    if resource.created_by == caller.user.id:
        roles.append(_own_role(kind, resource) | {"access_type": "direct"})
    if (held := _held(platform, caller, resource)) is not None:
        domain: dict[str, object] = {"role_id": held.id, "role_name": held.name, "actions": list(held.actions)}
        roles.append(domain | {"access_provider_id": resource.domain_id, "access_type": "domain"})
    return _public(resource) | ({"roles": roles} if roles else {})


def connection_types(platform: Platform, channel_id: str, client_id: str) -> list[str]:
    """Return how a client is connected to a channel."""
    types = ("publish", "subscribe")
    return [kind.capitalize() for kind in types if (channel_id, client_id, kind) in platform.state.connections]


def without_secret(shown: dict[str, object]) -> dict[str, object]:
    """Take a client's secret out of its view."""
    credentials = shown.get("credentials")
    if isinstance(credentials, dict):
        credentials.pop("secret", None)
    return shown


def _public(resource: Client | Channel) -> dict[str, object]:
    shown = resource.view()
    shown.pop("private_metadata", None)
    return shown


def _held(platform: Platform, caller: Caller, resource: Client | Channel) -> Role | None:
    domain = platform.state.domains.get(resource.domain_id)
    return domain.members.get(caller.user.id) if domain else None


def _about(kind: Kind, held: Role) -> list[str]:
    return [action for action in held.actions if action.startswith(f"{kind[:-1]}_")]


def _own_role(kind: Kind, resource: Client | Channel) -> dict[str, object]:
    actions = list(ENTITY_ACTIONS[kind])
    return {"role_id": role_id(kind[:-1], resource.id, "admin"), "role_name": "admin", "actions": actions}
