"""Every route of the URL configuration has its row in the tests that walk over all of them."""

from __future__ import annotations

from bootstrap_project.api.viewsets import DomainScopedViewSet
from tests.api.routes import (
    ENDPOINT_OF_ROUTE,
    OPEN_ROUTES,
    ROUTES,
    every_pattern,
)


def test_every_route_below_a_domain_has_a_row():
    assert len(ROUTES) >= 20
    assert set(ROUTES) == set(ENDPOINT_OF_ROUTE), "add an Endpoint to tests/support/api.py for each new route"


def test_every_other_route_is_meant_to_need_no_operator():
    plain = {pattern.name for pattern in every_pattern() if not getattr(pattern.callback, "actions", None)}

    assert plain == OPEN_ROUTES


def test_every_route_below_a_domain_asks_for_an_operator():
    for pattern in every_pattern():
        if getattr(pattern.callback, "actions", None):
            view = pattern.callback.cls  # type: ignore[attr-defined]
            assert issubclass(view, DomainScopedViewSet), pattern.name
            assert view.authentication_classes == DomainScopedViewSet.authentication_classes
            assert view.permission_classes == DomainScopedViewSet.permission_classes
            assert "domain_id" in pattern.pattern.regex.groupindex
