"""Profiles from files, as files, and as copies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile

from profiles.models import Profile
from profiles.services import EDITABLE
from tests.support.pages import change_url, page_text
from tests.support.people import Person, make_person
from tests.support.rows import DOMAIN, SLOTS, make_profile

pytestmark = pytest.mark.sqlite

UPLOAD = "/admin/profiles/profile/upload/"
KINDS = ("json", "yaml", "toml")
ODD_TEXTS = [
    "",
    "one line",
    "two\nlines",
    "trailing \n\n\n",
    "\n leading",
    "\ttab\n\ttab\n",
    "windows\r\nlines\r\n",
    "a lone\rreturn",
    '\'\'\'\n"""\n\\n {{ "x" }} \\',
    "ends in a quote\n'",
    'ends in a quote\n"',
    "unicode é 😀 \u2028 \x7f \x01\n\x85",
    "# not: a comment\n- yes\n...\n---\n",
    "2024-01-01",
    "null",
    " ",
]


def file(name: str, text: str | bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode())


def page(profile: Profile, name: str) -> str:
    return change_url(profile, name)


def download(person: Person, profile: Profile, kind: str) -> bytes:
    response = person.client.get(f"/admin/profiles/profile/{profile.pk}/download/{kind}/")
    assert response.status_code == 200
    assert response.headers["Content-Disposition"].startswith("attachment; filename=")
    return response.content


def values_of(profile: Profile) -> dict[str, Any]:
    return {name: getattr(profile, name) for name in EDITABLE}


def profile_of_everything(text: str) -> Profile:
    return make_profile(
        name="pump: 'north' # 1",
        description=text,
        template_format="raw",
        content_template=text,
        binding_slots=[*SLOTS, {"name": "a.b c", "type": "client", "required": False, "fields": ["id"]}],
        defaults={
            "text": text,
            "a key": {"deep": [1, -2.5, 1e16, 10**18, True, [], {}, [{"x": text}]]},
            "ü": "é",
            "": "no name",
            "date": "2024-01-01",
        },
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ODD_TEXTS)
def test_what_is_downloaded_is_uploaded_as_the_same_profile(admin, kind, text):
    profile = profile_of_everything(text)
    wanted = values_of(profile)

    body = download(admin, profile, kind)
    profile.delete()
    admin.post(UPLOAD, {"file": file(f"x.{kind}", body), "domain_id": DOMAIN})

    made = Profile.objects.get()
    assert values_of(made) == wanted
    assert (made.version, made.domain_id) == (1, DOMAIN)
    assert type(made.defaults["a key"]["deep"][2]) is float


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_replaces_a_profile_after_its_review(admin, kind):
    profile = profile_of_everything("windows\r\nlines\r\n")
    body = download(admin, profile, kind)
    Profile.objects.update(content_template="other", defaults={}, binding_slots=[], name="renamed", version=4)

    response = admin.post(page(profile, "replace"), {"file": file(f"x.{kind}", body)})
    assert "Nothing is saved yet." in page_text(response)
    assert Profile.objects.get().version == 4
    admin.post(page(profile, "replace"), dict(response.context["hidden_fields"]) | {"_reviewed": "1"})

    after = Profile.objects.get()
    assert (values_of(after), after.version) == (values_of(profile), 5)
    assert LogEntry.objects.get().get_change_message() == "Changed from a file."


def test_a_file_leaves_what_it_does_not_have(admin):
    profile = make_profile(name="p", template_format="yaml", description="kept", content_template="a: 1")

    response = admin.post(page(profile, "replace"), {"file": file("x.json", '{"content_template": "b: 2"}')})
    admin.post(page(profile, "replace"), dict(response.context["hidden_fields"]))

    after = Profile.objects.get()
    assert (after.content_template, after.template_format, after.description) == ("b: 2", "yaml", "kept")


def test_a_version_saved_meanwhile_is_not_written_over_by_a_file(admin):
    profile = make_profile(name="p")
    hidden_fields = {"document": '{"name": "q"}', "base_version": "1"}
    Profile.objects.update(version=2)

    assert "version 2 was saved" in page_text(admin.post(page(profile, "replace"), hidden_fields))
    for broken in ({"document": "{"}, {"document": "[]"}, {"base_version": "x"}, {"document": '{"name": 1}'}):
        response = admin.post(page(profile, "replace"), hidden_fields | broken)
        assert response.status_code == 200
        assert response.context["form"].errors
    assert Profile.objects.get().name == "p"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.txt", "{}", "must end in .json"),
        ("x.json", "{", "line 1, column 2"),
        ("x.json", "[]", "must hold an object"),
        ("x.json", "{}", "none of the members"),
        ("x.json", '{"name": 1}', "name: not a valid string"),
        ("x.json", '{"name": "p", "binding_slots": [{}]}', "name must be a non-empty string"),
        ("x.json", '{"name": "p", "content_template": "{{ foo }}"}', "function"),
        ("x.json", '{"description": "no name"}', "a profile needs a name"),
        ("x.yaml", "a: b: c", "not valid YAML"),
        ("x.yaml", "a: !!python/object:os.system x", "not valid YAML"),
        ("x.toml", "a = ", "not valid TOML"),
        ("x.json", b"\xff", "is not UTF-8"),
        ("x.json", b" " * 1_048_577, "at most 1 MiB"),
        ("x.json", "", "is empty"),
    ],
)
def test_bad_files_are_refused_with_words(admin, name, text, words):
    profile = make_profile(name="stored", content_template="kept")

    for url in (UPLOAD, page(profile, "replace")):
        if words == "a profile needs a name" and url != UPLOAD:
            continue
        response = admin.post(url, {"file": file(name, text), "domain_id": DOMAIN})
        assert words in page_text(response)
        assert response.context["form"].errors["file"]
    assert Profile.objects.get().content_template == "kept"


