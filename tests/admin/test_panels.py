"""The registry of panels that higher apps put onto a page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory

from bootstrap_project.adminsite.panels import Panel, PanelBody, PanelPlace, Problem, problems_of

TEMPLATE = "admin/configs/config/panels/problems.html"


def request_of(user):
    request = RequestFactory().get("/")
    request.user = user
    return request


def body_of(*problems):
    return lambda request, original: PanelBody(TEMPLATE, {"problems": problems}, problems)


def test_panels_come_in_their_order_and_without_those_that_have_nothing_to_show():
    place = PanelPlace()
    place.register(Panel("late", "Late", body_of(), order=20))
    place.register(Panel("none", "None", lambda request, original: None))
    place.register(Panel("early", "Early", body_of(), order=10))

    assert [panel.name for panel in place.shown(request_of(AnonymousUser()), object())] == ["early", "late"]


def test_a_panel_without_its_permission_shows_nothing_but_its_problems():
    place = PanelPlace()
    problem = Problem("A slot is unbound.")
    place.register(Panel("slots", "Slots", body_of(problem), permission="enrollments.view_enrollment"))

    (allowed,) = place.shown(request_of(User(is_superuser=True, is_active=True)), object())
    (refused,) = place.shown(request_of(AnonymousUser()), object())

    assert "A slot is unbound." in allowed.html
    assert refused.html == ""
    assert problems_of([refused]) == [problem]


def test_two_panels_cannot_share_a_name():
    place = PanelPlace()
    place.register(Panel("slots", "Slots", body_of()))

    with pytest.raises(ValueError, match="'slots' already"):
        place.register(Panel("slots", "Others", body_of()))
    place.unregister("slots")
    assert place.panels() == []
