"""The preview as a person meets it: what is missing and where, the secrets on request, and the file."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from django.contrib.admin.models import LogEntry
from playwright.sync_api import expect

from configs.models import Config
from profiles.models import Profile
from tests.browser.conftest import Person
from tests.support.rows import EXTERNAL_KEY, make_binding, make_config, make_profile

SECRET = "s3cr3t-of-the-client"
SLOTS = [
    {"name": "mqtt", "type": "client", "required": True},
    {"name": "telemetry", "type": "channel", "required": True},
]
TEMPLATE = """{
  "device_id": {{ toJSON .Device.ID }},
  "site": {{ toJSON .Vars.site }},
  "interval": {{ .Vars.interval }},
  "on": true,
  "mqtt": {
    "username": {{ toJSON .Bindings.mqtt.ID }},
    "password": {{ toJSON .Bindings.mqtt.Secret.secret }}
  },
  "topic": {{ toJSON .Bindings.telemetry.Snapshot.topic }}
}
"""


@pytest.fixture
def device(transactional_db: None) -> Config:
    """A Raspberry Pi that lacks a variable and a channel."""
    profile = make_profile(
        name="raspberry-pi",
        binding_slots=SLOTS,
        content_template=TEMPLATE,
        template_format="json",
        defaults={"interval": 30, "limits": {"low": 5, "high": 80}},
    )
    config = make_config(
        name="boiler room",
        external_id="b8:27:eb:00:00:01",
        profile=profile,
        client_cert="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        client_key="-----BEGIN PRIVATE KEY-----\nMC4CAQA\n-----END PRIVATE KEY-----\n",
    )
    make_binding(
        config=config,
        slot="mqtt",
        resource_id="6b5f5f74-f3b1-4b78-9d9a-4b7d9b0f2d11",
        snapshot={"id": "6b5f5f74-f3b1-4b78-9d9a-4b7d9b0f2d11", "name": "raspberry-pi-warehouse-1"},
        secret={"secret": SECRET},
    )
    return config


def complete(device: Config) -> None:
    """Give the device what it lacks."""
    Config.objects.filter(pk=device.pk).update(render_context={"site": "boiler <room> & more"})
    make_binding(config=device, slot="telemetry", type="channel", snapshot={"topic": "warehouse-1-temperature"})


def open_preview(person: Person, device: Config) -> None:
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/preview/")


def fetched(person: Person, device: Config) -> bytes:
    """What the device's endpoint answers."""
    headers = {"Authorization": f"Client {EXTERNAL_KEY}"}
    with urlopen(Request(f"{person.url}/clients/bootstrap/{device.external_id}", headers=headers)) as response:
        return bytes(response.read())


def test_everything_that_is_missing_leads_to_what_mends_it(person, device):
    page = person.page
    open_preview(person, device)

    expect(page.get_by_role("alert")).to_contain_text("Bind these first: telemetry.")
    items = page.locator("ol.problems > li")
    expect(items).to_have_count(2)
    expect(items.last).to_contain_text("Line 10, column")
    expect(items.last).to_contain_text("^")
    expect(items.first).to_contain_text("Line 3, column")
    person.picture("preview-missing")
    items.first.get_by_role("link", name="the device's variables").click()
    expect(page.locator("#id_render_context")).to_be_in_viewport()
    page.go_back()
    items.last.get_by_role("link", name="bind slot telemetry").click()
    expect(page.locator("#slot-telemetry")).to_be_in_viewport()
    assert page.url.endswith("/bind/#slot-telemetry")


def test_secrets_are_shown_on_request_and_what_is_downloaded_is_what_the_device_gets(person, device):
    complete(device)
    Config.objects.filter(pk=device.pk).update(status="disabled")
    page = person.page
    open_preview(person, device)
    expect(page.get_by_text("The device is disabled")).to_be_visible()
    Config.objects.filter(pk=device.pk).update(status="enabled")
    page.reload()
    expect(page.locator("#preview-content")).to_contain_text('"password": "masked00"')
    assert SECRET not in page.content()
    person.picture("preview-masked")

    page.get_by_role("button", name="Reveal secrets").click()
    expect(page.get_by_text("Secrets are shown.")).to_be_visible()
    expect(page.locator("#preview-content")).to_contain_text(SECRET)
    person.picture("preview-revealed")
    assert "Revealed secrets of slot mqtt, the client key" in LogEntry.objects.get().change_message
    page.get_by_text("The whole answer as it is sent").click()

    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download whole answer").click()
    answer = fetched(person, device)
    assert Path(waiting.value.path()).read_bytes() == answer
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download content").click()
    assert waiting.value.suggested_filename == "b8-27-eb-00-00-01.json"
    content = Path(waiting.value.path()).read_bytes()
    assert content.decode() == json.loads(answer)["content"]
    assert page.locator("#preview-content").evaluate("element => element.textContent") == content.decode()

    page.get_by_role("link", name="Mask secrets").click()
    expect(page.locator("#preview-content")).to_contain_text('"password": "masked00"')
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download content").click()
    assert waiting.value.suggested_filename == "b8-27-eb-00-00-01.masked.json"
    assert Path(waiting.value.path()).read_text() == content.decode().replace(SECRET, "masked00")


def test_the_content_is_copied_to_the_letter(person, device):
    complete(device)
    page = person.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_preview(person, device)
    page.get_by_role("button", name="Copy content").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("Copied.")).to_be_visible()
    shown = page.locator("#preview-content").evaluate("element => element.textContent")
    assert page.evaluate("navigator.clipboard.readText()") == shown


def test_a_text_that_breaks_its_format_is_shown_with_its_place(person, device):
    complete(device)
    Profile.objects.update(content_template='{\n  "a": 1,\n  "b": {{ .Vars.interval }}\n  "c": 2\n}\n')
    page = person.page
    open_preview(person, device)

    expect(page.get_by_role("alert")).to_contain_text("The rendered text is not valid JSON.")
    expect(page.locator("ol.problems")).to_contain_text("Line 4, column 3 of the output")
    person.picture("preview-broken-output")


def test_previews_fit_a_phone_and_the_dark(person, device):
    page = person.page
    page.set_viewport_size({"width": 360, "height": 780})
    page.emulate_media(color_scheme="dark")
    open_preview(person, device)
    person.picture("phone-preview-missing")
    assert person.overflow() <= 0
    complete(device)
    page.reload()
    person.picture("phone-preview")
    assert person.overflow() <= 0
