"""The sandbox's data: users, domains with their members, clients, channels and connections."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

ZERO_TIME = "0001-01-01T00:00:00Z"
USER_ROLE, ADMIN_ROLE = 1, 2
_IDS = uuid.UUID("5a5a0000-0000-4000-8000-000000000000")
Kind = Literal["clients", "channels"]

_ROLES = ("manage_role", "add_role_users", "remove_role_users", "view_role_users")


def _prefixed(kind: str, *actions: str) -> tuple[str, ...]:
    return tuple(f"{kind}_{action}" for action in actions)


# A role with all of these administers the domain.
ADMIN_ACTIONS = ("read", "update", "enable", "disable", "delete", *_ROLES)
#: What the creator of a client or channel may do with it.
ENTITY_ACTIONS: dict[Kind, tuple[str, ...]] = {
    "clients": ("update", "read", "delete", "set_parent_group", "connect_to_channel", *_ROLES),
    "channels": (
        *("update", "read", "delete", "set_parent_group", "connect_to_client", "publish", "subscribe"),
        *_ROLES,
    ),
}
#: Every action of a domain's role, as v0.30.0 knows them.
DOMAIN_ACTIONS = (
    *ADMIN_ACTIONS,
    *_prefixed("client", "create", *ENTITY_ACTIONS["clients"]),
    *_prefixed("channel", "create", *ENTITY_ACTIONS["channels"]),
    *_prefixed("group", "create", "update", "membership", "read", "delete", "set_child", "set_parent", *_ROLES),
    *_prefixed("alarm", "update", "read", "delete", "assign", "acknowledge", "resolve"),
    *_prefixed("rule", "create", "update", "read", "delete", *_ROLES),
    *_prefixed("report", "create", "update", "read", "delete", *_ROLES),
)
ROLE_ACTIONS = {
    "admin": DOMAIN_ACTIONS,
    "editor": (
        "read",
        *_prefixed("client", "create", "read", "update", "delete", "connect_to_channel"),
        *_prefixed("channel", "create", "read", "update", "delete", "connect_to_client"),
    ),
    "viewer": ("read", "client_read", "channel_read"),
}


def now() -> str:
    """Return the time as the platform writes it: RFC 3339, UTC, microseconds."""
    return written(datetime.now(UTC).timestamp())


def written(seconds: float) -> str:
    """Return a time in seconds since 1970 as the platform writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class User:
    """Somebody who can sign in."""

    id: str
    username: str
    email: str
    password: str
    first_name: str = ""
    last_name: str = ""
    role: int = USER_ROLE
    verified: bool = True
    created_at: str = field(default_factory=now)

    def view(self) -> dict[str, object]:
        """Return the profile that the users service shows."""
        return {
            "id": self.id,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "status": "enabled",
            "role": "admin" if self.role == ADMIN_ROLE else "user",
            "credentials": {"username": self.username},
            "email": self.email,
            "created_at": self.created_at,
            "updated_at": ZERO_TIME,
            "verified_at": self.created_at if self.verified else ZERO_TIME,
        }


@dataclass(slots=True)
class Role:
    """What its members may do in a domain."""

    id: str
    name: str
    actions: tuple[str, ...]
    created_by: str = ""
    created_at: str = field(default_factory=now)

    @property
    def administers(self) -> bool:
        """Whether the role holds every action of a domain administrator."""
        return set(ADMIN_ACTIONS) <= set(self.actions)


@dataclass(slots=True)
class Domain:
    """A tenant."""

    id: str
    name: str
    route: str = ""
    status: str = "enabled"
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, object] = field(default_factory=dict)
    created_by: str = ""
    created_at: str = field(default_factory=now)
    updated_at: str = ZERO_TIME
    members: dict[str, Role] = field(default_factory=dict)

    def view(self) -> dict[str, object]:
        """Return the domain as the domains service shows it; empty members are left out."""
        return _without_empty(
            id=self.id,
            name=self.name,
            metadata=self.metadata,
            tags=self.tags,
            route=self.route,
            status=self.status,
            created_by=self.created_by,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


@dataclass(slots=True)
class Client:
    """A device or application that may exchange messages."""

    id: str
    domain_id: str
    name: str = ""
    identity: str = ""
    secret: str = ""
    status: str = "enabled"
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, object] = field(default_factory=dict)
    private_metadata: dict[str, object] = field(default_factory=dict)
    parent_group_id: str = ""
    created_by: str = ""
    created_at: str = field(default_factory=now)
    updated_at: str = ZERO_TIME
    updated_by: str = ""

    def view(self) -> dict[str, object]:
        """Return the client as the clients service shows it; `credentials` stay when they are empty."""
        return _without_empty(
            id=self.id,
            name=self.name,
            tags=self.tags,
            parent_group_id=self.parent_group_id,
            domain_id=self.domain_id,
            metadata=self.metadata,
            private_metadata=self.private_metadata,
            created_at=self.created_at,
            updated_at=self.updated_at,
            updated_by=self.updated_by,
            status=self.status,
        ) | {"credentials": _without_empty(identity=self.identity, secret=self.secret)}


@dataclass(slots=True)
class Channel:
    """A topic that clients publish and subscribe to."""

    id: str
    domain_id: str
    name: str = ""
    route: str = ""
    status: str = "enabled"
    tags: list[str] = field(default_factory=list)
    metadata: dict[str, object] = field(default_factory=dict)
    parent_group_id: str = ""
    created_by: str = ""
    created_at: str = field(default_factory=now)
    updated_at: str = ZERO_TIME
    updated_by: str = ""

    def view(self) -> dict[str, object]:
        """Return the channel as the channels service shows it, its creator not included."""
        return _without_empty(
            id=self.id,
            name=self.name,
            tags=self.tags,
            parent_group_id=self.parent_group_id,
            domain_id=self.domain_id,
            route=self.route,
            metadata=self.metadata,
            created_at=self.created_at,
            updated_at=self.updated_at,
            updated_by=self.updated_by,
            status=self.status,
        )


@dataclass(slots=True)
class State:
    """Everything the platform stores, by id; a connection is (channel id, client id, "publish" or "subscribe")."""

    users: dict[str, User] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    connections: set[tuple[str, str, str]] = field(default_factory=set)
    fleet_size: int = 0

    def user_named(self, name: str) -> User | None:
        """Return the user with this id, user name or e-mail address."""
        found = (user for user in self.users.values() if name in {user.id, user.username, user.email})
        return next(found, None)

    def forget_connections(self, resource_id: str) -> None:
        """Drop every connection of a channel or client."""
        self.connections = {entry for entry in self.connections if resource_id not in entry[:2]}


def role_id(kind: str, owner_id: str, name: str) -> str:
    """Return a role's id as the platform spells it: the kind of entity and 24 characters, always the same ones."""
    return f"{kind}_{hashlib.sha256(f'{owner_id} {name}'.encode()).hexdigest()[:24]}"


def same_id(*parts: str) -> str:
    """Return a UUID derived from `parts`."""
    return str(uuid.uuid5(_IDS, " ".join(parts)))


def _without_empty(**members: object) -> dict[str, object]:
    """Return what the platform's `omitempty` leaves: no empty text, list or map."""
    return {name: value for name, value in members.items() if value}
