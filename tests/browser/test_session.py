"""A session that ends while somebody writes: it is told, and signing in again in another tab is all it takes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from configs.models import Config
from profiles.models import Profile
from tests.browser.conftest import Person
from tests.browser.keyboard import type_json
from tests.browser.sessions import SIGNED_OUT, end_session, sign_in_elsewhere
from tests.support.rows import make_binding, make_config, make_profile

SLOTS = [{"name": "mqtt", "type": "client", "required": False}]


@pytest.fixture
def profile(transactional_db: None) -> Profile:
    return make_profile(
        name="raspberry-pi",
        template_format="json",
        content_template='{"site": {{ toJSON .Vars.site }}}',
        defaults={"site": "lab"},
        binding_slots=SLOTS,
    )


@pytest.fixture
def device(profile: Profile) -> Config:
    device = make_config(name="boiler room", external_id="b8:27:eb:00:00:01", profile=profile)
    make_binding(config=device, slot="mqtt", snapshot={"name": "n"})
    return device


def open_profile(person: Person, profile: Profile) -> Any:
    person.open(f"/admin/profiles/profile/{profile.pk}/change/")
    state = person.page.locator("[data-state]")
    expect(state).to_contain_text("What the sample device would get")
    return state


def test_a_preview_tells_that_its_session_has_ended_and_keeps_no_old_findings(person, profile):
    page = person.page
    person.log_in()
    state = open_profile(person, profile)
    person.write("Template:", '{"site": {{ toJson .Vars.site }}}')
    expect(page.locator("#template-lines li")).to_contain_text('Function "toJson" not defined')
    person.write("Defaults:", '{"site": }')
    expect(page.locator(".field-defaults .live-problem")).to_be_visible()

    end_session(person)
    person.write("Template:", '{"site": {{ toJSON .Vars.site }}}')

    expect(state).to_contain_text(SIGNED_OUT)
    expect(page.locator("#template-lines")).to_have_text("Not checked")
    expect(page.locator(".live-problem, .ace_gutter-cell.ace_error")).to_have_count(0)
    expect(page.locator("[data-output]")).to_be_hidden()
    page.get_by_role("combobox", name="Preview for").focus()
    expect(page.locator(".preview .combobox-note")).to_have_text(re.compile(SIGNED_OUT))
    page.get_by_role("button", name="Remove the slot mqtt").click()
    expect(page.locator(".slot-status")).to_contain_text(SIGNED_OUT)


def test_the_variables_of_a_device_tell_that_the_session_has_ended(person, device):
    page = person.page
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/change/")
    type_json(page, '{"site": }')
    expect(page.locator(".json-remark")).to_contain_text("not valid JSON")

    end_session(person)
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text('{"site": "north"}')

    expect(page.locator(".json-remark")).to_contain_text(SIGNED_OUT)
    expect(page.locator("#variables")).to_have_class(re.compile("is-stale"))


def test_a_profile_is_previewed_and_saved_after_signing_in_again_in_another_tab(person, profile):
    page = person.page
    person.log_in()
    state = open_profile(person, profile)
    end_session(person)
    sign_in_elsewhere(person)

    person.write("Template:", '{"place": {{ toJSON .Vars.site }}}')
    expect(page.locator("[data-output]")).to_have_text('{"place": "lab"}')
    expect(state).to_contain_text("What the sample device would get")
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("heading", name="Review changes")).to_be_visible()
    end_session(person)
    sign_in_elsewhere(person)
    person.save()

    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Profile.objects.get().content_template == '{"place": {{ toJSON .Vars.site }}}'


def test_a_device_is_checked_and_saved_after_signing_in_again_in_another_tab(person, device):
    page = person.page
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/change/")
    end_session(person)
    sign_in_elsewhere(person)

    type_json(page, '{"site": "north"}')
    expect(page.get_by_role("row", name=re.compile("^site"))).to_contain_text("north")
    person.save()

    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Config.objects.get().render_context == {"site": "north"}


def test_a_profile_is_not_sent_and_its_text_is_kept_when_the_session_has_ended(person, profile):
    page = person.page
    person.log_in()
    open_profile(person, profile)
    person.write("Template:", '{"place": {{ toJSON .Vars.site }}}')
    expect(page.locator("[data-output]")).to_have_text('{"place": "lab"}')
    end_session(person)
    page.get_by_role("button", name="Save and continue editing").click()

    note = page.get_by_role("alert")
    expect(note).to_contain_text("nothing was sent; what you typed is still here")
    expect(note).to_contain_text("then press Save and continue editing again")
    expect(note).to_be_in_viewport(ratio=1)
    expect(page.locator("#id_content_template")).to_have_value('{"place": {{ toJSON .Vars.site }}}')
    person.picture("profile-signed-out")
    with page.context.expect_page() as opened:
        note.get_by_role("link", name="Sign in again in another tab").click()
    expect(opened.value.get_by_label("Username:")).to_be_visible()
    opened.value.close()
    sign_in_elsewhere(person)
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("heading", name="Review changes")).to_be_visible()

    end_session(person)
    person.save()
    expect(note).to_contain_text("then press Save again")
    sign_in_elsewhere(person)
    person.save()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Profile.objects.get().content_template == '{"place": {{ toJSON .Vars.site }}}'


def test_a_device_is_not_sent_and_its_text_is_kept_when_the_session_has_ended(person, device):
    page = person.page
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/change/")
    page.get_by_label("Name:", exact=True).fill("attic")
    end_session(person)
    person.save()
    expect(page.get_by_role("alert")).to_be_in_viewport(ratio=1)
    person.picture("device-signed-out")
    person.check_accessibility()
    # Each question has its own answer: the one that is told again takes the place of the one before.
    page.get_by_role("alert").evaluate("note => note.setAttribute('data-before', '')")
    person.save()
    expect(page.locator("[role=alert]:not([data-before])")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(1)

    sign_in_elsewhere(person)
    person.save()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Config.objects.get().name == "attic"


def test_a_form_is_sent_when_it_cannot_be_found_out_whether_the_session_lasts(person, device):
    page = person.page
    person.log_in()
    person.open(f"/admin/configs/config/{device.pk}/change/")
    page.get_by_label("Name:", exact=True).fill("attic")
    page.route(
        lambda url: url.endswith("/jsi18n/"),
        # Pages load their words from the same address.
        lambda route: route.abort() if route.request.method == "HEAD" else route.continue_(),
    )
    person.save()

    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Config.objects.get().name == "attic"
    # The browser tells of the request that the test has refused.
    person.complaints = [one for one in person.complaints if "jsi18n" not in one]
