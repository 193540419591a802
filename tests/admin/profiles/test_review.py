"""Before a profile is saved: the differences, the devices that would fail, bound slots, and somebody else's version."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile

from bootstrap_project.admin.profiles.diff import compare_lines
from profiles.errors import ProfileChanged
from profiles.models import Profile
from profiles.services import update_profile
from tests.support.pages import change_url, errors, page_text
from tests.support.people import make_person
from tests.support.rows import DOMAIN, SLOTS, make_binding, make_config, make_profile

pytestmark = pytest.mark.sqlite


def rows(*slots: dict[str, Any]) -> dict[str, str]:
    """The table's boxes as a browser posts them."""
    boxes: dict[str, str] = {}
    for number, slot in enumerate(slots):
        boxes |= {f"slots-{number}-name": slot["name"], f"slots-{number}-type": slot["type"]}
        boxes |= {f"slots-{number}-required": "on"} if slot.get("required") else {}
        boxes[f"slots-{number}-fields"] = ", ".join(slot.get("fields", []))
    return boxes


def typed(profile: Profile, slots: list[dict[str, Any]] | None = None, **values: Any) -> dict[str, Any]:
    """What the form of a profile posts, with something changed."""
    return {
        "base_version": str(profile.version),
        "name": profile.name,
        "description": profile.description,
        "template_format": profile.template_format,
        "content_template": profile.content_template,
        "defaults": json.dumps(profile.defaults),
        **rows(*(profile.binding_slots if slots is None else slots)),
    } | values


def test_a_review_shows_the_difference_and_saves_nothing(admin, device):
    profile = device.profile
    text = page_text(
        admin.post(change_url(profile), typed(profile, content_template="{{ .Vars.site }}\r\nmore", _review="1"))
    )

    assert "Review changes" in text
    assert '<tr class="added">' in text
    assert "more" in text
    assert "1 device uses it" in text
    assert Profile.objects.get().version == 1
    assert not LogEntry.objects.exists()


def test_what_was_reviewed_is_saved_to_the_letter(admin, device):
    profile = device.profile
    template = "\n\n  {{ .Vars.site }}\t<b>&amp;'\" \n\n"
    response = admin.post(change_url(profile), typed(profile, content_template=template, _review="1"))
    hidden_fields = dict(response.context["hidden_fields"])

    admin.post(change_url(profile), hidden_fields | {"_reviewed": "1", "_save": "Save"})

    after = Profile.objects.get()
    assert (after.content_template, after.version) == (template, 2)
    assert after.binding_slots == SLOTS
    assert LogEntry.objects.get().get_change_message() == "Changed Template."


def test_back_to_editing_keeps_what_was_typed_and_saves_nothing(admin, device):
    response = admin.post(change_url(device.profile), typed(device.profile, name="other", _edit="1"))

    assert response.context["adminform"].form["name"].value() == "other"
    assert "Please correct" not in page_text(response)
    assert Profile.objects.get().name == "thermometer"


def test_a_review_of_a_form_with_defects_shows_the_defects(admin, device):
    response = admin.post(change_url(device.profile), typed(device.profile, defaults="{", _review="1"))

    assert list(errors(response)) == ["defaults"]


def test_devices_that_would_fail_are_named_and_those_that_fail_today_told_apart(admin):
    profile = make_profile(name="p", content_template="{{ .Vars.a }}")
    make_config(name="fine", profile=profile, render_context={"a": 1, "b": 1})
    make_config(name="breaks", profile=profile, render_context={"a": 1})
    make_config(name="broken", profile=profile)

    response = admin.post(change_url(profile), typed(profile, content_template="{{ .Vars.b }}", _review="1"))
    review = response.context["review"]

    told = {failure.trial.device.name: failure.is_new for failure in review.failures}
    assert (told, review.tried, review.devices) == ({"breaks": True, "broken": False}, 3, 3)
    assert "2 of 3 tried devices would get nothing" in page_text(response)
    assert "Line 1, column" in page_text(response)


