"""Where the platform's services answer, checked once at start, and how ids become part of a path."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final
from urllib.parse import quote, urlsplit

#: The services of the platform that we ask, in the order in which people are told of them.
SERVICES: Final = ("auth", "users", "domains", "clients", "channels")

_MAX_ID_LENGTH = 256


@dataclass(frozen=True, slots=True)
class MagistralaURLs:
    """Base addresses of the services; `jwks` is the whole address of the key set, by default below `auth`.

    Raises: ValueError that names the service when an address is not absolute http or https.
    """

    clients: str
    channels: str
    domains: str
    users: str
    auth: str
    jwks: str = ""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "jwks" and not value:
                value = f"{self.auth}/keys/.well-known/jwks.json"
            object.__setattr__(self, item.name, checked_url(item.name, value))

    def of(self, service: str) -> str:
        """Return the base address of a service by its name.

        Raises: ValueError for a service we do not know.
        """
        if service not in SERVICES:
            raise ValueError(f"There is no Magistrala service named {service!r}.")
        address: str = getattr(self, service)
        return address


def checked_url(name: str, value: str) -> str:
    """Return the address without its trailing slash.

    Raises: ValueError when it is not an absolute http or https address, or carries a user, a query or a fragment.
    """
    hint = f"The address of Magistrala's {name} service must be absolute, such as http://{name}:9000"
    if any(character.isspace() or not character.isprintable() for character in value):
        raise ValueError(f"{hint}; it holds a space or a control character.")
    try:
        parts = urlsplit(value)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ValueError(f"{hint}; its host or port cannot be read.") from error
    if parts.scheme not in {"http", "https"} or not usable:
        raise ValueError(f"{hint}; only http and https with a host are possible.")
    # The value itself stays out of these messages: a password may stand in it.
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{hint}; it must not carry a user name or password.")
    if parts.query or parts.fragment:
        raise ValueError(f"{hint}; it must not carry a query or a fragment.")
    return value.rstrip("/")


def path_segment(value: str) -> str | None:
    """Return an id encoded as exactly one path segment, or None when no resource can have that id.

    Dots alone cannot be sent: HTTP libraries undo their encoding and then walk up the path.
    """
    if not value or len(value) > _MAX_ID_LENGTH or value in {".", ".."}:
        return None
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        return None
