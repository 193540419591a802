"""Which handler answers which path; `{name}` stands for one segment."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap_project.magistrala.sandbox.faults import SERVICES
from bootstrap_project.magistrala.sandbox.handlers import (
    admin,
    auth,
    connections,
    domains,
    page,
    resources,
    roles,
    users,
)
from bootstrap_project.magistrala.sandbox.handlers.common import Handler
from bootstrap_project.magistrala.sandbox.http import Answer, Request, json_answer
from bootstrap_project.magistrala.sandbox.platform import Platform
from bootstrap_project.magistrala.sandbox.state import same_id


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint; `service` is the platform service that it belongs to, "" for the sandbox's own."""

    method: str
    segments: tuple[str, ...]
    service: str
    handler: Handler


def health(_platform: Platform, request: Request) -> Answer:
    """GET /health of any service."""
    description = f"{request.service or 'sandbox'} service"
    answer = json_answer(
        {
            "status": "pass",
            "version": "0.30.0",
            "commit": "ffffffff",
            "description": description,
            "build_time": "1970-01-01_00:00:00",
            "instance_id": same_id(description),
        }
    )
    answer.headers["Content-Type"] = "application/health+json"
    return answer


def _route(line: str, service: str, handler: Handler) -> Route:
    method, path = line.split()
    return Route(method, tuple(path.strip("/").split("/")), service, handler)


def _resource_routes(kind: str) -> list[Route]:
    root, one = f"/{{domain_id}}/{kind}", f"/{{domain_id}}/{kind}/{{id}}"
    return [
        _route(f"POST {root}", kind, resources.create),
        _route(f"POST {root}/bulk", kind, resources.create_many),
        _route(f"GET {root}", kind, resources.listing),
        _route(f"GET {one}", kind, resources.view),
        _route(f"PATCH {one}", kind, resources.update),
        _route(f"DELETE {one}", kind, resources.delete),
        _route(f"POST {one}/enable", kind, resources.switcher("enabled")),
        _route(f"POST {one}/disable", kind, resources.switcher("disabled")),
    ]


ROUTES = (
    _route("GET /health", "", health),
    _route("POST /users", "users", users.register),
    _route("POST /users/tokens/issue", "users", users.issue),
    _route("POST /users/tokens/refresh", "users", users.refresh),
    _route("GET /users/profile", "users", users.profile),
    _route("GET /keys/.well-known/jwks.json", "auth", auth.jwks),
    _route("POST /keys", "auth", auth.create_key),
    _route("DELETE /keys/{key_id}", "auth", auth.revoke_key),
    _route("POST /pats", "auth", auth.create_pat),
    _route("GET /pats/{pat_id}/scope", "auth", auth.list_scopes),
    _route("PATCH /pats/{pat_id}/scope/add", "auth", auth.add_scopes),
    _route("PATCH /pats/{pat_id}/secret/reset", "auth", auth.reset_pat),
    _route("PATCH /pats/{pat_id}/secret/revoke", "auth", auth.revoke_pat),
    _route("POST /domains", "domains", domains.create),
    _route("GET /domains", "domains", domains.listing),
    _route("GET /domains/roles/available-actions", "domains", roles.actions),
    _route("GET /domains/{domain_id}/roles", "domains", roles.listing),
    _route("POST /domains/{domain_id}/roles", "domains", roles.create),
    _route("GET /domains/{domain_id}", "domains", domains.view),
    _route("POST /domains/{domain_id}/enable", "domains", domains.enable),
    _route("POST /domains/{domain_id}/disable", "domains", domains.disable),
    _route("POST /domains/{domain_id}/freeze", "domains", domains.freeze),
    _route("PATCH /{domain_id}/clients/{id}/secret", "clients", resources.update_secret),
    _route("POST /{domain_id}/channels/connect", "channels", connections.connect),
    _route("POST /{domain_id}/channels/disconnect", "channels", connections.disconnect),
    _route("POST /{domain_id}/channels/{id}/connect", "channels", connections.connect),
    *_resource_routes("clients"),
    *_resource_routes("channels"),
    _route("GET /_sandbox", "", page.home),
    _route("GET /_sandbox/faults", "", admin.show_faults),
    _route("PUT /_sandbox/faults", "", admin.replace_faults),
    _route("POST /_sandbox/tokens", "", admin.mint_token),
    _route("POST /_sandbox/pats", "", admin.mint_pat),
    _route("DELETE /_sandbox/pats/{pat_id}", "", admin.revoke_pat),
    _route("POST /_sandbox/reset", "", admin.reset),
    _route("GET /_sandbox/calls", "", admin.show_calls),
    _route("DELETE /_sandbox/calls", "", admin.clear_calls),
    _route("PUT /_sandbox/latency", "", admin.set_latency),
    _route("PUT /_sandbox/ways", "", admin.set_ways),
    _route("PUT /_sandbox/signing", "", admin.set_signing),
    _route("POST /_sandbox/fleet", "", admin.add_fleet),
    _route("POST /_sandbox/fleet/change", "", admin.change_everything),
    _route("PUT /_sandbox/domains/{domain_id}/status", "", admin.set_domain_status),
    _route("PUT /_sandbox/domains/{domain_id}/members/{user}", "", admin.set_member),
    _route("DELETE /_sandbox/domains/{domain_id}/members/{user}", "", admin.remove_member),
)
#: By number of segments, which rules out most of them at once.
_BY_LENGTH = {
    length: tuple(route for route in ROUTES if len(route.segments) == length)
    for length in {len(route.segments) for route in ROUTES}
}


def find(request: Request) -> Handler:
    """Return the handler of a request, with `service` and `params` filled in on the request.

    A service that the address names answers its own paths alone. An unknown path is a 404 in plain text, a known one
    with another method an empty 405, as from the platform.
    """
    named, allowed = request.service, []
    for route in _BY_LENGTH.get(len(request.segments), ()):
        params = _match(route.segments, request.segments)
        owners = (route.service,) if route.service else SERVICES
        if params is None or (named and named not in owners):
            continue
        allowed.append(route.method)
        if route.method == ("GET" if request.method == "HEAD" else request.method):
            request.service = route.service or request.service
            request.params = params
            return route.handler
    if allowed:
        return _always(Answer(405, b"", {"Allow": ", ".join(sorted(set(allowed)))}))
    return _always(Answer(404, b"404 page not found\n", {"Content-Type": "text/plain; charset=utf-8"}))


def _always(answer: Answer) -> Handler:
    return lambda _platform, _request: answer


def _match(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    params: dict[str, str] = {}
    for expected, given in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            if not given:
                return None
            params[expected[1:-1]] = given
        elif expected != given:
            return None
    return params
