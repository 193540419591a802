"""The sections of a device's page."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory

from bootstrap_project.admin.devices.admin import DevicePage
from bootstrap_project.admin.devices.sections import Panel, PanelBody, Problem, problems_of, shown_panels

TEMPLATE = "admin/configs/config/panels/problems.html"


def request_of(user):
    request = RequestFactory().get("/")
    request.user = user
    return request


def body_of(*problems):
    return lambda request, original: PanelBody(TEMPLATE, {"problems": problems}, problems)


def test_panels_come_in_their_order_and_without_those_that_have_nothing_to_show():
    panels = [
        Panel("early", "Early", body_of()),
        Panel("none", "None", lambda request, original: None),
        Panel("late", "Late", body_of()),
    ]

    shown = shown_panels(panels, request_of(AnonymousUser()), object())

    assert [panel.name for panel in shown] == ["early", "late"]


def test_a_panel_without_its_permission_shows_nothing_but_its_problems():
    problem = Problem("A slot is unbound.")
    panels = [Panel("slots", "Slots", body_of(problem), permission="enrollments.view_enrollment")]

    (allowed,) = shown_panels(panels, request_of(User(is_superuser=True, is_active=True)), object())
    (refused,) = shown_panels(panels, request_of(AnonymousUser()), object())

    assert "A slot is unbound." in allowed.html
    assert refused.html == ""
    assert problems_of([refused]) == [problem]


def test_no_two_sections_of_a_devices_page_share_an_id():
    names = [panel.name for panel in DevicePage.panels]

    assert len(names) == len(set(names)) == 3
