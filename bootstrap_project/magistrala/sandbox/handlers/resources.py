"""The clients service and the resource half of the channels service, which answer alike."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from bootstrap_project.magistrala.sandbox.handlers.common import (
    DENIED,
    Caller,
    Permission,
    authenticate,
    authorize,
    is_uuid,
    ordered,
    page,
    status_filter,
)
from bootstrap_project.magistrala.sandbox.handlers.showing import (
    connection_types,
    entry,
    may_list,
    with_roles,
    without_secret,
)
from bootstrap_project.magistrala.sandbox.http import (
    NOT_JSON,
    Answer,
    HTTPError,
    Request,
    json_answer,
    object_member,
    text_member,
    texts_member,
)
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.state import Channel, Client, Kind, now

_ROUTE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,35}")
_STATUSES = ("enabled", "disabled")
_MAX_NAME_LENGTH = 1024
_MAX_PAGE_SIZE = 100


def create(platform: Platform, request: Request) -> Answer:
    """POST /{domain_id}/clients or /{domain_id}/channels."""
    caller = authenticate(platform, request)
    resource = _made(platform, caller, request, request.object())
    return json_answer(resource.view(), 201, Location=f"/{request.service}/{resource.id}")


def create_many(platform: Platform, request: Request) -> Answer:
    """POST /{domain_id}/clients/bulk or /{domain_id}/channels/bulk."""
    caller = authenticate(platform, request)
    made = [_made(platform, caller, request, body) for body in request.objects()]
    return json_answer({"total": len(made), request.service: [resource.view() for resource in made]})


def listing(platform: Platform, request: Request) -> Answer:
    """GET /{domain_id}/clients or channels; filters id, name, status, tag; channels also by `client`.

    Nothing is checked but the token: not the domain, its state, the scopes of a personal access token. Callers
    without access get an empty page.
    """
    caller = authenticate(platform, request)
    domain_id, kind = request.params["domain_id"], _kind(request)
    limit = request.number("limit", 10)
    if not 0 < limit <= _MAX_PAGE_SIZE:
        raise HTTPError(400, "invalid limit size")
    statuses, name = status_filter(request, _STATUSES), request.argument("name").lower()
    wanted, tag, client_id = request.argument("id"), request.argument("tag"), request.argument("client")
    found: list[Client | Channel] = []
    for resource in _table(platform, kind).values():
        if resource.domain_id != domain_id or resource.status not in statuses or name not in resource.name.lower():
            continue
        if (wanted and resource.id != wanted) or (tag and tag not in resource.tags):
            continue
        if client_id and kind == "channels" and not connection_types(platform, resource.id, client_id):
            continue
        if may_list(platform, caller, kind, resource):
            found.append(resource)

    def show(resource: Client | Channel) -> dict[str, object]:
        types = connection_types(platform, resource.id, client_id) if kind == "channels" else []
        return entry(platform, caller, kind, resource) | ({"connection_types": types} if types else {})

    return page(request, kind, ordered(request, found), limit, show)


def view(platform: Platform, request: Request) -> Answer:
    """GET /{domain_id}/clients/{id} or channels/{id}."""
    resource = _permitted(platform, request, "read", "view")
    if request.argument("roles") != "true":
        return json_answer(resource.view())
    return json_answer(with_roles(platform, authenticate(platform, request), _kind(request), resource))


def update(platform: Platform, request: Request) -> Answer:
    """PATCH /{domain_id}/clients/{id} or channels/{id}: name, metadata, and a channel's route."""
    body = _body_after_authentication(platform, request)
    resource = _permitted(platform, request, "update", "update")
    _apply(resource, body)
    return _changed(platform, request, resource)


def update_secret(platform: Platform, request: Request) -> Answer:
    """PATCH /{domain_id}/clients/{id}/secret; the answer does not show it."""
    body = _body_after_authentication(platform, request)
    secret = text_member(body, "secret")
    if not secret:
        raise HTTPError(400, "missing secret")
    resource = _permitted(platform, request, "update", "update")
    if isinstance(resource, Client):
        resource.secret = secret
    return _changed(platform, request, resource)