def test_members_that_are_left_out_of_a_file_are_told(admin):
    profile = make_profile(name="stored")
    document = '{"name": "%s", "template": "x"}'

    made = admin.client.post(UPLOAD, {"file": file("x.json", document % "new"), "domain_id": DOMAIN}, follow=True)
    review = admin.post(page(profile, "replace"), {"file": file("x.json", document % "stored")})

    for response in (made, review):
        assert "A profile has no member" in page_text(response)


def test_a_file_without_a_format_gets_its_own(admin):
    admin.post(UPLOAD, {"file": file("x.toml", 'name = "t"\ncontent_template = "a = 1"'), "domain_id": DOMAIN})

    assert Profile.objects.get().template_format == "toml"
    assert LogEntry.objects.get().get_change_message() == "Made from x.toml."


def test_what_toml_cannot_say_is_told(admin):
    profile = make_profile(name="p", defaults={"a": [{"b": None}]})

    response = admin.get(f"/admin/profiles/profile/{profile.pk}/download/toml/")
    assert response.status_code == 302
    text = page_text(admin.get(response.url))
    assert "TOML has no null, and defaults.a[0].b is null" in text
    assert json.loads(download(admin, profile, "json"))["defaults"] == {"a": [{"b": None}]}
    assert admin.client.get(f"/admin/profiles/profile/{profile.pk}/download/xml/").status_code == 404


def test_a_name_that_is_taken_is_told(admin):
    profile = make_profile(name="taken")
    other = make_profile(name="other")

    text = page_text(admin.post(UPLOAD, {"file": file("x.json", '{"name": "taken"}'), "domain_id": DOMAIN}))
    assert "another profile with the name" in text
    response = admin.post(page(other, "replace"), {"file": file("x.json", '{"name": "taken"}')})
    text = page_text(admin.post(page(other, "replace"), dict(response.context["hidden_fields"])))
    assert "another profile with the name" in text
    text = page_text(admin.post(page(profile, "duplicate"), {"name": "other", "domain_id": DOMAIN}))
    assert "another profile with the name" in text


def test_a_copy_gets_a_free_name_and_everything_else(admin, device):
    profile = device.profile
    make_profile(name="thermometer copy")
    form = admin.get(page(profile, "duplicate")).context["form"]
    assert form["name"].value() == "thermometer copy 2"

    text = page_text(admin.post(page(profile, "duplicate"), {"name": "mine", "domain_id": "another"}))

    assert "was made as a copy of thermometer" in text
    copy = Profile.objects.get(name="mine")
    assert values_of(copy) == values_of(profile) | {"name": "mine"}
    assert (copy.domain_id, copy.version, copy.configs.count()) == ("another", 1, 0)


def test_only_granted_domains_are_offered_and_taken(device):
    writer = make_person("grant", "view_profile", "add_profile", domains=("mine", DOMAIN))

    text = page_text(writer.get(page(device.profile, "duplicate")))
    assert '<option value="mine">' in text
    refused = writer.post(page(device.profile, "duplicate"), {"name": "x", "domain_id": "elsewhere"})
    assert "granted to you" in page_text(refused)
    refused = writer.post(UPLOAD, {"file": file("x.json", '{"name": "x"}'), "domain_id": "elsewhere"})
    assert "granted to you" in page_text(refused)
    writer.post(page(device.profile, "duplicate"), {"name": "x", "domain_id": "mine"})
    assert Profile.objects.get(name="x").domain_id == "mine"


def test_refusals(viewer, device):
    profile = device.profile
    assert download(viewer, profile, "yaml")
    assert viewer.get(UPLOAD).status_code == 403
    assert viewer.get(page(profile, "replace")).status_code == 403
    assert viewer.get(page(profile, "duplicate")).status_code == 403

    stranger = make_person("stranger", "view_profile", "add_profile", "change_profile", domains=("elsewhere",))
    for name in ("replace", "duplicate"):
        assert stranger.client.get(page(profile, name)).status_code in {302, 404}
    assert stranger.client.get(f"/admin/profiles/profile/{profile.pk}/download/json/").status_code in {302, 404}
    nobody = make_person("nobody")
    assert nobody.client.get(f"/admin/profiles/profile/{profile.pk}/download/json/").status_code in {403, 404}


def test_the_language_is_described(admin, viewer):
    text = page_text(admin.get("/admin/profiles/profile/language/"))

    assert '<h2 id="functions">Functions</h2>' in text
    assert "<code>toJSON value</code>" in text
    assert "](" not in text
    assert viewer.get("/admin/profiles/profile/language/").status_code == 200
    assert make_person("nora", "view_config").get("/admin/profiles/profile/language/").status_code == 403
