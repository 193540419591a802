"""What the platform is asked for each kind of resource; `bootstrap_project.slots` says what our copy of one holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.resources import ChannelResource, ClientResource
from bootstrap_project.slots import CHANNEL, CLIENT

Resource: TypeAlias = ClientResource | ChannelResource


class PlatformKind(NamedTuple):
    """One kind as the platform knows it.

    Shape: `view` and `search` are the adapter's calls; `read_action` is what a role has to allow for its holder to be
    shown everything of the kind that a domain has; `values` gives what a snapshot takes from a resource beside its id,
    name and domain, without what the platform has not.
    """

    name: str
    resource: type[Resource]
    view: Callable[..., Resource]
    search: Callable[..., tuple[Resource, ...]]
    read_action: str
    values: Callable[[Any], dict[str, Any]]


def _client_values(client: ClientResource) -> dict[str, Any]:
    values = {"identity": client.identity or client.id}
    return values | {"secret": client.secret} if client.secret else values


def _channel_values(channel: ChannelResource) -> dict[str, Any]:
    values: dict[str, Any] = {"topic": channel.route}
    return values | {"metadata": channel.metadata} if channel.metadata else values


_KINDS: Final = (
    PlatformKind(
        CLIENT.name,
        ClientResource,
        MagistralaClient.view_client,
        MagistralaClient.search_clients,
        "client_read",
        _client_values,
    ),
    PlatformKind(
        CHANNEL.name,
        ChannelResource,
        MagistralaClient.view_channel,
        MagistralaClient.search_channels,
        "channel_read",
        _channel_values,
    ),
)
PLATFORM_KINDS: Final[Mapping[str, PlatformKind]] = {kind.name: kind for kind in _KINDS}
_BY_RESOURCE: Final = {kind.resource: kind for kind in _KINDS}


def kind_of(resource: Resource) -> PlatformKind:
    """Return the kind of `resource`."""
    return _BY_RESOURCE[type(resource)]