def delete(platform: Platform, request: Request) -> Answer:
    """DELETE /{domain_id}/clients/{id} or channels/{id}, with its connections."""
    resource = _permitted(platform, request, "delete", "delete")
    platform.state.forget_connections(resource.id)
    del _table(platform, _kind(request))[resource.id]
    return Answer(204)


def switcher(status: str) -> Callable[[Platform, Request], Answer]:
    """Return the handler of POST …/enable or …/disable."""

    def switch(platform: Platform, request: Request) -> Answer:
        resource = _permitted(platform, request, "update", "update")
        resource.status = status
        return _changed(platform, request, resource)

    return switch


def _changed(platform: Platform, request: Request, resource: Client | Channel) -> Answer:
    """Record who changed it, and answer with it without its secret."""
    resource.updated_at, resource.updated_by = now(), authenticate(platform, request).user.id
    return json_answer(without_secret(resource.view()))


def _body_after_authentication(platform: Platform, request: Request) -> dict[str, object]:
    authenticate(platform, request)
    return request.object()


def _permitted(platform: Platform, request: Request, action: str, operation: str) -> Client | Channel:
    """Return the resource in the path, after upstream's permission check.

    Permission comes before look-up: an id that does not exist, or belongs to another domain, is a 403. Administrators
    of the platform see foreign resources through any domain's path.
    """
    caller = authenticate(platform, request)
    kind, resource_id = _kind(request), request.params["id"]
    domain_id = request.params["domain_id"]
    authorize(platform, caller, domain_id, Permission(f"{kind[:-1]}_{action}", kind, operation, resource_id))
    resource = _table(platform, kind).get(resource_id)
    if resource is None or not (resource.domain_id == domain_id or caller.administers_platform):
        raise HTTPError(403, DENIED)
    return resource


def _kind(request: Request) -> Kind:
    return "clients" if request.service == "clients" else "channels"


def _made(platform: Platform, caller: Caller, request: Request, body: dict[str, object]) -> Client | Channel:
    domain_id, kind = request.params["domain_id"], _kind(request)
    resource = _new_client(domain_id, body) if kind == "clients" else _new_channel(domain_id, body)
    resource.created_by = caller.user.id
    _apply(resource, body)
    authorize(platform, caller, domain_id, Permission(f"{kind[:-1]}_create", kind, "create"))
    _refuse_duplicates(platform, resource)
    if isinstance(resource, Client):
        platform.state.clients[resource.id] = resource
    else:
        platform.state.channels[resource.id] = resource
    return resource


def _table(platform: Platform, kind: Kind) -> dict[str, Client] | dict[str, Channel]:
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


def _new_channel(domain_id: str, body: dict[str, object]) -> Channel:
    return Channel(text_member(body, "id") or str(uuid.uuid4()), domain_id)


def _apply(resource: Client | Channel, body: dict[str, object]) -> None:
    """Apply the members that are present; one that is refused leaves the resource unchanged."""
    name = text_member(body, "name", resource.name)
    if len(name) > _MAX_NAME_LENGTH:
        raise HTTPError(400, "invalid name size")
    route = text_member(body, "route")
    if isinstance(resource, Channel) and route and (not _ROUTE.fullmatch(route) or is_uuid(route)):
        raise HTTPError(400, "invalid route format")
    status = text_member(body, "status", resource.status)
    if status not in _STATUSES:
        raise HTTPError(400, NOT_JSON)
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
        raise HTTPError(400, "entity already exists")
    if isinstance(resource, Channel):
        taken = {other.route for other in platform.state.channels.values() if other.domain_id == resource.domain_id}
        if resource.route and resource.route in taken:
            raise HTTPError(400, "route not available")
    else:
        for other in platform.state.clients.values():
            if (other.domain_id, other.secret) == (resource.domain_id, resource.secret):
                raise HTTPError(400, "client key is not available")
