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
from tests.browser.sessions import SIGNED_OUT, end_session, sign_in_elsewhere
from tests.support.rows import make_config, make_profile
from tests.support.sandbox import SandboxProcess

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


def open_bind_page(person: Person, device: Config, *, with_script: bool = True) -> None:
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/change/")
    tabs = person.page.get_by_role("navigation", name="Pages of the device")
    tabs.get_by_role("link", name="Bind", exact=True).click()
    if with_script:
        await_script(person.page)


def await_script(page: Any) -> None:
    """Wait until the boxes are lists to choose from."""
    expect(page.get_by_role("combobox")).to_have_count(len(SLOTS))


def choose(page: Any, slot: str, typed: str, name: str) -> None:
    """Type a part of a name into a slot's box and take the resource of that name by a click."""
    page.get_by_label(slot).press_sequentially(typed)
    page.get_by_role("option", name=name).click()
    expect(page.get_by_label(slot)).to_have_value(name)


def test_slots_are_bound_by_name_and_refreshed_by_clicks(platform, person, device):
    page = person.page
    open_bind_page(person, device)
    person.picture("bind")
    page.get_by_label("mqtt_client").press_sequentially("rasp")
    expect(page.get_by_role("option")).to_have_count(1)
    expect(page.get_by_role("option")).to_contain_text(seed.CLIENT_ID)
    expect(page.get_by_role("option")).to_contain_text("enabled")
    person.picture("bind-choosing")
    page.get_by_role("option").click()
    choose(page, "telemetry", "TEMPERATURE", seed.TELEMETRY_CHANNEL_NAME)
    person.picture("bind-chosen")
    page.get_by_role("button", name="Bind", exact=True).click()

    expect(page.get_by_text("Bound 2 slots.")).to_be_visible()
    expect(page.locator(".messagelist .result")).to_have_count(2)
    expect(page.locator(".messagelist")).to_contain_text("connected with the client of mqtt_client")
    expect(page.get_by_role("row", name="telemetry")).to_contain_text(seed.TELEMETRY_CHANNEL_NAME)
    person.picture("bound")
    assert dict(BindingSnapshot.objects.values_list("slot", "resource_id")) == {
        "mqtt_client": seed.CLIENT_ID,
        "telemetry": seed.TELEMETRY_CHANNEL_ID,
    }

    platform.change_everything()
    platform.platform(
        "PATCH",
        f"/{seed.DOMAIN_ID}/channels/{seed.TELEMETRY_CHANNEL_ID}",
        platform.token(),
        {"name": "warehouse-2-temperature"},
    )
    page.get_by_role("link", name="Refresh", exact=True).click()
    person.picture("refresh")
    page.get_by_role("button", name="Refresh", exact=True).click()
    expect(page.get_by_text("2 slots changed.")).to_be_visible()
    expect(page.get_by_role("row", name="mqtt_client")).to_contain_text("secret changed")
    expect(page.locator("ins", has_text="warehouse-2-temperature")).to_be_visible()
    person.picture("refreshed")
    assert seed.CLIENT_SECRET not in page.content()

    page.get_by_role("link", name="Preview").click()
    expect(page.locator("#preview-content")).to_contain_text("warehouse-2-temperature")
    page.set_viewport_size({"width": 360, "height": 780})
    person.open(f"/admin/configs/config/{device.pk}/bind/")
    await_script(page)
    page.get_by_label("commands").press_sequentially("w")
    expect(page.get_by_role("option")).to_have_count(2)
    person.picture("phone-bind-choosing")
    assert person.overflow() <= 0


def test_the_keyboard_is_enough_to_bind(platform, person, device):
    page = person.page
    open_bind_page(person, device)
    box = page.get_by_label("telemetry")
    box.focus()
    expect(box).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option")).to_have_count(2)
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowUp")
    last = page.get_by_role("option").last
    expect(last).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", last.get_attribute("id") or "")
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    page.keyboard.type("pi-comm")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value(seed.COMMANDS_CHANNEL_NAME)
    expect(page.get_by_role("option")).to_have_count(0)
    # Escape on a closed list empties the box, and so what would be bound.
    page.keyboard.press("Escape")
    expect(box).to_have_value("")
    page.keyboard.type(seed.TELEMETRY_CHANNEL_NAME)
    expect(page.get_by_role("option")).to_have_count(1)
    # Whoever typed the whole name meant it.
    page.keyboard.press("Tab")
    expect(page.locator("#slot-telemetry .combobox-chosen")).to_have_text(seed.TELEMETRY_CHANNEL_ID)
    box.focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("Bound 1 slot.")).to_be_visible()
    assert BindingSnapshot.objects.get().resource_id == seed.TELEMETRY_CHANNEL_ID


