"""Calls of the REST API as an operator makes them, and a list of all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

from tests.support.rows import DOMAIN

UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Api:
    """Somebody with a token (none: "") and a domain; JSON in, Django's answers out."""

    def __init__(self, token: str, domain_id: str = DOMAIN) -> None:
        self.http = Client(raise_request_exception=False)
        self.token = token
        self.domain_id = domain_id

    def call(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json", **more: Any
    ) -> Any:
        """Send `body` (a document, or text and bytes as they are) to `path` below the domain."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= more.pop("headers", {})
        if body is None:
            data: Any = b""
        else:
            data = body if isinstance(body, str | bytes) else json.dumps(body)
        # Django's client leaves the type of an empty body away.
        more.setdefault("CONTENT_TYPE", content_type)
        return self.http.generic(method, f"/{self.domain_id}{path}", data, content_type, headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.call("GET", path, **more)

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.call("POST", path, body, **more)

    def patch(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.call("PATCH", path, body, **more)

    def put(self, path: str, body: Any = None, **more: Any) -> Any:
        return self.call("PUT", path, body, **more)

    def delete(self, path: str, **more: Any) -> Any:
        return self.call("DELETE", path, **more)

    def create_config(self, **members: Any) -> Any:
        return self.post("/clients/configs", {"external_id": "sensor-1", "external_key": "a key"} | members)

    def create_profile(self, **members: Any) -> Any:
        return self.post("/clients/bootstrap/profiles", {"name": "sensor profile"} | members)

    def preview(self, profile_id: Any, body: Any) -> Any:
        return self.post(f"/clients/bootstrap/profiles/{profile_id}/render-preview", body)


@dataclass(frozen=True)
class Endpoint:
    """One call of the management API; `path` holds {config} and {profile}."""

    name: str
    method: str
    path: str
    body: Any = None
    #: What an unknown id in the path gives; None where the path holds none.
    unknown: int | None = None

    @property
    def takes_a_body(self) -> bool:
        return self.body is not None

    def send(self, api: Api, *, config: Any = UNKNOWN, profile: Any = UNKNOWN, **more: Any) -> Any:
        body = more.pop("body", self.body)
        if isinstance(body, dict) and body.get("profile_id") == "{profile}":
            body = {"profile_id": str(profile)}
        return api.call(self.method, self.path.format(config=config, profile=profile), body, **more)


_CONFIGS = "/clients/configs"
_PROFILES = "/clients/bootstrap/profiles"
_ENROLLMENT = "/clients/bootstrap/enrollments/{config}"
ENDPOINTS = [
    Endpoint("create config", "POST", _CONFIGS, {"external_id": "new", "external_key": "key"}),
    Endpoint("list configs", "GET", _CONFIGS),
    Endpoint("view config", "GET", f"{_CONFIGS}/{{config}}", unknown=404),
    Endpoint("update config", "PATCH", f"{_CONFIGS}/{{config}}", {"name": "other"}, unknown=404),
    Endpoint("update config by PUT", "PUT", f"{_CONFIGS}/{{config}}", {"name": "other"}, unknown=404),
    Endpoint("set state", "PUT", "/clients/state/{config}", {"state": 0}, unknown=404),
    Endpoint("remove config", "DELETE", f"{_CONFIGS}/{{config}}", unknown=204),
    Endpoint("update certs", "PATCH", f"{_CONFIGS}/certs/{{config}}", {"ca_cert": "PEM"}, unknown=404),
    Endpoint("enable config", "POST", f"{_CONFIGS}/{{config}}/enable", unknown=404),
    Endpoint("disable config", "POST", f"{_CONFIGS}/{{config}}/disable", unknown=404),
    Endpoint("list attempts", "GET", f"{_CONFIGS}/{{config}}/attempts", unknown=404),
    Endpoint("create profile", "POST", _PROFILES, {"name": "new"}),
    Endpoint("upload profile", "POST", f"{_PROFILES}/upload", {"name": "uploaded"}),
    Endpoint("list profiles", "GET", _PROFILES),
    Endpoint("view profile", "GET", f"{_PROFILES}/{{profile}}", unknown=404),
    Endpoint("list slots", "GET", f"{_PROFILES}/{{profile}}/slots", unknown=404),
    Endpoint("preview", "POST", f"{_PROFILES}/{{profile}}/render-preview", {"config": {}}, unknown=404),
    Endpoint("update profile", "PATCH", f"{_PROFILES}/{{profile}}", {"description": "other"}, unknown=404),
    Endpoint("remove profile", "DELETE", f"{_PROFILES}/{{profile}}", unknown=204),
    Endpoint("assign profile", "PATCH", f"{_ENROLLMENT}/profile", {"profile_id": "{profile}"}, unknown=404),
    Endpoint("bind", "PUT", f"{_ENROLLMENT}/bindings", {"bindings": []}, unknown=404),
    Endpoint("list bindings", "GET", f"{_ENROLLMENT}/bindings", unknown=404),
    Endpoint("refresh bindings", "POST", f"{_ENROLLMENT}/bindings/refresh", unknown=404),
]
WITH_ID = [endpoint for endpoint in ENDPOINTS if endpoint.unknown is not None]
WITH_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.takes_a_body]


def told(response: Any, status: int | None = None) -> str:
    """Check the envelope of an error answer and return all that it says."""
    if status is not None:
        assert response.status_code == status, (response.status_code, response.content[:500])
    assert response["Content-Type"] == "application/json"
    assert response.content.endswith(b"\n")
    body = response.json()
    assert body.keys() <= {"message", "error", "request_id"}
    assert body["message"]
    assert body["request_id"] == response["X-Request-ID"]
    return f"{body['message']} | {body.get('error', '')}"
