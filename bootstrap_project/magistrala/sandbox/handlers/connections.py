"""The channels service's connect and disconnect, odd answers included."""

from __future__ import annotations

from itertools import product

from bootstrap_project.magistrala.sandbox.handlers.common import (
    DENIED,
    Caller,
    Permission,
    authenticate,
    authorize,
    is_uuid,
)
from bootstrap_project.magistrala.sandbox.http import NOT_JSON, Answer, HTTPError, Request, texts_member
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.state import Channel, Client

_TYPES = ("publish", "subscribe")


def connect(platform: Platform, request: Request) -> Answer:
    """POST …/channels/connect and …/channels/{channel_id}/connect: every combination, or none of them."""
    triples = _permitted(platform, request)
    if triples & platform.state.connections:
        raise HTTPError(400, "entity already exists")
    platform.state.connections |= triples
    return Answer(201)


def disconnect(platform: Platform, request: Request) -> Answer:
    """POST …/channels/disconnect; what is not connected is ignored."""
    triples = _permitted(platform, request)
    platform.state.connections -= triples
    return Answer(204)


def _permitted(platform: Platform, request: Request) -> set[tuple[str, str, str]]:
    caller = authenticate(platform, request)
    body = request.object()
    channel_id = request.params.get("id")
    channel_ids = texts_member(body, "channel_ids") if channel_id is None else [channel_id]
    client_ids, types = texts_member(body, "client_ids"), texts_member(body, "types")
    kinds = {kind.lower() for kind in types}
    if kinds - set(_TYPES):
        raise HTTPError(400, NOT_JSON)
    if not channel_ids or not client_ids or not all(channel_ids + client_ids):
        raise HTTPError(400, "missing entity id")
    if channel_id is not None and not all(is_uuid(entry) for entry in channel_ids + client_ids):
        raise HTTPError(400, "invalid id format")
    if not kinds:
        raise HTTPError(400, "missing connection type")
    domain_id = request.params["domain_id"]
    _check(platform, caller, domain_id, channel_ids, client_ids)
    return set(product(channel_ids, client_ids, kinds))


def _check(platform: Platform, caller: Caller, domain_id: str, channel_ids: list[str], client_ids: list[str]) -> None:
    """Refuse unless everything exists, is permitted, enabled and of this domain, in the platform's order of checks."""
    found: list[Channel | Client | None] = []
    for entry in channel_ids:
        authorize(
            platform, caller, domain_id, Permission("channel_connect_to_client", "channels", "connect_client", entry)
        )
        found.append(platform.state.channels.get(entry))
    for entry in client_ids:
        authorize(
            platform, caller, domain_id, Permission("client_connect_to_channel", "clients", "connect_to_channel", entry)
        )
        found.append(platform.state.clients.get(entry))
    if None in found:
        raise HTTPError(403, DENIED)
    for resource in found:
        if resource is not None and (resource.domain_id != domain_id or resource.status != "enabled"):
            raise HTTPError(422, "failed to create entity")
