"""Profiles in the admin: list, form, versions, and why one in use stays."""

from __future__ import annotations

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.test import RequestFactory

from bootstrap_project.admin.profiles.forms import ProfileChangeForm, ProfileForm
from profiles.errors import ProfileInUse
from profiles.models import Profile
from tests.admin.profiles.forms import ADD, data
from tests.support.pages import change_url, errors, page_text
from tests.support.people import make_person, make_user
from tests.support.rows import DOMAIN, SLOTS, make_config, make_profile

pytestmark = pytest.mark.sqlite

LIST = "/admin/profiles/profile/"


def shown(response) -> list[str]:
    return [profile.name for profile in response.context["cl"].result_list]


def test_the_list_shows_slots_and_users(admin, device):
    text = page_text(admin.get(LIST))

    assert "thermometer" in text
    assert f"/admin/configs/config/?profile={device.profile_id}" in text
    assert "1 device</a>" in text


def test_the_list_asks_the_same_number_of_questions_for_5_and_50_profiles(admin, django_assert_num_queries):
    for _ in range(5):
        make_config(profile=make_profile())
    admin.get(LIST)
    with django_assert_num_queries(5):
        admin.client.get(LIST)

    for _ in range(45):
        make_config(profile=make_profile())

    with django_assert_num_queries(5) as asked:
        assert len(shown(admin.client.get(LIST))) == 50
    assert "content_template" not in " ".join(query["sql"] for query in asked.captured_queries)


def test_search_and_filters(admin):
    make_profile(name="Pump North", template_format="toml")
    wanted = make_profile(name="lamp", domain_id="other")

    assert shown(admin.get(LIST, q="PUMP n")) == ["Pump North"]
    assert shown(admin.get(LIST, q=str(wanted.pk))) == ["lamp"]
    assert shown(admin.get(LIST, template_format__exact="toml")) == ["Pump North"]
    assert shown(admin.get(LIST, domain="other")) == ["lamp"]


def test_a_profile_is_written(admin):
    text = page_text(admin.post(ADD, data(content_template="a\r\n{{ .Device.ID }}\r\n", template_format="go-template")))

    assert "was added successfully" in text
    profile = Profile.objects.get()
    assert (profile.name, profile.version, profile.content_template) == ("pump", 1, "a\n{{ .Device.ID }}\n")
    assert (profile.binding_slots, profile.defaults) == (SLOTS, {"site": "north"})


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"name": ""}, "name", "required"),
        ({"domain_id": ""}, "domain_id", "required"),
        ({"template_format": "xml"}, "template_format", "valid choice"),
        ({"defaults": "[]"}, "defaults", "an object"),
        ({"defaults": '{"a": }'}, "defaults", "line 1, column 7"),
        ({"binding_slots": "{}"}, "binding_slots", "a list"),
        ({"binding_slots": '[{"name": "a", "type": "cert"}]'}, "binding_slots", "one of client, channel"),
        (
            {"binding_slots": '[{"name": "a", "type": "client"},{"name": "a", "type": "client"}]'},
            "binding_slots",
            "twice",
        ),
        ({"content_template": "x\n  {{ foo }}"}, "content_template", "Line 2, column 6</a>: Function"),
        ({"content_template": "{{ if"}, "content_template", "Line 1"),
    ],
)
def test_a_bad_form_comes_back_with_words_at_the_field(admin, values, field, words):
    response = admin.post(ADD, data(**values))

    assert list(errors(response)) == [field]
    assert words in page_text(response)
    assert not Profile.objects.exists()


def test_a_template_error_shows_its_line_and_cannot_smuggle_markup(admin):
    text = admin.post(ADD, data(content_template="<script>{{ foo }}</script>")).content.decode()

    assert '<pre class="caret"' in text
    assert "&lt;script&gt;{{ foo }}&lt;/script&gt;" in text
    assert "<script>{{" not in text


def test_all_defects_but_the_templates_show_at_once(admin):
    response = admin.post(ADD, data(name="", defaults="{", binding_slots='[{"name": ""}]'))

    assert set(errors(response)) == {"name", "defaults", "binding_slots"}


def test_a_name_that_is_taken_is_told_at_the_name(admin):
    make_profile(name="pump")

    response = admin.post(ADD, data())

    assert "another profile" in str(errors(response)["name"])
    assert "pump" in page_text(response)
    assert Profile.objects.count() == 1


def test_every_save_raises_the_version(admin):
    profile = make_profile(name="pump", defaults={"site": "north"})
    typed = data(name="pump 2", base_version="1")

    text = page_text(admin.post(change_url(profile), typed))

    assert "pump 2 v2" in text
    after = Profile.objects.get()
    assert (after.name, after.version, after.template_format, after.domain_id) == ("pump 2", 2, "json", DOMAIN)
    assert str(LogEntry.objects.get()).endswith("Changed Name, Format, Template and Binding slots.")