@pytest.mark.parametrize("way", ["form", "file"])
def test_who_may_not_preview_devices_is_told_how_many_would_fail_and_not_which(way):
    profile = make_profile(name="p", content_template="x")
    make_config(name="boiler room", profile=profile, render_context={"a": 1})
    changed = "{{ .Vars.site }}"
    document = SimpleUploadedFile("p.json", json.dumps({"content_template": changed}).encode())

    for number, (is_named, more) in enumerate(((False, ()), (True, ("preview_enrollment",)))):
        writer = make_person(f"wim-{number}", "view_profile", "change_profile", *more)
        document.seek(0)
        if way == "form":
            page = writer.post(change_url(profile), typed(profile, content_template=changed, _review="1"))
        else:
            page = writer.post(change_url(profile, "replace"), {"file": document})

        text = page_text(page)
        assert "1 of 1 tried device would get nothing" in text
        assert ("boiler room" in text) == is_named
        assert ("Line 1, column" in text) == is_named
        assert ("is shown to who may preview devices" in text) != is_named


def test_no_more_than_twenty_devices_are_tried(admin, django_assert_num_queries):
    profile = make_profile(name="p", content_template="x")
    for _ in range(25):
        make_config(profile=profile)
    admin.get(change_url(profile))

    with django_assert_num_queries(6):
        response = admin.client.post(change_url(profile), typed(profile, content_template="y", _review="1"))

    assert (response.context["review"].tried, response.context["review"].devices) == (20, 25)


def test_unbound_required_slots_count_as_failures(admin, device):
    response = admin.post(change_url(device.profile), typed(device.profile, description="d", _review="1"))

    text = page_text(response)
    assert "1 of 1 tried device would get nothing" in text
    assert "bind these first: data" in text
    assert "0 because of this change, 1 already today" in text


@pytest.mark.parametrize("change", ["remove", "retype", "rename"])
def test_losing_a_bound_slot_is_asked_about_before_it_is_saved(admin, device, change):
    profile = device.profile
    mqtt, *others = SLOTS
    kept = {"remove": [], "retype": [mqtt | {"type": "channel"}], "rename": [mqtt | {"name": "m"}]}[change]

    response = admin.post(change_url(profile), typed(profile, [*kept, *others], _save="Save"))
    text = page_text(response)
    assert "1 device has bound it" in text
    assert Profile.objects.get().version == 1

    admin.post(change_url(profile), dict(response.context["hidden_fields"]) | {"_reviewed": "1", "_save": "Save"})
    assert Profile.objects.get().version == 2


def test_losing_a_slot_that_nobody_bound_needs_no_question(admin, device):
    admin.post(change_url(device.profile), typed(device.profile, [SLOTS[0], SLOTS[2]], _save="Save"))

    assert [slot["name"] for slot in Profile.objects.get().binding_slots] == ["mqtt", "extra"]


def test_slot_rows_are_read_in_order_and_empty_ones_are_left_out(admin):
    profile = make_profile(name="p")
    boxes = rows({"name": "", "type": "client"}, {"name": "b", "type": "channel"}, {"name": "a", "type": "client"})
    boxes |= {"slots-10-name": "z", "slots-10-type": "client", "slots-10-fields": ' id,, secret , ["x'}

    admin.post(change_url(profile), typed(profile, []) | boxes)

    assert Profile.objects.get().binding_slots == [
        {"name": "b", "type": "channel", "required": False},
        {"name": "a", "type": "client", "required": False},
        {"name": "z", "type": "client", "required": False, "fields": ["id", "secret", '["x']},
    ]


def test_odd_fields_survive_the_table(admin):
    odd = [{"name": "m", "type": "client", "required": False, "fields": ["a,b", " c ", ""]}]
    profile = make_profile(name="p", binding_slots=odd)
    text = page_text(admin.get(change_url(profile)))
    assert '["a,b", " c ", ""]' in text

    boxes = rows(*odd) | {"slots-0-fields": '["a,b", " c ", ""]'}
    admin.post(change_url(profile), typed(profile, [], name="q") | boxes)

    assert (Profile.objects.get().binding_slots, Profile.objects.get().name) == (odd, "q")


@pytest.mark.parametrize(
    ("slots", "words"),
    [
        ([{"name": "a", "type": "client"}, {"name": "a", "type": "channel"}], "Another row has this name"),
        ([{"name": "ok", "type": "client"}, {"name": "x", "type": "cert"}], "Type must be one of client, channel."),
        ([{"name": "x" * 257, "type": "client"}], "Name has at most 256 characters."),
        ([{"name": "", "type": "client", "fields": ["id"]}], "Name must be a non-empty string."),
    ],
)
def test_defects_of_slots_stand_at_their_rows(admin, slots, words):
    profile = make_profile(name="p")

    response = admin.post(change_url(profile), typed(profile, slots))
    text = page_text(response)

    number = len(slots) - 1
    assert f'id="slots-{number}-error"><li>{words}' in text
    assert f"row {number + 1}" in str(errors(response)["binding_slots"])


