"""Characters that nobody sees: refused in new ids, names, slots and variables, at every door, and shown in old ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bootstrap_project.visible_text import shown, unseen_in_id, unseen_in_name
from configs.models import Config
from profiles.models import Profile
from tests.support.api import told
from tests.support.pages import page_text
from tests.support.people import make_person
from tests.support.rows import make_config, make_profile

pytestmark = pytest.mark.sqlite

UNSEEN = {
    "gw-7\u200b": "U+200B, a zero width space, at character 5",
    "gw-7 ": "U+0020, a space, at character 5",
    " gw-7": "U+0020, a space, at character 1",
    " ": "U+0020, a space, at character 1",
    "gw-7\u00a0": "U+00A0, a no-break space, at character 5",
    "\ufeffgw-7": "U+FEFF, a zero width no-break space, at character 1",
    "gw\u202e-7": "U+202E, a right-to-left override, at character 3",
    "gw\u00ad-7": "U+00AD, a soft hyphen, at character 3",
    "gw-7\u2028": "U+2028, a line separator, at character 5",
    "gw\u200d-7": "U+200D, a zero width joiner, at character 3",
    "gw\t7": "U+0009, a tab, at character 3",
    "gw\x85": "U+0085, a control character, at character 3",
    "\u3164": "U+3164, a hangul filler, at character 1",
}
SEEN = ("gw-7", "a b", "ümläut", "e\u0301", "\U0001f600", "\u0645\u0648\u0642\u0639", "a\u00a0b", "設備")


@pytest.mark.parametrize(("text", "words"), UNSEEN.items(), ids=ascii)
def test_what_nobody_sees_in_an_id_is_named(text, words):
    assert unseen_in_id(text) == words


@pytest.mark.parametrize("text", SEEN)
def test_what_everybody_sees_is_taken_in_ids_and_names(text):
    assert unseen_in_id(text) == unseen_in_name(text) == ""


@pytest.mark.parametrize(
    "text", ["👩\u200d🔧", "\u0645\u06cc\u200c\u062e\u0648", "क\u094d\u200dष", "", "🏴\U000e0067\U000e007f", "❤\ufe0f"]
)
def test_names_may_join_letters_and_emoji(text):
    assert unseen_in_name(text) == ""
    assert shown(text) == text


@pytest.mark.parametrize("text", ["\u200b", "\u200d", "a\nb", "a\tb", "a\u202eb", "a\u200bb", "\u3164", " "])
def test_what_nobody_sees_in_a_name_is_named(text):
    assert unseen_in_name(text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("gw-7\u200b", "gw-7⟨U+200B⟩"),
        (" gw 7 ", "⟨U+0020⟩gw 7⟨U+0020⟩"),
        ("\u200d", "⟨U+200D⟩"),
        ("a\nb", "a⟨U+000A⟩b"),
    ],
)
def test_old_texts_are_shown_with_what_nobody_sees(text, seen):
    assert shown(text) == seen


@pytest.mark.parametrize(("text", "words"), UNSEEN.items(), ids=ascii)
def test_ids_are_refused_over_rest(api, text, words):
    assert words in told(api.create_config(external_id=text), 400)
    assert not Config.objects.exists()


def test_names_are_trimmed_and_refused_over_rest(api):
    config = api.create_config(name="  pump 4 ")
    path = f"/clients/configs/{config.json()['id']}"

    assert config.json()["name"] == "pump 4"
    assert api.patch(path, {"name": "\tpump 5\n"}).json()["name"] == "pump 5"
    assert api.patch(path, {"name": "   "}).json()["name"] == ""
    assert "name: it has U+000A, a line break, at character 2" in told(api.patch(path, {"name": "a\nb"}), 400)
    assert "name: it has U+200B" in told(api.create_config(external_id="b", name="\u200b"), 400)
    assert "no character that can be seen" in told(api.create_config(external_id="b", name="\u200d"), 400)


def test_profiles_slots_and_variables_are_refused_over_rest(api):
    slot = {"name": "m\u200b", "type": "client"}

    assert "U+200B" in told(api.create_profile(name="\u200b"), 400)
    assert "missing identity name" in told(api.create_profile(name="   "), 400)
    assert "binding_slots: a name has U+200B" in told(api.create_profile(binding_slots=[slot]), 400)
    assert "defaults: a name has U+0020" in told(api.create_profile(defaults={"rate ": 1}), 400)
    assert "render_context: the name of a variable has U+FEFF" in told(
        api.create_config(render_context={"\ufeffsite": "x"}), 400
    )
    told(api.create_profile(binding_slots=[{"name": ["m"], "type": "client"}, 7]), 400)
    assert api.create_profile(name=" p ", defaults={"a b": {"\u200b": 1}}).json()["name"] == "p"


def test_rows_that_exist_go_on_and_can_be_changed(api):
    slots = [{"name": "m\u200b", "type": "client", "required": False}]
    profile = make_profile(name=" p\u200b", binding_slots=slots, defaults={"rate ": 1})
    config = make_config(external_id="gw-7\u200b", name=" \u200b", render_context={"\u200bsite": 1}, profile=profile)

    read = api.get(f"/clients/configs/{config.pk}").json()
    for body in (read, {"content": "new"}, {"render_context": {"\u200bsite": 2}}):
        assert api.patch(f"/clients/configs/{config.pk}", body).status_code == 200
    path = f"/clients/bootstrap/profiles/{profile.pk}"
    for body in (
        api.get(path).json(),
        {"description": "new"},
        {"binding_slots": [*slots, {"name": "b", "type": "client"}]},
    ):
        assert api.patch(path, body).status_code == 200

    assert (Config.objects.get().name, Profile.objects.get().name) == (" \u200b", " p\u200b")


def test_lists_and_pages_show_what_nobody_sees(db):
    admin = make_person("ada", is_superuser=True)
    profile = make_profile(name=" ")
    config = make_config(external_id="gw-7\u200b", name="\u200b", profile=profile)

    devices = page_text(admin.get("/admin/configs/config/"))
    assert "gw-7⟨U+200B⟩" in devices
    assert "⟨U+0020⟩" in page_text(admin.get("/admin/profiles/profile/"))
    assert "⟨U+200B⟩" in page_text(admin.get(f"/admin/configs/config/{config.pk}/change/"))


def fields_of(page: Any) -> dict[str, str]:
    form = page.context["adminform"].form
    values = {bound.html_name: bound.value() for bound in form}
    return {name: value if isinstance(value, str) else "" for name, value in values.items() if value is not None}


@pytest.mark.parametrize("name", ["  p  ", " ", "a\u200b", "tab\there"])
def test_saving_something_else_leaves_a_name_to_the_letter(db, name):
    admin = make_person("ada", is_superuser=True)
    config = make_config(name=name, profile=make_profile())
    url = f"/admin/configs/config/{config.pk}/change/"
    sent = fields_of(admin.get(url)) | {"render_context": '{"site": "south"}', "profile": str(config.profile_id)}

    admin.post(url, sent | {"_save": "Save"})

    config.refresh_from_db()
    assert (config.name, config.render_context) == (name, {"site": "south"})


@pytest.mark.parametrize("name", ["  p  ", " ", "a\nb"])
def test_saving_something_else_leaves_a_profiles_name_to_the_letter(db, name):
    admin = make_person("ada", is_superuser=True)
    profile = make_profile(name=name)
    url = f"/admin/profiles/profile/{profile.pk}/change/"
    sent = fields_of(admin.get(url)) | {"name": name.replace("\n", ""), "description": "new", "defaults": "{}"}

    admin.post(url, sent | {"_save": "Save", "binding_slots": json.dumps([])})

    profile.refresh_from_db()
    assert (profile.name, profile.description) == (name, "new")
