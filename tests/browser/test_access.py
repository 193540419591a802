"""The admin's guard as browsers see it: policies that hold, pages that everybody can use, logins that close."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from bootstrap_project.admin.models import DomainGrant
from tests.browser.conftest import PASSWORD
from tests.support.people import make_user
from tests.support.roles import make_groups
from tests.support.rows import DOMAIN, make_binding, make_config, make_profile

SLOTS = [
    {"name": "mqtt", "type": "client", "required": True},
    {"name": "telemetry", "type": "channel", "required": False},
]


@pytest.fixture
def device(transactional_db):
    profile = make_profile(
        name="pi", binding_slots=SLOTS, content_template="{{ .Vars.site }}\n", defaults={"site": "x"}
    )
    device = make_config(name="boiler room", external_id="pi-1", profile=profile, render_context={"site": "north"})
    make_binding(config=device, slot="mqtt", snapshot={"id": "c-1", "name": "client"})
    make_config(name="other", external_id="pi-2", status="disabled")
    return device


def test_every_page_can_be_used_by_everybody(person, device):
    ada = User.objects.get(username="ada")
    DomainGrant.objects.create(user=ada, domain_id=DOMAIN)
    make_groups()
    person.open("/admin/")
    person.check_accessibility()
    person.log_in()
    for name, path in {
        "home": "/admin/",
        "devices": "/admin/configs/config/",
        "device-add": "/admin/configs/config/add/",
        "device": f"/admin/configs/config/{device.pk}/change/",
        "device-history": f"/admin/configs/config/{device.pk}/history/",
        "device-delete": f"/admin/configs/config/{device.pk}/delete/",
        "rotate-key": f"/admin/configs/config/{device.pk}/rotate-key/",
        "profiles": "/admin/profiles/profile/",
        "profile-add": "/admin/profiles/profile/add/",
        "profile": f"/admin/profiles/profile/{device.profile_id}/change/",
        "lint-rules": "/admin/profiles/profile/lint-rules/",
        "bind": f"/admin/configs/config/{device.pk}/bind/",
        "refresh": f"/admin/configs/config/{device.pk}/refresh/",
        "preview": f"/admin/configs/config/{device.pk}/preview/",
        "bindings": "/admin/enrollments/bindingsnapshot/",
        "attempts": "/admin/devices/bootstrapattempt/",
        "users": "/admin/auth/user/",
        "user-add": "/admin/auth/user/add/",
        "user": f"/admin/auth/user/{ada.pk}/change/",
        "user-password": f"/admin/auth/user/{ada.pk}/password/",
        "groups": "/admin/auth/group/",
        "group-add": "/admin/auth/group/add/",
        "password": "/admin/password_change/",
    }.items():
        person.open(path)
        person.picture(f"access-{name}")
        person.check_accessibility()


def test_choices_dates_and_popups_work_under_the_policy(person, device):
    """What Django's own scripts do: the fixture fails on whatever the policy would have to forbid."""
    page = person.page
    person.log_in()
    person.open("/admin/configs/config/add/")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Add another profile").click()
    popup = opened.value
    popup.wait_for_load_state()  # The editor takes the place of the box that is found before it.
    popup.get_by_label("Name:", exact=True).fill("from a popup")
    popup.get_by_label("Domain:").fill(DOMAIN)
    popup.get_by_label("Template:").fill("{}")
    popup.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".field-profile .select2-selection__rendered")).to_contain_text("from a popup")
    page.get_by_role("combobox", name="Profile").click()
    page.locator(".select2-search__field").fill("pi")
    expect(page.get_by_role("option", name="pi v1")).to_be_visible()
    person.picture("access-autocomplete")
    page.keyboard.press("Escape")

    ada = User.objects.get(username="ada")
    person.open(f"/admin/auth/user/{ada.pk}/change/")
    page.locator(".field-last_login, .field-date_joined").first.wait_for()
    page.get_by_text("Add another Domain").click()
    page.locator("#id_domain_grants-1-domain_id").fill("second")
    page.get_by_role("combobox", name="Domain", exact=True).first.fill("first")
    person.save()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert set(DomainGrant.objects.values_list("domain_id", flat=True)) == {"first", "second"}
    person.open(f"/admin/configs/config/{device.pk}/change/")
    page.get_by_role("link", name="History").click()
    expect(page.locator("#change-history, #content-main").first).to_be_visible()


