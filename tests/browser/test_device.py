"""One device by clicks: enrolled with a key made here, rotated, changed by two people, seen by a viewer."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import segno
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect

from configs.models import Config
from devices.models import BootstrapAttempt
from tests.browser.conftest import Person
from tests.browser.keyboard import tab_to, type_json
from tests.support.people import make_user
from tests.support.rows import DOMAIN, make_binding, make_config, make_profile

SLOTS = [
    {"name": "mqtt", "type": "client", "required": True, "fields": ["id", "name", "secret"]},
    {"name": "telemetry", "type": "channel", "required": True},
    {"name": "alarms", "type": "channel", "required": False},
]
TOP, BOTTOM = (f"element => element.getBoundingClientRect().{edge}" for edge in ("top", "bottom"))
TEMPLATE = '{"site": {{ toJSON .Vars.site }},\n "interval": {{ .Vars.interval }},\n "zone": {{ .Vars.zone }}}\n'


@pytest.fixture
def profile(transactional_db: None) -> Any:
    return make_profile(
        name="raspberry-pi",
        template_format="json",
        content_template='{"site": {{ toJSON .Vars.site }}}',
        defaults={"site": "lab"},
    )


def fetch(external_id: str, key: str) -> Any:
    """What the device endpoint answers."""
    return Client().get(f"/clients/bootstrap/{external_id}", headers={"authorization": f"Client {key}"})


def choose_profile(page: Any, name: str) -> None:
    page.locator(".field-profile .select2-selection").click()
    page.locator(".select2-search__field").fill(name)
    page.get_by_role("option", name=name).first.click()


def modules(page: Any) -> list[list[bool]]:
    """The QR code on the page, read back from the picture, without its border."""
    path = page.locator(".qr-code .qrline").get_attribute("d")
    size = int(page.locator(".qr-code").get_attribute("viewBox").split()[2])
    grid = [[False] * size for _ in range(size)]
    x, y = 0, 0
    for command, first, second in re.findall(r"([MmhH])(-?[\d.]+)(?: ?(-?[\d.]+))?", path):
        if command == "M":
            x, y = int(float(first)), int(float(second))
        elif command == "m":
            x, y = x + int(float(first)), y + int(float(second))
        else:
            for column in range(x, x + int(first)):
                grid[y][column] = True
            x += int(first)
    return [row[4:-4] for row in grid[4:-4]]


def test_a_device_is_enrolled_with_a_key_that_is_shown_once_and_works(person, profile):
    page = person.page
    person.log_in()
    person.open("/admin/configs/config/add/")
    page.get_by_label("Name:", exact=True).fill("boiler room")
    page.get_by_label("External id:").fill("b8:27:eb:00:00:01")
    expect(page.get_by_label("External key:")).to_be_hidden()
    choose_profile(page, "raspberry-pi")
    type_json(page, '{"site": "boiler room"}')
    expect(page.get_by_role("row", name=re.compile("site"))).to_contain_text("over the default")
    person.picture("enrol")
    person.save()

    expect(page.get_by_role("heading", name="Device enrolled")).to_be_visible()
    key = page.locator("#key-external-key").text_content()
    assert re.fullmatch("[A-HJ-NP-Z2-9]{32}", key)
    person.picture("key")
    payload = {
        "v": 1,
        "url": f"{person.url}/clients/bootstrap/b8%3A27%3Aeb%3A00%3A00%3A01",
        "external_id": "b8:27:eb:00:00:01",
        "external_key": key,
    }
    if ":" in page.locator("#key-url").text_content().rsplit("/", 1)[1]:
        payload["url"] = payload["url"].replace("%3A", ":")
    code = segno.make_qr(json.dumps(payload, ensure_ascii=False, separators=(",", ":")), error="m")
    assert modules(page) == [[bool(module) for module in row] for row in code.matrix]

    answer = fetch("b8:27:eb:00:00:01", key)
    assert answer.status_code == 200
    assert json.loads(answer.json()["content"]) == {"site": "boiler room"}

    page.reload()
    expect(page.get_by_text("is enrolled already; nothing was done twice")).to_be_visible()
    assert key not in page.content()
    assert Config.objects.count() == 1
    assert fetch("b8:27:eb:00:00:01", key).status_code == 200
    page.go_back()
    assert key not in page.content()


def test_going_back_to_the_page_of_a_key_does_not_show_it_again(person, profile):
    device = make_config(name="back", external_id="bk-1", profile=profile)
    page = person.page
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/rotate-key/")
    page.get_by_role("button", name="Rotate key").click()
    key = page.locator("#key-external-key").text_content()
    page.get_by_role("link", name="I have the key: go to the device").click()
    expect(page.get_by_role("heading", name="Who changed what")).to_be_visible()

    # A browser asks whether to send the form again; this one has nobody to ask.
    with suppress(PlaywrightError):
        page.go_back()
    page.wait_for_load_state()

    expect(page.locator("body")).to_be_attached()
    expect(page.locator("body")).not_to_contain_text(key)
    assert fetch("bk-1", key).status_code == 200


def test_a_device_is_enrolled_by_keyboard_alone(person, profile):
    page = person.page
    person.log_in()
    person.open("/admin/configs/config/add/")
    expect(page.get_by_label("Name:", exact=True)).to_be_focused()
    page.keyboard.type("by keyboard")
    page.keyboard.press("Tab")
    page.keyboard.type("kb-7")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Device enrolled")).to_be_visible()
    key = page.locator("#key-external-key").text_content()
    tab_to(page, "I have the key: go to the device")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="by keyboard")).to_be_visible()
    assert fetch("kb-7", key).status_code == 200


def test_pages_work_without_scripts(person, chromium, profile):
    context = chromium.new_context(java_script_enabled=False)
    bare = Person(context.new_page(), person.url)
    bare.log_in()
    bare.open("/admin/configs/config/add/")
    bare.page.get_by_label("External id:").fill("bare-1")
    bare.page.get_by_label("Variables:").fill('{"site": "x"}')
    bare.save()

    key = bare.page.locator("#key-external-key").inner_text().replace(" ", "")
    expect(bare.page.get_by_role("button", name="Copy key")).to_have_count(0)
    assert fetch("bare-1", key).status_code == 200
    assert Config.objects.get().render_context == {"site": "x"}
    context.close()


def test_the_copy_button_copies_the_key_without_gaps(person, browser_context, profile):
    browser_context.grant_permissions(["clipboard-read", "clipboard-write"], origin=person.url)
    device = make_config(name="copied", external_id="cp-1", profile=profile)
    page = person.page
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/rotate-key/")
    page.get_by_role("button", name="Rotate key").click()
    page.get_by_role("button", name="Copy key").click()

    expect(page.get_by_text("Copied.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert fetch("cp-1", copied).status_code == 200


def test_a_key_is_rotated_and_a_reload_does_not_rotate_it_again(person, profile):
    device = make_config(name="old", external_id="rot-1", profile=profile, external_key="the-old-key")
    page = person.page
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/change/")
    page.get_by_role("link", name="Rotate key").click()
    person.picture("rotate")
    page.get_by_role("button", name="Rotate key").click()
    expect(page.get_by_role("heading", name="Key rotated")).to_be_visible()
    key = page.locator("#key-external-key").text_content()
    assert fetch("rot-1", "the-old-key").status_code >= 400
    assert fetch("rot-1", key).status_code == 200
    page.set_viewport_size({"width": 360, "height": 800})
    person.picture("phone-key")
    assert person.overflow() <= 0

    page.reload()

    expect(page.get_by_text("had been rotated already, so nothing was changed")).to_be_visible()
    assert key not in page.content()
    assert fetch("rot-1", key).status_code == 200


def test_wrong_json_is_marked_while_it_is_typed_and_kept_on_saving(person, profile):
    profile.content_template, profile.defaults = TEMPLATE, {"site": "lab", "interval": 30}
    profile.binding_slots = SLOTS
    profile.save()
    device = make_config(name="typed", external_id="js-1", profile=profile, render_context={"site": "north"})
    make_binding(config=device, slot="mqtt", snapshot={"id": "c", "name": "boiler client"})
    make_binding(config=device, slot="telemetry", type="channel", connection="connected", snapshot={"name": "t"})
    page = person.page
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/change/")
    expect(page.locator(".verdict-bad")).to_have_text("The device gets nothing now.")
    expect(page.locator(".problems")).to_contain_text("Line 3, column 13: .Vars.zone is not set.")
    expect(page.get_by_role("row", name=re.compile("^zone"))).to_contain_text("missing")
    person.picture("device-problems")

    type_json(page, '{"site": "north",\n "zone": }')
    expect(page.locator(".json-remark")).to_contain_text("line 2, column 10")
    expect(page.locator(".ace_gutter-cell.ace_error")).to_have_text("2")
    person.picture("device-json-error")
    person.save()
    expect(page.locator(".field-render_context .errorlist")).to_contain_text("line 2, column 10")
    type_json(page, '{"site": "north", "zone": 4}')
    expect(page.get_by_role("row", name=re.compile("^zone"))).to_contain_text("4")
    expect(page.locator(".json-remark")).to_have_text("")
    page.get_by_role("button", name="Save and continue editing").click()

    expect(page.locator(".verdict")).to_contain_text("Ready")
    assert Config.objects.get().render_context == {"site": "north", "zone": 4}
    person.picture("device-ready")


def test_a_device_is_disabled_and_enabled_by_buttons(person, profile):
    now = timezone.now()
    device = make_config(
        name="switched",
        external_id="sw-1",
        profile=profile,
        first_bootstrap_at=now,
        last_bootstrap_at=now,
        last_bootstrap_outcome="ok",
        last_bootstrap_profile_version=1,
        last_bootstrap_etag="a-tag",
    )
    for number, (outcome, status) in enumerate([("render_failed", 422), ("not_modified", 304), ("ok", 200)]):
        BootstrapAttempt.objects.create(
            at=now + timedelta(seconds=number),
            config_id=device.pk,
            domain_id=DOMAIN,
            external_id="sw-1",
            variant="plain",
            outcome=outcome,
            status=status,
            error_id="0123456789abcdef" if status > 400 else "",
            profile_version=1,
            duration=0.002,
        )
    page = person.page
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/change/")
    expect(page.locator("#calls li").first).to_contain_text("got its configuration")
    expect(page.get_by_role("link", name="0123456789abcdef")).to_be_visible()

    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("The device is disabled: it is refused from its next call on.")).to_be_visible()
    expect(page.get_by_text("The device is disabled, so it is refused.")).to_be_visible()
    person.picture("device-disabled")
    page.get_by_role("button", name="Enable").click()
    expect(page.locator(".verdict")).to_contain_text("Ready")
    assert Config.objects.get().status == "enabled"
    person.picture("device-history")


def test_a_button_beside_the_form_asks_before_what_was_typed_is_lost(person, profile):
    device = make_config(
        name="typed", external_id="ty-1", profile=profile, render_context={"site": "a"}, content="one\r\ntwo\r\n"
    )
    page = person.page
    asked: list[str] = []

    def stay(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", stay)
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/change/")
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("The device is disabled: it is refused")).to_be_visible()
    assert asked == []

    type_json(page, '{"site": "b"}')
    page.get_by_role("button", name="Enable").click()
    expect(page.locator(".field-render_context .ace_content")).to_contain_text('"b"')
    assert asked == ["What you changed in the form is not saved and will be lost. Go on without saving?"]
    assert Config.objects.get().status == "disabled"

    page.remove_listener("dialog", stay)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_text("The device is enabled: it gets")).to_be_visible()
    assert Config.objects.get().render_context == {"site": "a"}


def test_a_change_by_somebody_else_is_noticed_and_nothing_typed_is_lost(person, profile):
    device = make_config(name="two people", external_id="st-1", profile=profile, render_context={"site": "a"})
    page = person.page
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/change/")
    Config.objects.update(name="theirs", render_context={"site": "theirs"})
    type_json(page, '{"site": "mine"}')
    person.save()

    expect(page.get_by_text("The device was changed while this page was open")).to_be_visible()
    expect(page.get_by_label("Name:", exact=True)).to_have_value("theirs")
    expect(page.locator(".field-render_context .errorlist")).to_contain_text('"theirs"')
    expect(page.locator(".field-render_context .ace_content")).to_contain_text('"mine"')
    person.picture("device-conflict")
    assert Config.objects.get().render_context == {"site": "theirs"}
    person.save()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert (Config.objects.get().name, Config.objects.get().render_context) == ("theirs", {"site": "mine"})


def test_a_viewer_sees_everything_and_can_touch_nothing(person: Person, profile):
    vera = make_user("vera", "view_config", "view_profile", "view_enrollment", "view_bootstrapattempt")
    vera.domain_grants.get_or_create(domain_id=DOMAIN)
    device = make_config(
        name="looked at", external_id="vw-1", profile=profile, render_context={"site": "x"}, client_key="SECRET KEY"
    )
    page = person.page
    person.log_in("vera")
    person.open(f"/admin/configs/config/{device.pk}/change/")

    for heading in ("Identity", "What it is given", "Slots", "What the device fetched", "Who changed what"):
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
    for name in ("Save", "Disable", "Rotate key", "Bind", "Refresh"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
        expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    person.picture("device-viewer")
    assert "SECRET KEY" not in page.content()
    assert page.locator("main input:visible, main textarea:visible").count() == 0


def test_save_is_in_sight_while_its_form_is_and_hides_nothing(person, profile):
    device = make_config(name="long", external_id="lg-1", profile=profile, render_context={"site": "x"})
    page = person.page
    person.log_in()
    page.set_viewport_size({"width": 1280, "height": 700})
    person.open(f"/admin/configs/config/{device.pk}/change/")
    save, row = page.get_by_role("button", name="Save", exact=True), page.locator(".submit-row")
    expect(save).to_be_in_viewport(ratio=1)

    # What gets the focus comes out from behind the buttons.
    last = page.locator("fieldset summary").last
    last.evaluate("one => window.scrollBy(0, one.getBoundingClientRect().bottom + 5 - window.innerHeight)")
    assert last.evaluate(BOTTOM) > row.evaluate(TOP)
    last.focus()
    assert last.evaluate(BOTTOM) <= row.evaluate(TOP)
    expect(save).to_be_in_viewport(ratio=1)
    page.locator("#changes").scroll_into_view_if_needed()
    assert row.evaluate(BOTTOM) <= page.locator(".panels").evaluate(TOP)

    page.set_viewport_size({"width": 360, "height": 800})
    page.evaluate("window.scrollTo(0, 0)")
    expect(save).not_to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("is_strict", [True, False], ids=["policy", "access"])
def test_the_pages_need_no_inline_script_or_style_and_can_be_used_by_all(person, profile, scheme, is_strict):
    """The policy is added on the way, so that this holds whatever the service sends by itself.

    The programme that looks for obstacles breaks the policy with its own styles, so it looks at pages without one.
    """
    profile.binding_slots, profile.content_template = SLOTS, "{{ .Vars.nobody }}"
    profile.save()
    device = make_config(name="strict", external_id="csp-1", profile=profile, render_context={"site": 1})
    page = person.page
    page.emulate_media(color_scheme=scheme)
    person.log_in()

    def strict(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": "default-src 'self'"})

    def look(name: str) -> None:
        person.picture(f"{scheme}-{name}")
        if not is_strict:
            person.check_accessibility(scheme)

    if is_strict:
        page.route("**/admin/configs/**", strict)
    for name, path in {
        "enrol": "/admin/configs/config/add/",
        "change": f"/admin/configs/config/{device.pk}/change/",
        "rotate": f"/admin/configs/config/{device.pk}/rotate-key/",
        "delete": f"/admin/configs/config/{device.pk}/delete/",
    }.items():
        person.open(path)
        look(name)
    person.open(f"/admin/configs/config/{device.pk}/change/")
    type_json(page, '{"site": }')
    expect(page.locator(".ace_gutter-cell.ace_error")).to_have_text("1")
    look("json-error")
    person.open(f"/admin/configs/config/{device.pk}/rotate-key/")
    page.get_by_role("button", name="Rotate key").click()
    expect(page.get_by_role("button", name="Copy key")).to_be_visible()
    look("key")
    page.emulate_media(media="print")
    person.picture(f"{scheme}-key-print")


def test_the_page_fits_a_phone_and_the_keyboard_reaches_everything(person, profile):
    profile.binding_slots = SLOTS
    profile.save()
    device = make_config(name="on a phone", external_id="ph-1", profile=profile, render_context={"k": "v" * 300})
    make_binding(config=device, slot="mqtt", resource_id="5b9c2d1e-3f64-4b5f-8f57-0a1b2c3d4e5f", snapshot={"name": "n"})
    page = person.page
    person.log_in()
    page.set_viewport_size({"width": 360, "height": 800})
    for name, path in {
        "enrol": "/admin/configs/config/add/",
        "device": f"/admin/configs/config/{device.pk}/change/",
        "rotate": f"/admin/configs/config/{device.pk}/rotate-key/",
        "delete": f"/admin/configs/config/{device.pk}/delete/",
    }.items():
        person.open(path)
        person.picture(f"phone-device-{name}")
        too_wide = person.overflow()
        assert too_wide <= 0, f"{name} is {too_wide} pixels too wide"

    page.set_viewport_size({"width": 1280, "height": 900})
    person.open(f"/admin/configs/config/{device.pk}/change/")
    tab_to(page, "Disable")
    page.get_by_label("Variables:").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.ace_editor')") is None
    page.locator("#slots").scroll_into_view_if_needed()
    page.locator(".submit-row input").last.focus()
    tab_to(page, "Bind telemetry")