def test_a_conflict_keeps_the_text_shows_theirs_and_can_be_overruled(admin):
    profile = make_profile(name="p", content_template="base")
    mine = typed(profile, content_template="mine")
    update_profile(domain_id=DOMAIN, profile_id=profile.pk, values={"content_template": "theirs"})

    response = admin.post(change_url(profile), mine)
    text = page_text(response)
    assert "Somebody saved version 2 while you worked on version 1." in text
    assert '<tr class="removed">' in text
    assert "theirs" in text
    assert response.context["adminform"].form["content_template"].value() == "mine"
    review = admin.post(change_url(profile), mine | {"_review": "1"})
    assert "Somebody saved version 2" in page_text(review)

    stale = admin.post(change_url(profile), mine | {"force_version": "1"})
    assert "Somebody saved version 2" in page_text(stale)
    assert Profile.objects.get().content_template == "theirs"
    admin.post(change_url(profile), mine | {"force_version": "2"})
    assert (Profile.objects.get().content_template, Profile.objects.get().version) == ("mine", 3)


def test_a_form_that_comes_back_is_headed_by_the_stored_name(admin):
    profile = make_profile(name="stored")
    mine = typed(profile, name="typed")
    update_profile(domain_id=DOMAIN, profile_id=profile.pk, values={"description": "theirs"})

    for data in (mine, mine | {"base_version": "2", "defaults": "{"}):
        response = admin.post(change_url(profile), data)

        text = page_text(response)
        assert "<h2>stored v2</h2>" in text
        assert "typed v" not in text
        assert response.context["adminform"].form["name"].value() == "typed"


def test_a_version_is_written_only_over_the_one_that_was_seen():
    profile = make_profile(name="p")
    update_profile(domain_id=DOMAIN, profile_id=profile.pk, values={"name": "q"}, seen_version=1)

    with pytest.raises(ProfileChanged, match="version 2 was saved"):
        update_profile(domain_id=DOMAIN, profile_id=profile.pk, values={"name": "r"}, seen_version=1)

    assert Profile.objects.get().name == "q"


def test_who_may_only_look_gets_no_review(viewer, device):
    profile = device.profile
    text = page_text(viewer.get(change_url(profile)))

    assert "Used by" in text
    assert "data-workbench" not in text
    assert 'name="slots-0-name"' not in text
    assert "mqtt" in text
    assert '"site": "north"' in text
    assert viewer.post(change_url(profile), typed(profile, name="x", _review="1")).status_code == 403


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("a\nb\nc\n", "a\nx\nc\n", [" a", "-b", "+x", " c"]),
        ("", "a\n", ["+a"]),
        ("a\n", "", ["-a"]),
        ("a", "a\n", ["-a  (no line end)", "+a"]),
        ("a\r\n", "a\n", ["-a␍", "+a"]),
        (
            "1\n2\n3\n4\n5\n6\n7\n8\n9\n",
            "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
            ["…", " 2", " 3", " 4", "-5", "+x", " 6", " 7", " 8", "…"],
        ),
    ],
)
def test_lines_are_compared(old, new, shown):
    signs = {"kept": " ", "removed": "-", "added": "+", "gap": "…"}

    assert [signs[change.kind] + change.text for change in compare_lines(old, new)] == shown


def test_texts_that_have_nothing_in_common_are_compared_in_bounded_time():
    old = "".join(f"old {number}\n" for number in range(50_000))
    new = "".join(f"new {number}\n" for number in range(50_000))

    assert sum(change.kind == "removed" for change in compare_lines(old, new)) == 50_000


def test_bindings_of_other_profiles_are_not_counted(admin, device):
    other = make_config(profile=make_profile(name="other", binding_slots=SLOTS))
    make_binding(config=other, slot="data", type="channel")

    admin.post(change_url(device.profile), typed(device.profile, [SLOTS[0], SLOTS[2]], _save="Save"))

    assert Profile.objects.get(pk=device.profile_id).version == 2
