"""What the sandbox's platform knows: users, domains with their members, clients, channels and connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

ZERO_TIME = "0001-01-01T00:00:00Z"
USER_ROLE, ADMIN_ROLE = 1, 2

# Who holds all of these administers the domain.
ADMIN_ACTIONS = (
    "read",
    "update",
    "enable",
    "disable",
    "delete",
    "manage_role",
    "add_role_users",
    "remove_role_users",
    "view_role_users",
)
ENTITY_ACTIONS = tuple(
    f"{kind}_{action}" for kind in ("client", "channel") for action in ("create", "read", "update", "delete", "connect")
)
ROLE_ACTIONS = {
    "admin": ADMIN_ACTIONS + ENTITY_ACTIONS,
    "editor": ("read", *ENTITY_ACTIONS),
    "viewer": ("read", "client_read", "channel_read"),
}


def now() -> str:
    """Return the time as the platform writes it: RFC 3339, UTC, microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


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
        shown: dict[str, object] = {
            "id": self.id,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "status": "enabled",
            "role": "admin" if self.role == ADMIN_ROLE else "user",
            "credentials": {"username": self.username},
            "email": self.email,
            "created_at": self.created_at,
            "updated_at": ZERO_TIME,
        }
        if self.verified:
            shown["verified_at"] = self.created_at
        return shown


@dataclass(slots=True)
class Role:
    """What one member may do in a domain."""

    id: str
    name: str
    actions: tuple[str, ...]

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
        return _shown(
            {"id": self.id, "name": self.name},
            {"metadata": self.metadata, "tags": self.tags, "route": self.route},
            {"status": self.status},
            {"created_by": self.created_by},
            {"created_at": self.created_at, "updated_at": self.updated_at},
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
    created_at: str = field(default_factory=now)
    updated_at: str = ZERO_TIME

    def view(self) -> dict[str, object]:
        """Return the client as the clients service shows it, credentials included."""
        credentials = {"identity": self.identity} if self.identity else {}
        return _shown(
            {"id": self.id},
            {
                "name": self.name,
                "tags": self.tags,
                "parent_group_id": self.parent_group_id,
                "domain_id": self.domain_id,
            },
            {"credentials": credentials | {"secret": self.secret}},
            {"metadata": self.metadata, "private_metadata": self.private_metadata},
            {"created_at": self.created_at, "updated_at": self.updated_at, "status": self.status},
        )


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

    def view(self) -> dict[str, object]:
        """Return the channel as the channels service shows it."""
        return _shown(
            {"id": self.id},
            {
                "name": self.name,
                "tags": self.tags,
                "parent_group_id": self.parent_group_id,
                "domain_id": self.domain_id,
                "route": self.route,
                "metadata": self.metadata,
                "created_by": self.created_by,
            },
            {"created_at": self.created_at, "updated_at": self.updated_at, "status": self.status},
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


def _shown(*parts: dict[str, object]) -> dict[str, object]:
    """Join members in the platform's order; every second part holds those that are left out when empty."""
    shown: dict[str, object] = {}
    for number, part in enumerate(parts):
        shown.update({name: value for name, value in part.items() if value or number % 2 == 0})
    return shown