def test_what_was_found_for_another_text_cannot_be_taken(platform, person, device):
    """However soon somebody goes on to type, clicks or presses Enter."""
    page = person.page
    open_bind_page(person, device)
    box = page.get_by_label("telemetry")
    box.press_sequentially("w")
    expect(page.get_by_role("option")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.get_by_role("option").first.evaluate(
        """(option, box) => {
            box.value = "pi-comm";
            box.dispatchEvent(new Event("input"));
            option.click();
            box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", cancelable: true }));
        }""",
        box.element_handle(),
    )
    expect(box).to_have_value("pi-comm")
    expect(page.locator("#slot-telemetry .combobox-chosen")).to_have_text("")
    expect(page.get_by_role("option")).to_have_count(1)
    page.get_by_role("option", name=seed.COMMANDS_CHANNEL_NAME).click()
    expect(box).to_have_value(seed.COMMANDS_CHANNEL_NAME)


def test_an_id_is_pasted_and_told_by_its_name(platform, person, device):
    page = person.page
    open_bind_page(person, device)
    page.get_by_label("mqtt_client").fill(seed.CLIENT_ID)
    expect(page.get_by_label("mqtt_client")).to_have_value(seed.CLIENT_NAME)
    page.get_by_label("telemetry").fill(seed.OTHER_CHANNEL_ID)
    expect(page.get_by_text("There is no channel of this id in the device's domain.")).to_be_visible()
    page.get_by_role("button", name="Bind", exact=True).click()

    expect(page.get_by_role("row", name="telemetry")).to_contain_text("check the id")
    # What was chosen by name is still told by name.
    expect(page.get_by_label("mqtt_client")).to_have_value(seed.CLIENT_NAME)
    expect(page.get_by_label("telemetry")).to_be_focused()
    person.picture("bind-refused")
    assert not BindingSnapshot.objects.exists()


def test_a_disabled_client_is_shown_and_cannot_be_chosen(platform, person, device):
    path = f"/{seed.DOMAIN_ID}/clients/{seed.CLIENT_ID}/disable"
    assert platform.platform("POST", path, platform.token()).ok
    page = person.page
    open_bind_page(person, device)
    page.get_by_label("mqtt_client").press_sequentially("rasp")
    expect(page.get_by_role("option")).to_contain_text("disabled")
    page.get_by_role("option").click(force=True)

    expect(page.get_by_text("enable it in Magistrala, or choose another")).to_be_visible()
    person.picture("bind-disabled")


def test_an_outage_while_choosing_is_told_in_the_list(platform, person, device):
    page = person.page
    open_bind_page(person, device)
    platform.faults({"kind": "status", "status": 503, "match": {"service": "channels"}})
    page.get_by_label("telemetry").press_sequentially("temp")

    expect(page.locator(".combobox-note.error")).to_contain_text("try again")
    expect(page.locator(".combobox-note.error")).to_contain_text("You can also paste an id.")
    person.picture("bind-lookup-outage")
    platform.faults()
    page.keyboard.press("ArrowDown")
    page.keyboard.type("e")
    page.get_by_role("option", name=seed.TELEMETRY_CHANNEL_NAME).click()
    page.get_by_role("button", name="Bind", exact=True).click()
    expect(page.get_by_text("Bound 1 slot.")).to_be_visible()


def test_an_outage_in_the_middle_of_a_bind_leaves_the_form_filled(platform, person, device):
    page = person.page
    open_bind_page(person, device)
    choose(page, "mqtt_client", "rasp", seed.CLIENT_NAME)
    choose(page, "telemetry", "temp", seed.TELEMETRY_CHANNEL_NAME)
    platform.faults({"kind": "status", "status": 503, "match": {"service": "channels"}})
    page.get_by_role("button", name="Bind", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was bound; what you typed is still here.")
    expect(page.get_by_role("alert")).to_contain_text("try the same again")
    await_script(page)
    expect(page.get_by_label("mqtt_client")).to_have_value(seed.CLIENT_NAME)
    expect(page.get_by_label("telemetry")).to_have_value(seed.TELEMETRY_CHANNEL_NAME)
    person.picture("bind-outage")
    assert not BindingSnapshot.objects.exists()

    platform.faults()
    page.get_by_role("button", name="Bind", exact=True).click()
    expect(page.get_by_text("Bound 2 slots.")).to_be_visible()
    assert BindingSnapshot.objects.count() == 2


def test_slots_are_bound_after_signing_in_again_in_another_tab(platform, person, device):
    page = person.page
    open_bind_page(person, device)
    end_session(person)
    page.get_by_label("mqtt_client").press_sequentially("rasp")
    expect(page.locator(".combobox-note.error")).to_contain_text(SIGNED_OUT)
    sign_in_elsewhere(person)

    page.get_by_label("mqtt_client").press_sequentially("b")
    page.get_by_role("option", name=seed.CLIENT_NAME).click()
    end_session(person)
    page.get_by_role("button", name="Bind", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("then press Bind again")
    person.picture("bind-signed-out")
    sign_in_elsewhere(person)
    page.get_by_role("button", name="Bind", exact=True).click()

    expect(page.get_by_text("Bound 1 slot.")).to_be_visible()
    assert BindingSnapshot.objects.get().resource_id == seed.CLIENT_ID


def test_binding_works_without_scripts(platform, person, device, chromium):
    person.log_in()
    context = chromium.new_context(java_script_enabled=False, storage_state=person.page.context.storage_state())
    page = context.new_page()
    page.goto(f"{person.url}/admin/configs/config/{device.pk}/bind/")
    page.get_by_label("mqtt_client").fill(seed.CLIENT_ID)
    page.get_by_role("button", name="Bind", exact=True).click()

    expect(page.get_by_text("Bound 1 slot.")).to_be_visible()
    assert BindingSnapshot.objects.get().resource_id == seed.CLIENT_ID
    context.close()


def test_without_a_credential_the_page_says_what_to_set(person, device, settings):
    settings.SERVICE_TOKEN = settings.SERVICE_USERNAME = settings.SERVICE_PASSWORD = ""
    open_bind_page(person, device, with_script=False)

    expect(person.page.get_by_text("MG_BOOTSTRAP_TOKEN")).to_be_visible()
    person.picture("bind-no-credential")


def test_there_is_nothing_serious_to_say_about_accessibility(platform, person, device):
    page = person.page
    open_bind_page(person, device)
    page.get_by_label("telemetry").press_sequentially("w")
    expect(page.get_by_role("option")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    person.check_accessibility()
    for name in ("change", "refresh", "preview"):
        person.open(f"/admin/configs/config/{device.pk}/{name}/")
        person.check_accessibility()
