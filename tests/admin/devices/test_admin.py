"""Devices in the admin: list, search, filters, actions, forms, keys, deletion."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from configs.errors import ConfigNotFound
from configs.models import Config
from configs.services import delete_config, rotate_external_key, set_profile, update_config
from enrollments.models import BindingSnapshot
from profiles.errors import ProfileNotFound
from tests.admin.devices.forms import ADD, add_data, change_data, verifies
from tests.support.pages import change_url, errors, page_text
from tests.support.people import make_person
from tests.support.rows import CLIENT_KEY, DOMAIN, EXTERNAL_KEY, make_config, make_profile

pytestmark = pytest.mark.sqlite

LIST = "/admin/configs/config/"


def shown(response) -> list[str]:
    return [config.external_id for config in response.context["cl"].result_list]


def test_the_list_shows_what_tells_devices_apart(admin, device):
    # The filters beside the list have the same words.
    row = page_text(admin.get(LIST)).split('id="result_list"')[1].split("<tbody>")[1].split("</table>")[0]

    for part in (">pi 4</a>", ">pi-0004</a>", f'title="{DOMAIN}', ">thermometer v1<", 'badge-good">enabled<'):
        assert part in row, part


def test_the_list_asks_the_same_number_of_questions_for_5_and_50_devices(admin, django_assert_num_queries):
    profiles = [make_profile() for _ in range(5)]
    for number in range(5):
        make_config(profile=profiles[number])
    admin.get(LIST)
    with django_assert_num_queries(6):
        admin.client.get(LIST)

    for number in range(45):
        make_config(profile=profiles[number % 5])

    with django_assert_num_queries(6) as asked:
        assert len(shown(admin.client.get(LIST))) == 50
    statements = " ".join(query["sql"] for query in asked.captured_queries)
    assert "content_template" not in statements
    assert "external_key_hash" not in statements


@pytest.mark.parametrize("term", ["pump", "PUMP", "ump-n", "sn-77", "%"])
def test_search_finds_a_part_of_name_or_external_id_and_takes_no_wildcards(admin, term):
    make_config(name="Pump-North", external_id="sn-771")
    make_config(name="lamp", external_id="sn-5")

    assert shown(admin.get(LIST, q=term)) == ([] if term == "%" else ["sn-771"])


def test_search_finds_a_whole_id(admin):
    config = make_config(external_id="wanted")
    make_config()

    assert shown(admin.get(LIST, q=str(config.pk))) == ["wanted"]


def test_filters_limit_the_list(admin):
    profile = make_profile(domain_id="other")
    make_config(external_id="a", profile=profile, domain_id="other")
    make_config(external_id="b", status="disabled")

    assert shown(admin.get(LIST, status__exact="disabled")) == ["b"]
    assert shown(admin.get(LIST, domain="other")) == ["a"]
    assert shown(admin.get(LIST, domain=DOMAIN)) == ["b"]
    assert shown(admin.get(LIST, readiness="no-profile")) == ["b"]
    assert shown(admin.get(LIST, profile=str(profile.pk))) == ["a"]
    assert shown(admin.get(LIST, profile="no id")) == []
    assert shown(admin.get(LIST, profile=str(uuid.uuid4()))) == []


def test_the_filter_offers_the_profiles_of_the_chosen_domain(admin):
    make_profile(name="here")
    make_profile(name="there", domain_id="other")
    chosen = make_profile(name="elsewhere", domain_id="third")

    text = page_text(admin.get(LIST, domain="other", profile=str(chosen.pk)))

    assert "there v1" in text
    assert "elsewhere v1" in text
    assert "here v1" not in text.replace("there v1", "").replace("elsewhere v1", "")


def test_a_device_is_enrolled(admin):
    profile = make_profile()

    text = page_text(
        admin.post(
            ADD,
            add_data(profile=str(profile.pk), content="  a\r\nb\r\n", new_client_key=CLIENT_KEY, ca_cert="CA"),
        )
    )

    assert "was added successfully" in text
    config = Config.objects.get()
    assert (config.external_id, config.name, config.domain_id, config.status) == ("pump-1", "pump", DOMAIN, "enabled")
    assert (config.profile, config.render_context, config.content) == (profile, {"site": "north"}, "  a\nb\n")
    assert (config.client_key, config.ca_cert) == (CLIENT_KEY, "CA")
    assert verifies(config, "a key of 20 letters!")
    assert LogEntry.objects.get().object_id == str(config.pk)


@pytest.mark.parametrize("choice", ["typed", "make"])
def test_an_operator_is_warned_of_an_id_that_is_nearly_another_one(admin, choice):
    there = make_config(external_id="PUMP-1")

    key = {} if choice == "typed" else {"key_choice": "make", "external_key": ""}
    text = page_text(admin.post(ADD, add_data(**key)))

    said = f"A device's id differs in upper and lower case only: config {there.pk}."
    assert Config.objects.count() == 2
    assert text.count(said) == 1


def test_an_operator_is_told_of_no_device_that_he_may_not_see():
    make_config(external_id="PUMP-1", domain_id="another")
    someone = make_person("ada", "add_config", "view_config", "change_config", domains=[DOMAIN])

    text = page_text(someone.post(ADD, add_data()))

    assert Config.objects.count() == 2
    assert "differs in" not in text


def test_a_device_can_be_enrolled_disabled(admin):
    admin.post(ADD, add_data(status="disabled"))

    assert Config.objects.get().status == "disabled"


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"external_id": ""}, "external_id", "required"),
        ({"external_id": "a/b"}, "external_id", "slash"),
        ({"external_key": "", "key_choice": "typed"}, "external_key", "or choose to make one"),
        ({"key_choice": "make"}, "key_choice", "A key was typed as well"),
        ({"key_choice": "guess"}, "key_choice", "Select a valid choice"),
        ({"external_key": " key "}, "external_key", "white space"),
        ({"render_context": "{"}, "render_context", "line 1, column 2"),
        ({"render_context": "[1]"}, "render_context", "an object"),
        ({"render_context": '{"a": NaN}'}, "render_context", "NaN"),
        ({"render_context": '{"a": 1' + "0" * 5000 + "}"}, "render_context", "not valid JSON"),
        ({"render_context": '{"a": 1, "a": 2}'}, "render_context", "is there twice at line 1, column 10"),
        ({"render_context": '{"a":\u00a01}'}, "render_context", "a non-breaking space (U+00A0) at line 1, column 6"),
        ({"render_context": '{"a": "\\u0000"}'}, "render_context", "NUL"),
        ({"render_context": '{"a":' * 5000}, "render_context", "nested"),
        ({"content": "a\0b"}, "content", "Null characters"),
        ({"status": "maybe"}, "status", "Select a valid choice"),
        ({"profile": "no-id"}, "profile", "not a valid UUID"),
        ({"domain_id": ""}, "domain_id", "required"),
    ],
)
def test_a_bad_form_comes_back_with_words_at_the_field(admin, values, field, words):
    response = admin.post(ADD, add_data(**values))

    assert list(errors(response)) == [field]
    assert words in str(errors(response)[field])
    assert not Config.objects.exists()


def test_what_was_typed_comes_back_except_secrets(admin):
    typed = add_data(render_context="{oops", external_key="only-i-know", new_client_key="PRIVATE PART")

    text = page_text(admin.post(ADD, typed))

    assert "{oops" in text
    assert "only-i-know" not in text
    assert "PRIVATE PART" not in text


def test_a_client_key_that_was_pasted_in_vain_is_asked_for_again(admin, device):
    """Whether the form itself refuses or its service does, in both forms; the box's fieldset stands open then."""
    pasted = {"new_client_key": "PRIVATE PART"}
    refused = [
        admin.post(ADD, add_data(render_context="{oops", **pasted)),
        admin.post(ADD, add_data(external_id=device.external_id, **pasted)),
        admin.post(change_url(device), change_data(device, render_context="{oops", **pasted)),
        admin.post(change_url(device), change_data(device, name=make_config(name="taken").name, **pasted)),
    ]

    for response in refused:
        assert errors(response)["new_client_key"] == ["It is not shown again: paste it once more."]
        (certificates,) = [part for part in response.context["adminform"] if part.name == "Certificates"]
        assert not certificates.is_collapsible
    assert "new_client_key" not in errors(admin.post(ADD, add_data(render_context="{oops")))


