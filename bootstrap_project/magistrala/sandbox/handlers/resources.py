"""The clients service and the resource half of the channels service, which answer alike."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from bootstrap_project.magistrala.sandbox.handlers.common import (
    DENIED,
    NOT_FOUND,
    Caller,
    Need,
    authenticate,
    authorize,
    is_uuid,
    page,
    status_filter,
)
from bootstrap_project.magistrala.sandbox.http import (
    Answer,
    Refusal,
    Request,
    json_answer,
    object_member,
    text_member,
    texts_member,
)
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.state import Channel, Client, now

_ROUTE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,35}")
_STATUSES = ("enabled", "disabled")
_LONGEST_NAME = 1024


def create(platform: Platform, request: Request) -> Answer:
    """POST /{domain_id}/clients or /{domain_id}/channels."""
    caller = authenticate(platform, request)
    body = request.object()
    domain_id, kind = request.params["domain_id"], request.service
    resource = _new_client(domain_id, body) if kind == "clients" else _new_channel(domain_id, body, caller)
    _apply(resource, body)
    authorize(platform, caller, domain_id, Need(f"{kind[:-1]}_create", kind, "create"))
    _refuse_duplicates(platform, resource)
    if isinstance(resource, Client):
        platform.state.clients[resource.id] = resource
    else:
        platform.state.channels[resource.id] = resource
    return json_answer(resource.view(), 201, Location=f"/{domain_id}/{kind}/{resource.id}")


def listing(platform: Platform, request: Request) -> Answer:
    """GET /{domain_id}/clients or channels; filters name, status, tag; channels also by `client`."""
    caller = authenticate(platform, request)
    domain_id, kind = request.params["domain_id"], request.service
    statuses, name = status_filter(request, _STATUSES), request.argument("name").lower()
    tag, client_id = request.argument("tag"), request.argument("client")
    authorize(platform, caller, domain_id, Need(f"{kind[:-1]}_read", kind, "list"))
    found: list[dict[str, object]] = []
    for resource in _table(platform, kind).values():
        if resource.domain_id != domain_id or resource.status not in statuses or name not in resource.name.lower():
            continue
        if tag and tag not in resource.tags:
            continue
        shown = resource.view()
        if kind == "channels" and client_id:
            types = sorted(
                t for t in ("publish", "subscribe") if (resource.id, client_id, t) in platform.state.connections
            )
            if not types:
                continue
            shown["connection_types"] = types
        found.append(shown)
    return page(request, kind, found)


def view(platform: Platform, request: Request) -> Answer:
    """GET /{domain_id}/clients/{id} or channels/{id}."""
    return json_answer(_permitted(platform, request, "read", "view").view())


def update(platform: Platform, request: Request) -> Answer:
    """PATCH /{domain_id}/clients/{id} or channels/{id}: name, metadata, and a channel's route."""
    body = _body_after_authentication(platform, request)
    resource = _permitted(platform, request, "update", "update")
    _apply(resource, body)
    resource.updated_at = now()
    return json_answer(resource.view())


def update_secret(platform: Platform, request: Request) -> Answer:
    """PATCH /{domain_id}/clients/{id}/secret."""
    body = _body_after_authentication(platform, request)
    secret = text_member(body, "secret")
    if not secret:
        raise Refusal(400, "missing or invalid secret")
    resource = _permitted(platform, request, "update", "update")
    if isinstance(resource, Client):
        resource.secret, resource.updated_at = secret, now()
    return json_answer(resource.view())


def delete(platform: Platform, request: Request) -> Answer:
    """DELETE /{domain_id}/clients/{id} or channels/{id}, with its connections."""
    resource = _permitted(platform, request, "delete", "delete")
    platform.state.forget_connections(resource.id)
    del _table(platform, request.service)[resource.id]
    return Answer(204)


def switcher(status: str) -> Callable[[Platform, Request], Answer]:
    """Return the handler of POST …/enable or …/disable."""

    def switch(platform: Platform, request: Request) -> Answer:
        resource = _permitted(platform, request, "update", "update")
        resource.status, resource.updated_at = status, now()
        return json_answer(resource.view())

    return switch


def _body_after_authentication(platform: Platform, request: Request) -> dict[str, object]:
    authenticate(platform, request)
    return request.object()


def _permitted(platform: Platform, request: Request, action: str, operation: str) -> Client | Channel:
    """Return the resource that the path names, as the permission check upstream lets it be seen.

    Permission comes before look-up: an id that does not exist, or belongs to another domain, is a 403, except that
    platform administrators see a 404, and see foreign resources through any domain's path.
    """
    caller = authenticate(platform, request)
    kind, resource_id = request.service, request.params["id"]
    domain_id = request.params["domain_id"]
    authorize(platform, caller, domain_id, Need(f"{kind[:-1]}_{action}", kind, operation, resource_id))
    resource = _table(platform, kind).get(resource_id)
    if caller.administers_platform:
        if resource is None:
            raise Refusal(404, NOT_FOUND)
        return resource
    if resource is None or resource.domain_id != domain_id:
        raise Refusal(403, DENIED)
    return resource


def _table(platform: Platform, kind: str) -> dict[str, Client] | dict[str, Channel]:
    return platform.state.clients if kind == "clients" else platform.state.channels


def _new_client(domain_id: str, body: dict[str, object]) -> Client:
    credentials = object_member(body, "credentials")
    return Client(
        text_member(body, "id") or str(uuid.uuid4()),
        domain_id,
        identity=text_member(credentials, "identity"),
        secret=text_member(credentials, "secret") or str(uuid.uuid4()),
        private_metadata=object_member(body, "private_metadata"),
    )


def _new_channel(domain_id: str, body: dict[str, object], caller: Caller) -> Channel:
    return Channel(text_member(body, "id") or str(uuid.uuid4()), domain_id, created_by=caller.user.id)


def _apply(resource: Client | Channel, body: dict[str, object]) -> None:
    """Take over the members that are present; one that is refused leaves the resource as it was."""
    name = text_member(body, "name", resource.name)
    if len(name) > _LONGEST_NAME:
        raise Refusal(400, "invalid name size")
    route = text_member(body, "route")
    if isinstance(resource, Channel) and route and (not _ROUTE.fullmatch(route) or is_uuid(route)):
        raise Refusal(400, "invalid route format")
    status = text_member(body, "status", resource.status)
    if status not in _STATUSES:
        raise Refusal(400, "request body is not a valid JSON, expecting a valid JSON")
    tags, metadata = texts_member(body, "tags"), object_member(body, "metadata")
    resource.name, resource.status = name, status
    if "tags" in body:
        resource.tags = tags
    if "metadata" in body:
        resource.metadata = metadata
    if isinstance(resource, Channel) and "route" in body:
        resource.route = route


def _refuse_duplicates(platform: Platform, resource: Client | Channel) -> None:
    if resource.id in platform.state.clients or resource.id in platform.state.channels:
        raise Refusal(409, "entity already exists")
    if isinstance(resource, Channel) and resource.route:
        for other in platform.state.channels.values():
            if (other.domain_id, other.route) == (resource.domain_id, resource.route):
                raise Refusal(409, "entity already exists")