def test_a_policy_that_is_broken_is_noticed(person):
    """The fixture itself: without this, the tests above could not fail."""
    person.open("/admin/login/")
    person.page.evaluate("document.body.setAttribute('style', 'color: red')")
    person.page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'var bad = 1'}))")

    person.page.wait_for_timeout(100)

    ours = [complaint for complaint in person.complaints if complaint.startswith("Content-Security-Policy: ")]
    assert {complaint.split()[1] for complaint in ours} == {"style-src-attr", "script-src-elem"}
    assert person.page.evaluate("typeof bad") == "undefined"
    person.complaints.clear()


def test_a_finding_of_axe_is_noticed(person):
    person.open("/admin/login/")
    person.page.evaluate("document.querySelector('label[for=id_username]').remove()")

    with pytest.raises(AssertionError, match="label"):
        person.check_accessibility("light")


def test_the_login_closes_after_too_many_failures(person, settings):
    settings.AXES_FAILURE_LIMIT = 2
    page = person.page
    for _ in range(2):
        person.open("/admin/")
        page.get_by_label("Username:").fill("ada")
        page.get_by_label("Password:").fill("wrong")
        page.get_by_role("button", name="Log in").click()

    expect(page.get_by_role("alert")).to_contain_text("Try again in 15 minutes.")
    person.check_accessibility()
    person.picture("access-locked")
    page.set_viewport_size({"width": 360, "height": 740})
    person.picture("access-locked-phone")
    assert all("429" in complaint for complaint in person.complaints), person.complaints
    person.complaints.clear()
    page.get_by_role("link", name="Back to the login").click()
    expect(page.get_by_label("Username:")).to_be_visible()


def test_a_viewer_sees_one_domain_and_nothing_to_change(person, device, browser_page):
    make_config(name="elsewhere", external_id="pi-9", domain_id="other")
    vera = make_user("vera", "view_config", "view_enrollment", "preview_enrollment")
    DomainGrant.objects.get_or_create(user=vera, domain_id=DOMAIN)
    page = person.page
    person.log_in("vera")
    person.picture("access-viewer-home")
    person.open("/admin/configs/config/")
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    expect(page.get_by_text("elsewhere")).to_have_count(0)
    expect(page.get_by_label("Action:").locator("option")).to_have_text(["---------", "Export…"])
    page.get_by_role("link", name="boiler room").click()
    expect(page.get_by_role("link", name="Preview")).to_be_visible()
    expect(page.get_by_role("link", name="Rotate key")).to_have_count(0)
    expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    person.picture("access-viewer-device")
    person.check_accessibility()
    person.open("/admin/configs/config/add/")
    expect(page.get_by_role("heading", name="You may not do this")).to_be_visible()
    person.check_accessibility()
    person.picture("access-refused")
    assert all("403" in complaint for complaint in person.complaints), person.complaints
    person.complaints.clear()


def test_the_apis_page_works_under_the_policy(person):
    page = person.page
    person.open("/api/")
    page.get_by_role("heading", name="Bootstrap").wait_for()
    operation = page.locator(".opblock-summary").first
    operation.get_by_role("button").first.click()
    expect(page.get_by_role("button", name="Try it out").first).to_be_visible()
    person.picture("access-api")


def test_somebody_is_made_an_operator_of_a_domain(person, device):
    """As a superuser would: a new user, their group, their domain; then they see that domain."""
    page = person.page
    make_groups()
    make_config(name="elsewhere", external_id="pi-9", domain_id="other")
    person.log_in()
    person.open("/admin/auth/user/add/")
    page.get_by_label("Username:").fill("olga")
    page.get_by_label("Password:", exact=True).fill(PASSWORD)
    page.get_by_label("Password confirmation:").fill(PASSWORD)
    person.save()
    page.get_by_label("Staff status").check()
    page.get_by_label("operator", exact=True).check()
    page.get_by_role("combobox", name="Domain", exact=True).fill(DOMAIN)
    person.picture("access-user-granted")
    page.set_viewport_size({"width": 360, "height": 740})
    person.picture("access-user-granted-phone")
    assert person.overflow() <= 0
    page.set_viewport_size({"width": 1280, "height": 900})
    person.save()
    expect(page.locator("#result_list")).to_contain_text("operator")
    person.picture("access-users-granted")

    page.get_by_role("button", name="Log out").click()
    person.log_in("olga")
    person.open("/admin/configs/config/")
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    page.get_by_role("row", name="boiler room").get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option(label="Disable…")
    page.get_by_role("button", name="Go", exact=True).click()
    page.get_by_role("button", name="Disable", exact=True).click()
    expect(page.get_by_text("disabled.")).to_be_visible()
    expect(page.get_by_text("elsewhere")).to_have_count(0)