def test_a_save_that_changes_nothing_keeps_the_version(admin):
    profile = make_profile(name="pump", content_template="a\n", description=" x ")
    form = admin.get(change_url(profile)).context["adminform"].form

    admin.post(change_url(profile), {name: form[name].value() for name in form.fields})

    assert Profile.objects.get().version == 1
    assert Profile.objects.get().updated_at == profile.updated_at


def test_a_version_that_the_author_has_not_seen_is_not_written_over(admin):
    profile = make_profile(name="pump")
    Profile.objects.update(version=3)

    response = admin.post(change_url(profile), data(name="mine", base_version="1"))

    assert "Somebody saved version 3 while you worked on version 1." in page_text(response)
    assert Profile.objects.get().name == "pump"


def test_a_broken_template_leaves_the_stored_one(admin):
    profile = make_profile(name="pump", content_template="good")

    response = admin.post(change_url(profile), data(content_template="{{ end }}", base_version="1"))

    assert "content_template" in errors(response)
    assert "{{ end }}" in page_text(response)
    assert (Profile.objects.get().content_template, Profile.objects.get().version) == ("good", 1)


def test_a_profile_in_use_is_not_deleted_and_says_by_how_many(admin, device):
    make_config(profile=device.profile)
    url = change_url(device.profile, "delete")

    for response in (admin.get(url), admin.post(url, {"post": "yes"})):
        text = page_text(response)
        assert "This profile is in use." in text
        assert "2 devices" in text
        assert "pi-0004" not in text
    assert Profile.objects.exists()


def test_a_profile_that_gets_a_user_meanwhile_is_not_deleted(admin, monkeypatch):
    profile = make_profile(name="pump")

    def refuse(**_values):
        raise ProfileInUse("profile is in use", "1 config uses it; assign another profile to them")

    monkeypatch.setattr("bootstrap_project.admin.profiles.admin.delete_profile", refuse)
    chosen = {"action": "delete_selected", "_selected_action": [str(profile.pk)], "post": "yes"}

    for response in (admin.post(change_url(profile, "delete"), {"post": "yes"}), admin.post(LIST, chosen)):
        assert "Profile is in use. 1 config uses it" in page_text(response)
    assert not LogEntry.objects.exists()


def test_unused_profiles_are_deleted(admin, device):
    one, two, three = make_profile(), make_profile(), make_profile()
    admin.post(change_url(one, "delete"), {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [str(two.pk), str(three.pk)]}

    assert "Are you sure" in page_text(admin.post(LIST, chosen))
    admin.post(LIST, chosen | {"post": "yes"})

    assert list(Profile.objects.all()) == [device.profile]
    with_used = {"action": "delete_selected", "_selected_action": [str(device.profile_id)]}
    assert "Some of these profiles are in use." in page_text(admin.post(LIST, with_used))


def test_the_devices_of_a_profile_are_a_link_for_who_may_see_devices(viewer, device):
    author = make_person("tom", "view_profile", "change_profile", "delete_profile")
    pages = (LIST, change_url(device.profile), change_url(device.profile, "delete"))
    link = f"/admin/configs/config/?profile={device.profile_id}"

    for page in pages:
        text = page_text(author.get(page))
        assert "1 device" in text
        assert link not in text
    for page in pages[:2]:
        assert link in page_text(viewer.get(page))


def test_a_viewer_looks_and_cannot_touch(viewer, device):
    profile = device.profile
    text = page_text(viewer.get(change_url(profile)))

    assert "{{ .Vars.site }}" in text
    assert 'name="_save"' not in text
    assert viewer.post(change_url(profile), data()).status_code == 403
    assert viewer.post(ADD, data()).status_code == 403
    assert viewer.post(change_url(profile, "delete"), {"post": "yes"}).status_code == 403
    assert Profile.objects.get().version == 1


def test_the_form_knows_the_only_domain(admin):
    make_profile()
    assert f'value="{DOMAIN}"' in page_text(admin.get(ADD))

    make_profile(domain_id="other")
    assert f'name="domain_id" value="{DOMAIN}"' not in page_text(admin.get(ADD))


@pytest.mark.django_db
def test_two_editors_that_open_at_once_know_nothing_of_each_other():
    """What a page knows of its profile lies neither on the form's class nor on a field, which all threads share."""
    pages = site.get_model_admin(Profile)
    mine, other = make_profile(name="mine"), make_profile(name="other", domain_id="another-domain")
    asked = RequestFactory().get(ADD)
    asked.user = make_user("ada", is_superuser=True)

    for open_mine, opened in ((mine, other), (None, other), (mine, None)):
        first = pages.get_form(asked, open_mine, change=open_mine is not None)
        second = pages.get_form(asked, opened, change=opened is not None)
        texts = [
            str(kind(instance=profile)["content_template"]) for kind, profile in ((first, open_mine), (second, opened))
        ]

        for text, profile in zip(texts, (open_mine, opened), strict=True):
            assert f'data-profile="{profile.pk if profile else ""}"' in text
            assert f'data-domain="{profile.domain_id if profile else ""}"' in text
    for kind in (ProfileForm, ProfileChangeForm):
        assert not kind.base_fields["content_template"].widget.workbench
