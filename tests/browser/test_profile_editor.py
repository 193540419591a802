"""Writing a profile as a person does: the editor, its preview, slots, review and files, under a strict policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Permission, User
from playwright.sync_api import expect

from bootstrap_project.admin.models import DomainGrant
from profiles.models import Profile
from tests.browser.conftest import PASSWORD, Person
from tests.support.people import make_user
from tests.support.rows import make_binding, make_config, make_profile

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
SLOTS = [
    {"name": "mqtt", "type": "client", "required": True, "fields": ["id", "identity", "secret"]},
    {"name": "telemetry", "type": "channel", "required": True},
]
TEMPLATE = """{
  "site": {{ toJSON .Vars.site }},
  "user": {{ toJSON .Bindings.mqtt.Snapshot.identity }},
  "password": {{ toJSON .Bindings.mqtt.Secret.secret }},
  "topic": {{ toJSON .Bindings.telemetry.Snapshot.topic }}
}
"""
SECRET = "never-on-a-page"


@pytest.fixture
def profile(transactional_db: None) -> Profile:
    """A profile that one device uses, with everything bound."""
    profile = make_profile(
        name="raspberry-pi",
        template_format="json",
        content_template=TEMPLATE,
        binding_slots=SLOTS,
        defaults={"site": "lab"},
    )
    device = make_config(name="boiler room", external_id="b8:27:eb:00:00:01", profile=profile)
    make_binding(config=device, slot="mqtt", snapshot={"identity": "pi-user"}, secret={"secret": SECRET})
    make_binding(config=device, slot="telemetry", type="channel", snapshot={"topic": "m/t"})
    make_config(name="cellar", external_id="cellar-1", render_context={"site": "cellar"})
    return profile


@pytest.fixture
def writer(person: Person) -> Person:
    """Ada, whose browser refuses every script and style that is not a file of ours."""

    def add_policy(route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, headers={**response.headers, "content-security-policy": POLICY})

    person.log_in()
    person.page.route(
        "**/admin/profiles/**", lambda route: add_policy(route) if route.request.method == "GET" else route.continue_()
    )
    return person


def open_profile(person: Person, profile: Profile) -> None:
    person.open(f"/admin/profiles/profile/{profile.pk}/change/")
    expect(state(person)).to_contain_text("What the sample device would get")


def state(person: Person):
    return person.page.locator("[data-state]")


def output(person: Person):
    return person.page.locator("[data-output]")


def test_a_broken_template_is_found_and_mended_beside_its_preview_and_nothing_is_stored(writer, profile):
    page = writer.page
    open_profile(writer, profile)
    expect(output(writer)).to_contain_text('"topic": "sample/topic/2"')
    expect(page.locator("#template-lines")).to_contain_text("Nothing is wrong")

    writer.write("Template:", TEMPLATE.replace("toJSON .Vars.site", "toJson .Vars.site"))
    problems = page.locator("#template-lines li")
    expect(problems).to_contain_text('Function "toJson" not defined')
    expect(page.locator(".field-content_template .ace_gutter-cell.ace_error")).to_have_text("2")
    expect(page.locator(".code-mark-error").first).to_be_attached()
    expect(state(writer)).to_contain_text("The template does not parse.")
    writer.picture("profile-broken")
    problems.get_by_role("button", name="Line 2, column 14").click()
    expect(page.get_by_label("Template:")).to_be_focused()

    writer.write("Template:", TEMPLATE.replace(".Vars.site", ".Vars.sitee"))
    expect(state(writer)).to_contain_text("Line 2, column 21: .Vars.sitee is not set")
    writer.write("Template:", TEMPLATE.replace(",\n", "\n", 1))
    expect(state(writer)).to_contain_text("The rendered text is not valid JSON.")
    expect(output(writer).locator("mark")).to_contain_text('"user"')
    writer.write("Template:", TEMPLATE.replace('"topic"', '"send_to"'))
    expect(output(writer)).to_contain_text('"send_to": "sample/topic/2"')
    writer.picture("profile-mended")
    assert (Profile.objects.get().content_template, Profile.objects.get().version) == (TEMPLATE, 1)


def test_a_real_device_is_chosen_by_name_and_its_secret_stays_masked(writer, profile):
    page = writer.page
    open_profile(writer, profile)
    box = page.get_by_role("combobox", name="Preview for")
    box.focus()
    offers = page.locator("#preview-device-list li")
    expect(offers.first).to_contain_text("uses this profile")
    box.press_sequentially("boil")
    expect(offers).to_have_count(1)
    page.keyboard.press("ArrowDown")
    writer.picture("profile-devices")
    page.keyboard.press("Enter")

    expect(state(writer)).to_contain_text("What boiler room would get")
    expect(output(writer)).to_contain_text('"user": "pi-user"')
    expect(output(writer)).to_contain_text('"password": "masked00"')
    writer.picture("profile-device")
    assert SECRET not in page.content()
    page.get_by_role("button", name="Use sample data").click()
    expect(output(writer)).to_contain_text("sample-identity-1")


def test_a_device_that_was_chosen_is_not_offered_again(writer, profile):
    page = writer.page
    open_profile(writer, profile)
    page.get_by_role("combobox", name="Preview for").focus()
    offers = page.locator("#preview-device-list li")
    expect(offers.first).to_contain_text("boiler room")
    # Sooner than it is asked for what was typed.
    page.keyboard.type("b")
    page.keyboard.press("Enter")

    expect(state(writer)).to_contain_text("What boiler room would get")
    page.wait_for_timeout(400)
    expect(page.locator("#preview-device-list")).to_be_hidden()


def test_who_may_not_preview_devices_still_sees_what_sample_data_give(person, profile):
    writer = User.objects.create_user("wim", password=PASSWORD, is_staff=True)
    writer.user_permissions.set(Permission.objects.filter(codename__in=("view_profile", "change_profile")))
    DomainGrant.objects.create(user=writer, domain_id=profile.domain_id)
    person.log_in("wim")
    open_profile(person, profile)
    expect(person.page.get_by_label("Preview for")).to_have_value("sample data")
    person.write("Template:", "plain {{ .Vars.site }}")
    person.page.get_by_label("Format:").select_option("go-template")
    expect(output(person)).to_have_text("plain lab")


def test_sample_data_is_changed_and_made_up_again(writer, profile):
    page = writer.page
    open_profile(writer, profile)
    page.get_by_text("Sample data", exact=True).click()
    writer.write("Sample data as JSON", '{"Vars": {"site": "attic"}')
    expect(page.locator(".sample .live-problem")).to_contain_text("line 1, column 27")
    writer.write("Sample data as JSON", '{"Vars": {"site": "attic"}}')
    expect(state(writer)).to_contain_text("is not ")
    page.get_by_role("button", name="Make it up again").click()
    expect(output(writer)).to_contain_text('"site": "lab"')


def test_slots_are_rows_and_removing_a_bound_one_is_told_before_it_is_saved(writer, profile):
    page = writer.page
    open_profile(writer, profile)
    page.get_by_role("button", name="Remove the slot telemetry").click()
    expect(page.get_by_text("1 device has bound the slot telemetry.")).to_be_visible()
    page.get_by_role("button", name="Put it back").click()
    expect(page.locator("[data-slot]")).to_have_count(2)
    page.get_by_role("button", name="Remove the slot telemetry").click()
    page.get_by_role("button", name="Add a slot").click()
    row = page.locator("[data-slot]").last
    row.get_by_label("Name of the slot").fill("mqtt")
    expect(row).to_contain_text("Another row has this name")
    row.get_by_label("Name of the slot").fill("data")
    row.get_by_label("Type").select_option("channel")
    row.get_by_role("button", name="topic").click()
    expect(row.get_by_label("Fields")).to_have_value("topic")
    writer.picture("profile-slots")
    writer.write("Template:", TEMPLATE.replace("telemetry", "data"))
    page.get_by_text("What a template can read and do").click()
    expect(page.get_by_role("button", name=".Bindings.data.Snapshot.topic")).to_be_visible()
    writer.save()

    expect(page.get_by_role("heading", name="Review changes")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("1 device has bound it")
    writer.picture("profile-review")
    assert Profile.objects.get().version == 1
    page.get_by_role("button", name="Back to editing").click()
    expect(page.locator("[data-slot]")).to_have_count(2)
    expect(page.get_by_label("Name of the slot").last).to_have_value("data")
    writer.save()
    # The editor has a button of that name too, and may be on its way out.
    expect(page.get_by_role("heading", name="Review changes")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Profile.objects.get().binding_slots[1] == {
        "name": "data",
        "type": "channel",
        "required": False,
        "fields": ["topic"],
    }


def test_a_review_shows_the_difference_and_the_devices_that_would_fail(writer, profile):
    page = writer.page
    open_profile(writer, profile)
    writer.write("Template:", TEMPLATE.replace(".Vars.site", ".Vars.place"))
    page.get_by_role("button", name="Review changes").click()

    expect(page.locator("tr.removed")).to_contain_text("toJSON .Vars.site")
    expect(page.locator("tr.added")).to_contain_text("toJSON .Vars.place")
    expect(page.get_by_text("1 of 1 tried device would get nothing")).to_be_visible()
    expect(page.locator("table.failures")).to_contain_text("boiler room")
    writer.picture("profile-review-failing")
    page.get_by_role("button", name="Back to editing").click()
    expect(state(writer)).to_contain_text("Line 2, column 21")
    writer.write("Defaults:", '{"place": "lab"')
    expect(page.locator(".field-defaults .live-problem")).to_contain_text("line 1, column 16")
    writer.write("Defaults:", '{"place": "lab"}')
    page.get_by_role("button", name="Review changes").click()
    expect(page.get_by_text("1 tried device renders without a failure.")).to_be_visible()
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Profile.objects.get().defaults == {"place": "lab"}


def test_two_people_at_once_lose_no_text(writer, profile):
    page = writer.page
    open_profile(writer, profile)
    writer.write("Template:", TEMPLATE.replace('"topic"', '"mine"'))
    Profile.objects.update(version=2, content_template=TEMPLATE.replace('"topic"', '"theirs"'))
    writer.save()

    conflict = page.locator(".conflict")
    expect(conflict.locator("tr.removed")).to_contain_text('"theirs"')
    expect(conflict.locator("tr.added")).to_contain_text('"mine"')
    writer.picture("profile-conflict")
    page.get_by_label("I have seen version 2").check()
    writer.save()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert '"mine"' in Profile.objects.get().content_template


def test_the_keyboard_enters_and_leaves_the_editor(writer, profile):
    page = writer.page
    open_profile(writer, profile)
    page.get_by_label("Format:").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Template:")).to_be_focused()
    page.keyboard.press("ControlOrMeta+Home")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Template:")).to_be_focused()
    expect(page.locator("#id_content_template")).to_have_value(f"  {TEMPLATE}")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Template:")).not_to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_label("Format:")).to_be_focused()


def test_a_save_changes_not_a_byte_of_what_was_not_touched(writer, profile):
    odd = "\n\n\ttab \n  {{ .Vars.site }}  \n\u2028 é 😀 \r\n\n"
    Profile.objects.update(content_template=odd, template_format="go-template")
    open_profile(writer, profile)
    writer.page.get_by_label("Name:", exact=True).fill("renamed")
    writer.save()
    expect(writer.page.get_by_text("was changed successfully")).to_be_visible()
    assert (Profile.objects.get().name, Profile.objects.get().content_template) == ("renamed", odd)

    open_profile(writer, profile)
    writer.page.get_by_label("Template:").focus()
    writer.page.keyboard.press("ControlOrMeta+End")
    writer.page.keyboard.insert_text(" end ")
    writer.save()
    expect(writer.page.get_by_text("was changed successfully")).to_be_visible()
    assert Profile.objects.get().content_template == odd.replace("\r\n", "\n") + " end "


def test_who_may_only_look_has_the_editor_and_cannot_write(person, profile):
    Profile.objects.update(content_template=TEMPLATE.replace("site }}", "sight }}"))
    make_user("vera", "view_profile", "preview_enrollment")
    page = person.page
    person.log_in("vera")
    person.open(f"/admin/profiles/profile/{profile.pk}/change/")

    editor = page.locator(".code-editor")
    expect(editor).to_contain_text('"site": {{ toJSON .Vars.sight }}')
    expect(editor.locator(".ace_support.ace_function").first).to_have_text("toJSON")
    expect(page.locator(".code-mark-warning")).to_have_count(1)
    expect(editor.locator(".ace_gutter-cell.ace_warning")).to_have_text("2")
    expect(page.locator(".listing")).to_have_count(0)
    person.picture("profile-viewed")
    remark = page.get_by_role("region", name="2 warnings").get_by_role("listitem").filter(has_text="required-variable")
    expect(remark).to_contain_text("did you mean site?")

    remark.get_by_role("link", name="Line 2, column 21").click()
    expect(page.get_by_role("textbox", name="Template, Cursor at row 2")).to_be_focused()
    page.keyboard.type("x")
    for key in ("Delete", "Enter", "ControlOrMeta+D", "ControlOrMeta+X"):
        page.keyboard.press(key)
    page.keyboard.insert_text("y")
    expect(editor).to_contain_text('"site": {{ toJSON .Vars.sight }}')
    assert page.evaluate("bootstrapEditors.get('id_content_template').editor.getValue()").count("\n") == 6
    page.keyboard.press("Tab")
    assert not page.evaluate("Boolean(document.activeElement.closest('.ace_editor'))")

    expect(page.locator("main").get_by_role("button")).to_have_count(0)
    assert page.locator("main :is(input, select, textarea):not([readonly], [type=hidden])").count() == 0
    person.check_accessibility()
    page.set_viewport_size({"width": 360, "height": 800})
    assert person.overflow() <= 0


def test_who_may_only_look_sees_the_lines_without_scripts(person, chromium, profile):
    Profile.objects.update(content_template=TEMPLATE.replace("site }}", "sight }}"))
    make_user("vera", "view_profile")
    context = chromium.new_context(java_script_enabled=False)
    bare = Person(context.new_page(), person.url)
    bare.log_in("vera")
    bare.open(f"/admin/profiles/profile/{profile.pk}/change/")

    expect(bare.page.get_by_role("row", name="2 ", exact=False).first).to_contain_text(".Vars.sight")
    expect(bare.page.locator(".listing .warning")).to_contain_text("did you mean site?")
    expect(bare.page.locator("#id_content_template, [data-viewed]").first).to_be_hidden()
    context.close()


def test_without_scripts_all_of_it_can_be_written_and_reviewed(chromium, live_server, transactional_db, profile):
    User.objects.create_superuser("bob", password=PASSWORD)
    context = chromium.new_context(java_script_enabled=False)
    plain = Person(context.new_page(), live_server.url)
    page = plain.page
    plain.log_in("bob")
    plain.open(f"/admin/profiles/profile/{profile.pk}/change/")
    expect(page.get_by_text("Line by line: no warnings")).to_be_visible()
    page.get_by_label("Template:").fill("{{ .Vars.site }}\n")
    page.get_by_label("Format:").select_option("go-template")
    rows = page.locator("[data-slot]")
    expect(rows).to_have_count(5)
    rows.nth(0).get_by_label("Name of the slot").fill("")
    rows.nth(0).get_by_label("Fields").fill("")
    rows.nth(2).get_by_label("Name of the slot").fill("more")
    plain.save()
    expect(page.get_by_role("alert")).to_contain_text("The slot mqtt is removed, and 1 device has bound it.")
    plain.save()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    stored = Profile.objects.get()
    assert stored.content_template == "{{ .Vars.site }}\n"
    assert [slot["name"] for slot in stored.binding_slots] == ["telemetry", "more"]
    assert plain.complaints == []
    context.close()


def test_files_and_copies_are_made_by_clicks(writer, profile, tmp_path):
    page = writer.page
    open_profile(writer, profile)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download JSON").click()
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    document = json.loads(file.read_text())
    file.write_text(json.dumps(document | {"description": "from a file"}))
    page.get_by_role("link", name="Upload", exact=True).click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Review changes").click()
    expect(page.locator("tr.added")).to_contain_text("from a file")
    writer.save()
    expect(page.get_by_text("v2 was changed from a file.")).to_be_visible()

    page.get_by_role("link", name="Duplicate").click()
    expect(page.get_by_label("Name")).to_have_value("raspberry-pi copy")
    writer.picture("profile-duplicate")
    page.get_by_role("button", name="Duplicate").click()
    expect(page.get_by_text("was made as a copy of raspberry-pi")).to_be_visible()
    assert Profile.objects.filter(name="raspberry-pi copy", version=1).exists()


def test_an_answer_that_comes_late_is_dropped(writer, profile):
    page = writer.page
    open_profile(writer, profile)
    held: list[Any] = []
    page.route(
        "**/profile/check/",
        lambda route: held.append(route) if "first draft" in (route.request.post_data or "") else route.continue_(),
    )

    page.get_by_label("Format:").select_option("go-template")
    writer.write("Template:", "first draft")
    while not held:
        page.wait_for_timeout(20)
    writer.write("Template:", "second draft")
    expect(output(writer)).to_have_text("second draft")
    assert len(held) == 1
    held[0].fulfill(json={"markers": [], "output": "first draft", "html": {}, "sample": None, "is_bad": False})
    page.wait_for_timeout(300)
    expect(output(writer)).to_have_text("second draft")


def test_everybody_can_use_the_pages(person, profile):
    page = person.page
    person.log_in()
    found: dict[str, list[str]] = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for path in ("add/", f"{profile.pk}/change/", f"{profile.pk}/duplicate/", "upload/", "language/"):
            person.open(f"/admin/profiles/profile/{path}")
            for part in page.locator("#content details").all():
                part.evaluate("part => { part.open = true; }")
            if page.locator("[data-state]").count():
                expect(state(person)).to_contain_text("would get")
                person.write("Template:", "{{ .Vars.gone }}")
                expect(state(person)).to_contain_text("is not ")
            found |= defects(person, f"{scheme} {path}")
        person.open(f"/admin/profiles/profile/{profile.pk}/change/")
        expect(state(person)).to_contain_text("would get")
        person.write("Template:", TEMPLATE.replace("site", "gone"))
        page.get_by_role("button", name="Review changes").click()
        expect(page.locator("tr.added")).to_be_visible()
        found |= defects(person, f"{scheme} review")
    assert found == {}


def defects(person: Person, name: str) -> dict[str, list[str]]:
    """What axe takes for serious in what stands on the page beside Django's own frame."""
    before = len(person.complaints)
    person.settle()
    answer = Axe().run(person.page, context="#content", options={"resultTypes": ["violations"]})
    # Axe tries styles of its own on the page, which a strict policy forbids.
    del person.complaints[before:]
    serious = [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in answer.response["violations"]
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]
    return {name: serious} if serious else {}


def test_the_pages_fit_a_phone_in_the_dark(writer, profile):
    page = writer.page
    page.set_viewport_size({"width": 360, "height": 800})
    page.emulate_media(color_scheme="dark")
    open_profile(writer, profile)
    expect(page.locator(".ace-github-dark").first).to_be_visible()
    writer.picture("phone-profile-editor")
    assert writer.overflow() <= 0
    writer.write("Template:", TEMPLATE.replace("site", "a_name_that_is_rather_long_" * 6))
    page.get_by_role("button", name="Review changes").click()
    expect(page.locator("tr.added")).to_be_visible()
    writer.picture("phone-profile-review")
    assert writer.overflow() <= 0
    for path in ("language/", "upload/", f"{profile.pk}/duplicate/", f"{profile.pk}/upload/"):
        writer.open(f"/admin/profiles/profile/{path}")
        writer.picture(f"phone-profile-{path.strip('/').split('/')[-1]}")
        assert writer.overflow() <= 0
