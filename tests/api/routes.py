"""All routes below a domain, each with a call that succeeds for whoever may make it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from bootstrap_project.magistrala.sandbox.seed import CLIENT_ID
from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.api import ENDPOINTS, UNKNOWN, Api, Endpoint
from tests.support.rows import make_binding, make_config, make_profile

#: Routes without a domain: whoever adds one says here that it needs no operator.
OPEN_ROUTES = {
    *("device-bootstrap", "device-bootstrap-by-key", "device-bootstrap-by-key-bare", "device-bootstrap-secure"),
    *("device-bootstrap-spare-slashes", "device-bootstrap-secure-spare-slashes"),
    *("health", "live", "metrics", "no-such-file", "openapi", "openapi-yaml", "api-docs"),
}
CREATING = {"create config", "create profile", "upload profile"}
WITHOUT_CONTENT = {"remove config", "remove profile", "assign profile", "bind", "refresh bindings"}
Route = tuple[str, str]


def every_pattern(patterns: Any = None) -> Iterator[URLPattern]:
    """All routes but the admin's, which are for people with a session."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(entry, URLPattern):
            yield entry
        elif isinstance(entry, URLResolver) and entry.namespace != "admin":
            yield from every_pattern(entry.url_patterns)


def management_routes() -> list[Route]:
    """Method and name of every route below a domain."""
    found = set()
    for pattern in every_pattern():
        for method in getattr(pattern.callback, "actions", None) or {}:
            if method != "head":
                found.add((method.upper(), pattern.name or str(pattern.pattern)))
    return sorted(found)


def route_of(endpoint: Endpoint) -> Route:
    match = resolve(f"/some-domain{endpoint.path.format(config=UNKNOWN, profile=UNKNOWN)}")
    return endpoint.method, str(match.url_name)


ROUTES = management_routes()
#: A route without a row is missing here, and `test_every_route_below_a_domain_has_a_row` says so.
ENDPOINT_OF_ROUTE = {route_of(endpoint): endpoint for endpoint in ENDPOINTS}
WALKED = sorted(ENDPOINT_OF_ROUTE.items())
each_endpoint = pytest.mark.parametrize(
    "endpoint", [row for _, row in WALKED], ids=[" ".join(key) for key, _ in WALKED]
)


class Rows:
    """A config with a bound client, its profile, and a profile that nobody uses."""

    def __init__(self) -> None:
        slots = [{"name": "s", "type": "client", "required": True}]
        self.profile = make_profile(content_template="{{ .Device.ID }}", binding_slots=slots)
        self.unused = make_profile()
        self.config = make_config(profile=self.profile, external_id="device", name="as it was")
        make_binding(config=self.config, slot="s", resource_id=CLIENT_ID)

    def send(self, endpoint: Endpoint, caller: Api, *, in_capitals: bool = False, **more: Any) -> Any:
        """Make the call so that nothing but the caller's rights can stop it."""
        profile = self.unused if endpoint.name == "remove profile" else self.profile
        if endpoint.name == "bind":
            more["body"] = {"bindings": [{"slot": "s", "type": "client", "resource_id": CLIENT_ID}]}
        config_id, profile_id = str(self.config.pk), str(profile.pk)
        if in_capitals:
            config_id, profile_id = config_id.upper(), profile_id.upper()
        return endpoint.send(caller, config=config_id, profile=profile_id, **more)

    @staticmethod
    def count() -> int:
        """Return how many configs and profiles there are; three at first."""
        return Config.objects.count() + Profile.objects.count()


def success_of(endpoint: Endpoint) -> int:
    return 201 if endpoint.name in CREATING else 204 if endpoint.name in WITHOUT_CONTENT else 200


def everything() -> list[Any]:
    """All that a call could have changed."""
    return [list(model.objects.order_by("pk").values_list()) for model in (Config, Profile, BindingSnapshot)]


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is changed inside, so that the next call finds the same rows."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
