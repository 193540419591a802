"""Binding and refreshing by clicks, against the sandbox, with the service's own credential."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from bootstrap_project.magistrala.credential import reset_credential
from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.models import BindingSnapshot
from tests.browser.conftest import Person
from tests.factories import make_config, make_profile
from tests.magistrala.sandbox_process import SandboxProcess

SLOTS = [
    {"name": "mqtt_client", "type": "client", "required": True},
    {"name": "telemetry", "type": "channel", "required": True},
    {"name": "commands", "type": "channel", "required": False},
]
TEMPLATE = '{"topic": "{{ .Bindings.telemetry.Snapshot.name }}", "user": "{{ .Bindings.mqtt_client.ID }}"}'


@pytest.fixture
def platform(sandbox: SandboxProcess, settings: Any) -> Iterator[SandboxProcess]:
    """The sandbox, where the service signs in as the seeded operator."""
    settings.SERVICE_TOKEN = ""
    settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = seed.OPERATOR, seed.OPERATOR_PASSWORD
    reset_credential()
    yield sandbox
    reset_credential()


@pytest.fixture
def device(transactional_db: None) -> Config:
    """A Raspberry Pi with a profile and nothing bound."""
    profile = make_profile(name="raspberry-pi", binding_slots=SLOTS, content_template=TEMPLATE, template_format="json")
    return make_config(name="boiler room", external_id="b8:27:eb:00:00:01", profile=profile)


def open_bind_page(person: Person, device: Config) -> None:
    person.log_in()
    person.open(f"/admin/enrollments/enrollment/{device.pk}/change/")
    person.page.get_by_role("link", name="Bind", exact=True).click()


def test_slots_are_bound_and_refreshed_by_clicks(platform, person, device):
    page = person.page
    open_bind_page(person, device)
    person.picture("bind")
    page.get_by_label("mqtt_client").fill(seed.CLIENT_ID)
    page.get_by_label("telemetry").fill(seed.TELEMETRY_CHANNEL_ID)
    page.get_by_role("button", name="Bind", exact=True).click()

    expect(page.get_by_text("Bound 2 slots.")).to_be_visible()
    expect(page.locator(".messagelist .result")).to_have_count(2)
    expect(page.locator(".field-required_slots")).to_contain_text("2 of 2")
    person.picture("bound")

    platform.change_everything()
    platform.platform(
        "PATCH",
        f"/{seed.DOMAIN_ID}/channels/{seed.TELEMETRY_CHANNEL_ID}",
        platform.token(),
        {"name": "warehouse-2-temperature"},
    )
    page.get_by_role("button", name="Refresh", exact=True).click()
    expect(page.get_by_text("2 slots changed.")).to_be_visible()
    expect(page.get_by_role("row", name="mqtt_client")).to_contain_text("secret changed")
    expect(page.locator("ins", has_text="warehouse-2-temperature")).to_be_visible()
    person.picture("refreshed")
    assert seed.CLIENT_SECRET not in page.content()

    page.get_by_role("link", name="Preview").click()
    expect(page.locator("pre.document")).to_contain_text("warehouse-2-temperature")
    page.set_viewport_size({"width": 390, "height": 844})
    person.open(f"/admin/enrollments/enrollment/{device.pk}/bind/")
    person.picture("phone-bind-bound")


def test_an_outage_in_the_middle_of_a_bind_leaves_the_form_filled(platform, person, device):
    page = person.page
    open_bind_page(person, device)
    page.get_by_label("mqtt_client").fill(seed.CLIENT_ID)
    page.get_by_label("telemetry").fill(seed.TELEMETRY_CHANNEL_ID)
    platform.faults({"kind": "status", "status": 503, "match": {"service": "channels"}})
    page.get_by_role("button", name="Bind", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was bound; what you typed is still here.")
    expect(page.get_by_role("alert")).to_contain_text("try the same again")
    expect(page.get_by_label("mqtt_client")).to_have_value(seed.CLIENT_ID)
    expect(page.get_by_label("telemetry")).to_have_value(seed.TELEMETRY_CHANNEL_ID)
    person.picture("bind-outage")
    assert not BindingSnapshot.objects.exists()

    platform.faults()
    page.get_by_role("button", name="Bind", exact=True).click()
    expect(page.get_by_text("Bound 2 slots.")).to_be_visible()
    assert BindingSnapshot.objects.count() == 2


def test_without_a_credential_the_page_says_what_to_set(person, device, settings):
    settings.SERVICE_TOKEN = settings.SERVICE_USERNAME = settings.SERVICE_PASSWORD = ""
    open_bind_page(person, device)

    expect(person.page.get_by_text("MG_BOOTSTRAP_TOKEN")).to_be_visible()
    person.picture("bind-no-credential")