@pytest.mark.parametrize(
    ("values", "field"), [({"name": "taken"}, "name"), ({"external_id": "taken-id"}, "external_id")]
)
def test_a_conflict_is_told_at_its_field(admin, values, field):
    make_config(name="taken", external_id="taken-id")

    response = admin.post(ADD, add_data(**values))

    assert list(errors(response)) == [field]
    assert "Another device" in str(errors(response)[field])
    assert Config.objects.count() == 1
    assert not LogEntry.objects.exists()


def test_a_profile_of_another_domain_is_refused(admin):
    profile = make_profile(domain_id="other")

    response = admin.post(ADD, add_data(profile=str(profile.pk)))

    assert "belongs to the domain other" in str(errors(response)["profile"])


def test_a_change_writes_what_was_changed_and_leaves_the_key_alone(admin, device):
    data = change_data(device, name="pi 5", profile="", render_context='{"a": 1e16, "b": 1}')

    text = page_text(admin.post(change_url(device), data))

    assert "was changed successfully" in text
    changed = Config.objects.get(pk=device.pk)
    assert (changed.name, changed.profile) == ("pi 5", None)
    assert (changed.render_context, changed.client_key) == ({"a": 1e16, "b": 1}, CLIENT_KEY)
    assert isinstance(changed.render_context["a"], float)
    assert changed.external_key_hash == device.external_key_hash
    assert str(LogEntry.objects.get()).endswith("Changed Name, Profile and Variables.")


