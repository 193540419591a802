"""The operators' first walk through the admin, by clicks and by keys."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from configs.models import Config
from devices.models import BootstrapAttempt
from profiles.models import Profile
from tests.browser.conftest import PASSWORD
from tests.browser.keyboard import tab_to, type_json
from tests.support.rows import DOMAIN, make_binding, make_config, make_profile

SLOTS: list[dict[str, Any]] = [
    {"name": "mqtt", "type": "client", "required": True, "fields": ["id", "identity", "secret"]},
    {"name": "telemetry", "type": "channel", "required": True},
    {"name": "alarms", "type": "channel", "required": False},
]
TEMPLATE = '{\n  "device_id": "{{ .Device.ID }}",\n  "site": {{ toJSON .Vars.site }}\n}\n'


def test_devices_are_listed_searched_and_disabled(person):
    profile = make_profile(name="raspberry-pi-temperature", content_template=TEMPLATE, defaults={"site": "lab"})
    for number in range(12):
        make_config(
            name=f"sensor {number:02}",
            external_id=f"00:1a:7d:da:71:{number:02x}",
            profile=profile if number % 3 else None,
            status="disabled" if number % 4 == 3 else "enabled",
            last_bootstrap_at=timezone.now() if number % 2 else None,
            last_bootstrap_outcome="render_failed" if number % 2 else "",
            last_bootstrap_profile_version=12 if number % 2 else None,
        )
    page = person.page
    person.log_in()
    person.picture("home")

    page.get_by_role("link", name="Devices", exact=True).last.click()
    expect(page.locator("#result_list tbody tr")).to_have_count(12)
    page.set_viewport_size({"width": 1200, "height": 900})
    person.picture("devices")
    assert person.overflow("#changelist .results") <= 0
    page.locator("#searchbar").fill("71:05")
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)

    page.get_by_role("checkbox", name="Select this object for an action").check()
    page.get_by_label("Action:").select_option(label="Disable…")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(page.get_by_text("1 device will be disabled.")).to_be_visible()
    page.get_by_role("button", name="Disable", exact=True).click()

    expect(page.get_by_text("1 device disabled.")).to_be_visible()
    expect(page.locator("#result_list .field-state .badge")).to_have_text("disabled")
    person.picture("device-disabled")
    assert Config.objects.get(external_id="00:1a:7d:da:71:05").status == "disabled"


@pytest.mark.parametrize("path", ["configs/config", "devices/bootstrapattempt"])
def test_the_dates_of_a_filter_are_shown_whole(person, path):
    make_config()
    BootstrapAttempt.objects.create(at=timezone.now(), variant="plain", outcome="ok", status=200, duration=0.002)
    page = person.page
    person.log_in()
    person.open(f"/admin/{path}/")
    dates = page.locator(".moment-range input[type=date]")
    dates.first.fill("2026-12-31")
    person.picture(f"dates-{path.replace('/', '-')}")

    for date in dates.all():
        missing = date.evaluate(
            "box => { const given = box.offsetWidth; box.style.width = 'max-content'; return box.offsetWidth - given; }"
        )
        assert missing <= 0, f"{missing} pixels of the date are cut"


def test_a_broken_template_is_found_mended_and_given_to_a_new_device(person):
    page = person.page
    person.log_in()
    person.open("/admin/profiles/profile/add/")
    page.get_by_label("Name:", exact=True).fill("raspberry-pi")
    page.get_by_label("Domain:").fill(DOMAIN)
    page.get_by_label("Format:").select_option("json")
    person.write("Template:", TEMPLATE.replace("toJSON", "toJson"))
    for number, slot in enumerate(SLOTS):
        page.get_by_role("button", name="Add a slot").click()
        row = page.locator("[data-slot]").nth(number)
        row.get_by_label("Name of the slot").fill(slot["name"])
        row.get_by_label("Type").select_option(slot["type"])
        row.get_by_label("Required").set_checked(slot["required"])
        row.get_by_label("Fields").fill(", ".join(slot.get("fields", [])))
    person.write("Defaults:", '{"site": "lab"}')
    person.save()

    error = page.locator(".field-content_template .errorlist")
    expect(error).to_contain_text('Function "toJson" not defined')
    page.wait_for_load_state()  # The link leads into the editor once the script is there.
    error.get_by_role("link", name="Line 3, column 14").click()
    expect(page.get_by_label("Template:")).to_be_focused()
    expect(page.locator(".field-content_template .ace_error")).to_have_text("3")
    person.picture("template-error")
    person.write("Template:", TEMPLATE.replace("toJSON .Vars.site", "toJSON .Vars.sitee"))
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("link", name="5 warnings").click()
    marked = page.locator("#template-lines li", has_text="required-variable")
    expect(marked).to_contain_text("did you mean site?")
    expect(page.locator("#template-lines")).to_be_in_viewport()
    person.picture("template-warnings")
    marked.get_by_role("link", name="required-variable").click()
    expect(page.locator("h3#required-variable")).to_be_in_viewport()
    person.picture("lint-rules")
    page.go_back()
    person.write("Template:", TEMPLATE)
    person.save()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    expect(page.get_by_role("link", name="3 warnings")).to_be_visible()
    person.picture("profiles")
    assert Profile.objects.get().content_template == TEMPLATE

    person.open("/admin/configs/config/add/")
    person.picture("device-add")
    page.get_by_label("Name:", exact=True).fill("boiler room")
    page.get_by_label("External id:").fill("b8:27:eb:00:00:01")
    page.get_by_label("Type the key that the device has already").check()
    page.get_by_label("External key:").fill("a-key-that-nobody-sees")
    expect(page.get_by_label("Domain:")).to_have_value(DOMAIN)
    page.locator(".field-profile .select2-selection").click()
    page.locator(".select2-search__field").fill("rasp")
    page.get_by_role("option", name="raspberry-pi v2").click()
    type_json(page, '{"site": "boiler room"')
    person.save()
    expect(page.locator(".field-render_context .errorlist")).to_contain_text("line 1, column 23")
    expect(page.get_by_label("External key:")).to_have_value("")
    page.get_by_label("External key:").fill("a-key-that-nobody-sees")
    type_json(page, '{"site": "boiler room"}')
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    person.picture("device")
    assert Config.objects.get().profile == Profile.objects.get()

    page.get_by_role("link", name="Preview").click()
    expect(page.get_by_text("Required slots are not bound.")).to_be_visible()
    expect(page.get_by_text("Bind these first: mqtt, telemetry.")).to_be_visible()
    person.picture("preview-refused")
    Profile.objects.update(binding_slots=[])
    page.reload()
    expect(page.locator("pre.document")).to_contain_text('"site": "boiler room"')
    person.picture("preview")
    page.get_by_role("link", name="Device", exact=True).click()
    page.get_by_role("link", name="Rotate key").click()
    person.picture("rotate-key")
    page.get_by_label("Type the key that the device has already").check()
    page.get_by_label("External key:").fill("another-key")
    page.get_by_label("The same again:").fill("another-key")
    page.get_by_role("button", name="Rotate key").click()
    expect(page.get_by_text("The key was rotated")).to_be_visible()


def test_the_keyboard_is_enough(person):
    device = make_config(name="by keyboard", external_id="kb-1", profile=make_profile())
    page = person.page
    person.open("/admin/")
    expect(page.get_by_label("Username:")).to_be_focused()
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#user-tools").wait_for()

    person.open("/admin/configs/config/")
    tab_to(page, "kb-1")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name:", exact=True)).to_have_value("by keyboard")
    page.get_by_label("Name:", exact=True).focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("renamed")
    page.keyboard.press("Enter")
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Config.objects.get(pk=device.pk).name == "renamed"


def test_pages_fit_a_phone(person):
    profile = make_profile(name="pi", binding_slots=SLOTS, content_template=TEMPLATE + "x" * 300)
    device = make_config(name="on a phone", external_id="ph-1", profile=profile, render_context={"k": "v" * 200})
    make_binding(
        config=device,
        slot="mqtt",
        resource_id="5b9c2d1e-3f64-4b5f-8f57-0a1b2c3d4e5f",
        secret={"secret": "never shown"},
        snapshot={"id": "5b9c2d1e-3f64-4b5f-8f57-0a1b2c3d4e5f", "name": "pi", "identity": "i" * 150},
    )
    make_binding(config=device, slot="telemetry", type="channel", connection="connected", snapshot={"topic": "t"})
    page = person.page
    person.log_in()
    person.open("/admin/enrollments/bindingsnapshot/")
    person.picture("bindings")
    page.set_viewport_size({"width": 390, "height": 844})

    for name, path in {
        "device": f"/admin/configs/config/{device.pk}/change/",
        "rotate": f"/admin/configs/config/{device.pk}/rotate-key/",
        "profile": f"/admin/profiles/profile/{profile.pk}/change/",
        "preview": f"/admin/configs/config/{device.pk}/preview/",
        "bind": f"/admin/configs/config/{device.pk}/bind/",
        "refresh": f"/admin/configs/config/{device.pk}/refresh/",
        "lint-rules": "/admin/profiles/profile/lint-rules/",
    }.items():
        person.open(path)
        person.picture(f"phone-{name}")
        too_wide = person.overflow()
        assert too_wide <= 0, f"{name} is {too_wide} pixels too wide"
