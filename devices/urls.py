"""Routes for devices. An id is one path segment, so that nothing but an id can stand there."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, path
from django.urls.resolvers import RegexPattern

from devices.views import bootstrap_by_external_id, bootstrap_by_external_key, bootstrap_secure

_PLAIN: Final = "clients/bootstrap/<str:external_id>"
_SECURE: Final = "clients/bootstrap/secure/<str:external_id>"


class _SpareSlashes(RegexPattern):
    """A route that firmware missed by a slash: no id holds one, so it can mean one thing alone."""

    def __init__(self, regex: str, *, route: str) -> None:
        super().__init__(regex, is_endpoint=True)
        self._route = route

    def __str__(self) -> str:
        # In metrics and the log it is the route that was meant.
        return self._route


urlpatterns = [
    path(_PLAIN, bootstrap_by_external_id, name="device-bootstrap"),
    path("clients/bootstrap", bootstrap_by_external_key, name="device-bootstrap-by-key-bare"),
    path("clients/bootstrap/", bootstrap_by_external_key, name="device-bootstrap-by-key"),
    path(_SECURE, bootstrap_secure, name="device-bootstrap-secure"),
    # What is a place of our own with nothing behind it is no id.
    URLPattern(
        _SpareSlashes(
            r"^clients/bootstrap/+(?!(?:secure|challenges|configurations|report)/+\Z)(?P<external_id>[^/]+)/*\Z",
            route=_PLAIN,
        ),
        bootstrap_by_external_id,
        name="device-bootstrap-spare-slashes",
    ),
    URLPattern(
        _SpareSlashes(r"^clients/bootstrap/+secure/+(?P<external_id>[^/]+)/*\Z", route=_SECURE),
        bootstrap_secure,
        name="device-bootstrap-secure-spare-slashes",
    ),
]