def test_a_form_that_comes_back_as_it_was_shown_changes_nothing(admin):
    config = make_config(render_context={"big": 1e16, "n": 1}, content=" a\r\n\nb ", client_cert="CERT\n")
    form = admin.get(change_url(config)).context["adminform"].form

    admin.post(
        change_url(config),
        change_data(
            config,
            render_context=form["render_context"].value(),
            content=config.content.replace("\r\n", "\n").replace("\n", "\r\n"),
        ),
    )

    after = Config.objects.get(pk=config.pk)
    assert (after.render_context, after.content, after.updated_at) == (
        config.render_context,
        config.content,
        config.updated_at,
    )
    assert str(LogEntry.objects.get()).endswith("No fields changed.")


def test_the_client_key_can_be_replaced_and_removed(admin, device):
    admin.post(change_url(device), change_data(device, new_client_key="NEW\r\nKEY"))
    assert Config.objects.get().client_key == "NEW\nKEY"
    assert "NEW" not in LogEntry.objects.get().change_message

    response = admin.post(change_url(device), change_data(device, new_client_key="X", remove_client_key="on"))
    assert "remove_client_key" in errors(response)

    admin.post(change_url(device), change_data(device, remove_client_key="on"))
    assert Config.objects.get().client_key_sealed == ""


def test_a_change_can_conflict(admin, device):
    make_config(name="taken")

    response = admin.post(change_url(device), change_data(device, name="taken", content="new"))

    assert "Another device" in str(errors(response)["name"])
    assert Config.objects.get(pk=device.pk).content == device.content


def test_identity_cannot_be_changed(admin, device):
    admin.post(change_url(device), change_data(device, external_id="other", domain_id="other", external_key="other"))

    after = Config.objects.get(pk=device.pk)
    assert (after.external_id, after.domain_id) == (device.external_id, device.domain_id)
    assert after.external_key_hash == device.external_key_hash


def test_only_profiles_of_the_domain_are_offered_and_taken(admin, device):
    other = make_profile(name="foreign", domain_id="other")
    query = {"app_label": "configs", "model_name": "config", "field_name": "profile"}

    page = page_text(admin.get(change_url(device)))
    offered = admin.get("/admin/autocomplete/", term="", domain_id=device.domain_id, **query).json()["results"]
    response = admin.post(change_url(device), change_data(device, profile=str(other.pk)))

    assert f"/admin/autocomplete/?domain_id={device.domain_id}" in page
    assert [row["text"] for row in offered] == [str(device.profile)]
    assert "profile" in errors(response)


def test_profiles_of_several_domains_are_offered_with_their_domains(admin, device):
    query = {"app_label": "configs", "model_name": "config", "field_name": "profile"}

    def offered() -> list[str]:
        return [row["text"] for row in admin.get("/admin/autocomplete/", term="", **query).json()["results"]]

    refused = add_data(profile=str(device.profile_id), render_context="{oops")
    assert offered() == ["thermometer v1"]
    assert "thermometer v1</option>" in page_text(admin.post(ADD, refused))
    make_profile(name="thermometer", domain_id="other")
    assert sorted(offered()) == sorted([f"thermometer v1 ({DOMAIN})", "thermometer v1 (other)"])
    assert f"thermometer v1 ({DOMAIN})</option>" in page_text(admin.post(ADD, refused))


def test_the_key_is_rotated(admin, device):
    url = f"{change_url(device).removesuffix('change/')}rotate-key/"
    assert "Rotate key" in page_text(admin.get(change_url(device)))
    assert admin.get(url).status_code == 200

    text = page_text(admin.post(url, {"external_key": "the-new-key", "repeated_key": "the-new-key"}))

    assert "The key was rotated" in text
    assert verifies(device, "the-new-key")
    assert not verifies(device, EXTERNAL_KEY)
    assert "the-new-key" not in text + LogEntry.objects.get().change_message
    assert "Rotated the external key; the new one was typed." in page_text(
        admin.get(change_url(device).replace("change", "history"))
    )


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ("", "", "external_key"),
        ("", "new-key", "external_key"),
        ("new-key", "other-key", "repeated_key"),
        ("new ", "new ", "external_key"),
    ],
)
def test_a_bad_new_key_changes_nothing(admin, device, first, second, field):
    url = reverse("admin:configs_config_rotate_key", args=(device.pk,))

    response = admin.post(url, {"key_choice": "typed", "external_key": first, "repeated_key": second})

    assert field in errors(response)
    assert verifies(device, EXTERNAL_KEY)


