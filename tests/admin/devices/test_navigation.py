"""What all pages about one device share: its name, the way there, and the tabs that lead from one to the other."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from tests.support.pages import page_text
from tests.support.people import make_person
from tests.support.roles import ROLES
from tests.support.rows import DOMAIN, make_config, make_profile

pytestmark = pytest.mark.sqlite

#: The pages of a device, in the order of their tabs.
TABS = {
    "Device": "configs_config_change",
    "Bind": "configs_config_bind",
    "Refresh": "configs_config_refresh",
    "Preview": "configs_config_preview",
    "Rotate key": "configs_config_rotate_key",
    "History": "configs_config_history",
}
DELETE = "configs_config_delete"


def url_of(name, device) -> str:
    return reverse(f"admin:{name}", args=(device.pk,))


def part(response, start: str, end: str) -> str:
    """What stands between two pieces of a page."""
    found = re.search(f"{re.escape(start)}(.*?){re.escape(end)}", page_text(response), re.DOTALL)
    assert found, f"{start} is not on {response.request['PATH_INFO']}"
    return found[1]


def tabs(response) -> tuple[dict[str, str], list[str]]:
    """The tabs of a page by their words, and the words of those that are marked as the page itself."""
    nav = part(response, '<nav class="device-tabs"', "</nav>")
    found = re.findall(r'<a href="([^"]*)"( aria-current="page")?>([^<]*)</a>', nav)
    return {words: href for href, _mark, words in found}, [words for _href, mark, words in found if mark]


@pytest.mark.parametrize("words", TABS)
def test_every_page_of_a_device_has_the_same_tabs_and_marks_its_own(admin, device, words):
    shown, marked = tabs(admin.get(url_of(TABS[words], device)))

    assert shown == {tab: url_of(name, device) for tab, name in TABS.items()}
    assert marked == [words]


def test_the_page_that_asks_before_deleting_has_the_tabs_and_marks_none(admin, device):
    shown, marked = tabs(admin.get(url_of(DELETE, device)))

    assert (list(shown), marked) == (list(TABS), [])


@pytest.mark.parametrize(
    "permissions",
    [
        *ROLES.values(),
        {"configs.view_config"},
        {"configs.change_config"},
        {"configs.view_config", "configs.rotate_external_key"},
        {"configs.view_config", "enrollments.view_enrollment"},
        {"configs.change_config", "enrollments.view_enrollment", "enrollments.change_bindingsnapshot"},
        {"configs.view_config", "enrollments.change_bindingsnapshot", "enrollments.preview_enrollment"},
    ],
    ids=lambda permissions: "+".join(sorted(one.partition(".")[2] for one in permissions)),
)
def test_tabs_lead_to_all_that_somebody_may_open_and_to_nothing_else(device, permissions):
    person = make_person("pat", *(permission.partition(".")[2] for permission in permissions))
    answers = {tab: person.get(url_of(name, device)).status_code for tab, name in TABS.items()}
    first = next(tab for tab, status in answers.items() if status == 200)

    shown, _marked = tabs(person.get(url_of(TABS[first], device)))

    assert list(shown) == [tab for tab, status in answers.items() if status == 200]


@pytest.mark.parametrize("name", [*TABS.values(), DELETE])
@pytest.mark.parametrize("given", ["pi 5", ""], ids=["named", "nameless"])
def test_pages_of_a_device_are_titled_by_its_name_and_say_its_domain_beside(admin, name, given):
    device = make_config(name=given, external_id="pi-0005", profile=make_profile())

    response = admin.get(url_of(name, device))

    assert part(response, "<h1>", "</h1>") == (given or "pi-0005")
    assert DOMAIN in part(response, '<p class="device-facts">', "</p>")
    way = part(response, '<div class="breadcrumbs">', "</div>")
    assert (given or "pi-0005") in way
    assert DOMAIN not in way + part(response, "<title>", "</title>")


def test_the_way_to_a_device_leads_over_the_list_of_devices(device):
    person = make_person("pat", "view_config", "view_enrollment", "preview_enrollment")

    way = part(person.get(url_of(TABS["Preview"], device)), '<div class="breadcrumbs">', "</div>")

    links = re.findall('href="([^"]*)"', way)
    assert links == ["/admin/", "/admin/configs/config/", url_of(TABS["Device"], device)]
    assert [person.get(link).status_code for link in links] == [200, 200, 200]


def test_the_page_that_shows_a_new_key_leads_nowhere_by_tabs(admin, device):
    text = page_text(admin.post(url_of(TABS["Rotate key"], device), {"key_choice": "make"}))

    assert "This is the only time that the key is shown." in text
    assert "device-tabs" not in text


def test_the_log_tells_devices_of_one_name_apart_by_their_external_ids(admin):
    one, other = make_config(name="pump", external_id="p-1"), make_config(name="pump", external_id="p-2", domain_id="d")

    for device in (one, other):
        admin.post(url_of(DELETE, device), {"post": "yes"})

    assert {entry.object_repr for entry in LogEntry.objects.all()} == {"pump (p-1)", "pump (p-2)"}


def test_the_state_comes_first_then_the_form_with_its_buttons_then_the_panels(admin, device):
    text = page_text(admin.get(url_of(TABS["Device"], device)))

    places = [
        text.index(piece)
        for piece in ('class="device-state"', '<form method="post" id="config_form"', 'name="_save"', 'class="panels"')
    ]
    assert places == sorted(places)
    assert text.index("</form>", places[2]) < places[3] < text.index('id="slots"')
