"""What the platform owns, as we see it: frozen values without behaviour; secrets never show in a repr."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ClientResource:
    """A Magistrala client. `identity` and `secret` are "" when the platform has none."""

    id: str
    name: str = ""
    domain_id: str = ""
    identity: str = ""
    secret: str = field(default="", repr=False)
    status: str = "enabled"
    tags: tuple[str, ...] = ()
    metadata: dict[str, object] = field(default_factory=dict, repr=False, hash=False)

    @property
    def enabled(self) -> bool:
        """Whether the platform lets this client talk."""
        return self.status == "enabled"


@dataclass(frozen=True, slots=True)
class ChannelResource:
    """A Magistrala channel. `route` is the channel's topic name, "" when it has none."""

    id: str
    name: str = ""
    domain_id: str = ""
    route: str = ""
    status: str = "enabled"
    metadata: dict[str, object] = field(default_factory=dict, repr=False, hash=False)
    tags: tuple[str, ...] = ()

    @property
    def enabled(self) -> bool:
        """Whether the platform lets messages through this channel."""
        return self.status == "enabled"


@dataclass(frozen=True, slots=True)
class DomainMembership:
    """One domain as the token's user sees it.

    `status` is enabled, disabled, freezed or deleted. `actions` are those of the user's role; None when the user holds
    no role in the domain and sees it only because he administers the platform.
    """

    id: str
    name: str
    status: str
    actions: tuple[str, ...] | None
    role_name: str = ""

    @property
    def by_platform_admin(self) -> bool:
        """Whether the domain is visible only because the user administers the platform."""
        return self.actions is None


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token and the refresh token that renews it."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class KeySet:
    """The platform's public signing keys (JWKs); empty when it signs with a shared secret.

    `max_age_seconds` is how long the platform lets us keep them, None when it does not say.
    """

    keys: tuple[dict[str, object], ...]
    max_age_seconds: int | None = None