def test_a_key_of_no_device_cannot_be_rotated(admin):
    url = reverse("admin:configs_config_rotate_key", args=(uuid.uuid4(),))

    assert "There is no such device" in page_text(admin.client.get(url, follow=True))
    assert admin.get("/admin/configs/config/nonsense/rotate-key/").status_code == 302


def test_a_device_that_goes_while_its_key_is_rotated_is_told_in_words(admin, device, monkeypatch):
    def vanish(**row):
        delete_config(domain_id=row["domain_id"], config_id=row["config_id"])
        return rotate_external_key(**row)

    monkeypatch.setattr("bootstrap_project.admin.devices.keys.rotate_external_key", vanish)
    url = reverse("admin:configs_config_rotate_key", args=(device.pk,))

    text = page_text(admin.post(url, {"external_key": "the-new-key", "repeated_key": "the-new-key"}))

    assert "The domain has no config of this id." in text
    assert not LogEntry.objects.exists()


def test_a_profile_is_assigned_and_taken_away_and_comes_from_the_domain(device):
    other = make_profile(name="other")
    foreign = make_profile(domain_id="elsewhere")
    row = {"domain_id": device.domain_id, "config_id": device.pk}

    assert set_profile(**row, profile_id=other.pk).profile == other
    with pytest.raises(ProfileNotFound):
        set_profile(**row, profile_id=foreign.pk)
    with pytest.raises(ConfigNotFound):
        set_profile(domain_id="elsewhere", config_id=device.pk, profile_id=foreign.pk)
    assert Config.objects.get(pk=device.pk).profile == other
    assert set_profile(**row, profile_id=None).profile is None
    assert BindingSnapshot.objects.filter(config=device).count() == 2


def test_deleting_a_device_takes_its_bindings_along(device):
    keeper = make_person("kim", "view_config", "change_config", "delete_config")
    url = reverse("admin:configs_config_delete", args=(device.pk,))

    assert "Are you sure" in page_text(keeper.get(url))
    keeper.post(url, {"post": "yes"})

    assert not Config.objects.exists()
    assert not BindingSnapshot.objects.exists()
    assert str(LogEntry.objects.get()).startswith("Deleted “pi 4 (pi-0004")


def test_several_devices_are_deleted_at_once(admin, device):
    chosen = {"action": "delete_selected", "_selected_action": [str(device.pk), str(make_config().pk)]}

    assert "Are you sure" in page_text(admin.post(LIST, chosen))
    admin.post(LIST, chosen | {"post": "yes", "expected": "2"})

    assert not Config.objects.exists()


def test_a_viewer_looks_and_cannot_touch(viewer, device):
    rotate = reverse("admin:configs_config_rotate_key", args=(device.pk,))
    text = page_text(viewer.get(change_url(device)))

    assert "pi-0004" in text
    assert "Rotate key" not in text
    assert "Client key" not in text
    assert 'name="_save"' not in text
    assert "disable_selected" not in page_text(viewer.get(LIST))
    assert viewer.post(change_url(device), change_data(device, name="mine")).status_code == 403
    assert viewer.post(ADD, add_data()).status_code == 403
    assert viewer.get(rotate).status_code == 403
    assert viewer.post(rotate, {"external_key": "k", "repeated_key": "k"}).status_code == 403
    viewer.post(LIST, {"action": "disable_selected", "_selected_action": [str(device.pk)]})
    after = Config.objects.get()
    assert (after.name, after.status, after.external_key_hash) == (device.name, "enabled", device.external_key_hash)


def test_staff_without_permissions_see_nothing(device):
    nobody = make_person("nora")

    assert nobody.get(LIST).status_code == 403
    assert nobody.get(change_url(device)).status_code == 403


def test_every_page_of_a_device_is_free_of_secrets(admin, device):
    for name in ("change", "history", "delete", "rotate_key"):
        url = reverse(f"admin:configs_config_{name}", args=(device.pk,))
        assert admin.get(url).status_code == 200, name


def test_a_device_that_vanished_is_told_in_words(admin, device, monkeypatch):
    def vanish(**row):
        delete_config(domain_id=row["domain_id"], config_id=row["config_id"])
        return update_config(**row)

    monkeypatch.setattr("bootstrap_project.admin.devices.admin.update_config", vanish)

    response = admin.post(change_url(device), change_data(device, name="new"))

    assert "The domain has no config of this id." in str(errors(response))
