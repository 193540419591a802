"""The home page and the list of devices, by clicks and by keys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from playwright.sync_api import expect

from bootstrap_project.admin.home.cache import memo
from bootstrap_project.admin.home.platform import probe
from configs.models import Config
from tests.support.attempts import make_attempt, remember
from tests.support.rows import make_binding, make_config, make_profile

SLOTS = [{"name": "mqtt", "type": "client", "required": True}]


@pytest.fixture
def fleet(person) -> list[Config]:
    """Devices in several states, with a week of calls."""
    memo.clear()
    probe.forget()
    now = timezone.now()
    profile = make_profile(name="thermometer", binding_slots=SLOTS, version=3)
    configs = []
    for number in range(6):
        config = make_config(name=f"pump {number}", external_id=f"sn-{number:03}", external_key="k", profile=profile)
        if number:
            make_binding(config=config, slot="mqtt")
        configs.append(config)
    configs.append(make_config(name="lamp", external_id="sn-lamp", status="disabled"))
    remember(
        *(
            make_attempt(
                configs[1 + hours % 3].pk,
                external_id=configs[1 + hours % 3].external_id,
                when=now - timedelta(hours=hours),
                profile_version=2 + hours % 2,
            )
            for hours in range(1, 150, 2)
        ),
        make_attempt(
            configs[4].pk,
            external_id="sn-004",
            outcome="render_failed",
            status=422,
            error_id="e-12345678",
            when=now + timedelta(seconds=1),
        ),
        make_attempt(None, external_id="stranger", outcome="refused", error_id="e-2", when=now),
    )
    return configs


def test_numbers_failures_and_the_platform_stand_on_the_home_page(person, fleet, sandbox):
    person.log_in()

    expect(person.page.locator(".home-platform")).to_contain_text("Magistrala answers.")
    expect(person.page.get_by_role("img", name="Calls of devices. The last 24 hours, by hour")).to_be_visible()
    person.page.get_by_text("As a table").first.click()
    expect(person.page.get_by_role("table").first).to_contain_text("Got a configuration")
    person.picture("home")
    person.page.get_by_role("link", name="1 slot unbound").click()
    expect(person.page.locator("#result_list tbody tr")).to_have_count(1)
    expect(person.page.locator("#result_list")).to_contain_text("unbound: mqtt")
    person.picture("devices-unbound")


def test_an_error_id_is_found_by_keys_alone(person, fleet):
    person.log_in()

    person.page.get_by_label("Find a device or a call").focus()
    person.page.keyboard.type("e-12345678")
    person.page.keyboard.press("Enter")

    expect(person.page.locator("#content")).to_contain_text("Its configuration could not be made.")


def test_all_devices_of_a_search_are_disabled_after_a_page_that_asks(person, fleet):
    person.log_in()
    person.open("/admin/configs/config/?q=pump")
    person.picture("devices")

    person.page.get_by_label("Select all objects on this page for an action").check()
    person.page.get_by_label("Action:").select_option("disable_selected")
    person.page.get_by_role("button", name="Go").click()
    expect(person.page.locator("#content")).to_contain_text("6 devices will be disabled.")
    person.picture("disable")
    person.page.get_by_role("button", name="Disable").click()

    expect(person.page.locator(".messagelist")).to_contain_text("6 devices disabled.")
    assert Config.objects.filter(status="disabled").count() == 7
    assert LogEntry.objects.count() == 6


def test_a_profile_is_assigned_to_several(person, fleet):
    other = make_profile(name="barometer")
    person.log_in()
    person.open("/admin/configs/config/?q=sn-00")

    person.page.get_by_label("Select all objects on this page for an action").check()
    person.page.get_by_label("Action:").select_option("assign_profile")
    person.page.get_by_role("button", name="Go").click()
    person.page.get_by_label("Profile:").select_option(str(other.pk))
    person.page.get_by_role("button", name="Continue").click()
    expect(person.page.locator("#content")).to_contain_text("6 devices will get barometer v1")
    person.picture("assign")
    person.page.get_by_role("button", name="Assign").click()

    expect(person.page.locator(".messagelist")).to_contain_text("6 devices got barometer v1.")
    assert Config.objects.filter(profile=other).count() == 6


def test_devices_are_exported(person, fleet):
    person.log_in()
    person.open("/admin/configs/config/")

    person.page.get_by_label("Select all objects on this page for an action").check()
    person.page.get_by_label("Action:").select_option("export")
    person.page.get_by_role("button", name="Go").click()
    person.page.get_by_label("JSON, one list of objects").check()
    with person.page.expect_download() as download:
        person.page.get_by_role("button", name="Export").click()

    assert download.value.suggested_filename.endswith(".json")


@pytest.mark.parametrize("page", ["/admin/", "/admin/configs/config/", "/admin/devices/bootstrapattempt/"])
def test_pages_fit_a_phone(person, fleet, page):
    person.page.set_viewport_size({"width": 360, "height": 780})
    person.log_in()

    person.open(page)

    person.picture(f"phone{page.replace('/', '-')}")
    assert person.overflow() <= 0
