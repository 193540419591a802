"""What is done with many devices at once: a page says what will happen, and then it happens, or nothing does."""

from __future__ import annotations

import codecs
import csv
import io
import json
import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bootstrap_project.admin.devices import actions as admin_actions
from bootstrap_project.admin.devices.export import COLUMNS
from configs.errors import InvalidConfig
from configs.models import Config
from configs.services import set_profiles
from enrollments.models import BindingSnapshot
from profiles.errors import ProfileNotFound
from profiles.models import Profile
from tests.admin.devices.actions import chosen, confirmed
from tests.support.pages import page_text
from tests.support.people import Person, make_person
from tests.support.rows import DOMAIN, make_binding, make_config, make_profile, stored_secrets

pytestmark = pytest.mark.sqlite

LIST = "/admin/configs/config/"


@pytest.fixture
def operator() -> Person:
    return make_person("olga", "view_config", "change_config", "switch_config", domains=(DOMAIN, "other"))


@pytest.fixture
def exporter() -> Person:
    return make_person("vera", "view_config")


def test_a_page_says_what_will_happen_and_nothing_happens_before(operator):
    on, off = make_config(name="one"), make_config(name="two", status="disabled")

    text = page_text(operator.post(LIST, chosen("disable_selected", on, off)))

    assert "1 device will be disabled" in text
    assert "1 device is disabled already" in text
    assert str(on) in text
    assert str(off) not in text
    assert Config.objects.filter(status="disabled").count() == 1


def test_an_action_asks_for_its_permission_whatever_list_offered_it(operator, rf):
    config = make_config()
    request = rf.post(LIST, confirmed("delete_selected", config))
    request.user = operator.user
    page: Any = admin.site.get_model_admin(Config)

    with pytest.raises(PermissionDenied):
        page.bulk(request, Config.objects.all(), admin_actions.Delete())

    assert Config.objects.filter(pk=config.pk).exists()


def test_devices_are_disabled_and_enabled_and_each_history_tells_it(operator):
    on, off, other = make_config(), make_config(status="disabled"), make_config()

    text = page_text(operator.post(LIST, confirmed("disable_selected", on, off)))

    assert "1 device disabled." in text
    assert "1 device had been disabled before." in text
    assert set(Config.objects.filter(status="disabled")) == {on, off}
    assert [(entry.object_id, str(entry)) for entry in LogEntry.objects.all()] == [
        (str(on.pk), f"Changed “{on}” — Disabled, through the list.")
    ]
    assert "2 devices enabled." in page_text(operator.post(LIST, confirmed("enable_selected", on, off)))
    assert not Config.objects.filter(status="disabled").exists()
    assert Config.objects.get(pk=other.pk).updated_at == other.updated_at


def test_an_action_reaches_everything_that_a_filter_finds_on_all_pages(operator):
    pumps = [make_config(name=f"pump {number}", external_key="k") for number in range(60)]
    lamp = make_config(name="lamp")
    url = f"{LIST}?q=pump"

    page = operator.post(url, chosen("disable_selected", pumps[0], select_across="1"))

    text = page_text(page)
    assert "60 devices will be disabled" in text
    assert "and 55 more" in text
    assert 'name="select_across" value="1"' in text
    operator.post(url, confirmed("disable_selected", pumps[0], expected=60, select_across="1"))
    assert Config.objects.filter(status="disabled").count() == 60
    assert LogEntry.objects.count() == 60
    assert Config.objects.get(pk=lamp.pk).status == "enabled"


@pytest.mark.parametrize("query", ["readiness=unbound", "readiness=not-ready&version=&q=dev", "domain={domain}&q={pk}"])
@pytest.mark.parametrize(
    "action",
    ["disable_selected", "delete_selected", "export", "refresh_bindings", "assign_profile", "unassign_profile"],
)
def test_actions_go_together_with_every_filter_and_search(device, settings, query, action):
    settings.SERVICE_TOKEN = "pat"
    everybody = ("view_config", "switch_config", "delete_config", "change_config", "change_bindingsnapshot")
    person = make_person("olga", *everybody)
    Config.objects.filter(pk=device.pk).update(external_id="dev-1")
    make_config(external_id="other", domain_id="other")
    url = f"{LIST}?{query.format(domain=device.domain_id, pk=device.pk)}"

    page = person.post(url, chosen(action, device, select_across="1", profile=str(device.profile_id)))

    text = page_text(page)
    assert "<strong>1</strong> device chosen." in text
    # The file's page names nobody, and the device has the profile already.
    assert action in {"export", "assign_profile"} or "pi 4 (dev-1" in text


def test_a_list_that_changed_meanwhile_is_asked_about_again(operator):
    one = make_config(name="pump 1")
    make_config(name="pump 2")

    data = confirmed("disable_selected", one, expected=1, select_across="1")
    text = page_text(operator.post(f"{LIST}?q=pump", data))

    assert "changed while this page was open" in text
    assert "2 devices will be disabled" in text
    assert not Config.objects.filter(status="disabled").exists()


def test_nothing_is_done_before_the_page_that_asks(operator):
    devices = [make_config(), make_config()]
    unasked = {name: value for name, value in confirmed("disable_selected", *devices).items() if name != "expected"}

    text = page_text(operator.post(LIST, unasked))

    assert "2 devices will be disabled" in text
    assert "changed while this page was open" not in text
    assert not Config.objects.filter(status="disabled").exists()


def test_too_many_are_refused_with_a_way_out(operator, monkeypatch):
    monkeypatch.setattr(admin_actions.Disable, "most", 1)
    devices = [make_config(), make_config()]

    text = page_text(operator.post(LIST, confirmed("disable_selected", *devices)))

    assert "at most 1 devices at once; limit the list by a filter" in text
    assert not Config.objects.filter(status="disabled").exists()


@pytest.mark.parametrize("key", ["nonsense", "", "1"])
def test_a_choice_that_is_no_id_is_told_in_words(operator, key):
    text = page_text(operator.post(LIST, {"action": "disable_selected", "_selected_action": key, "post": "yes"}))

    assert "cannot be understood" in text


def test_devices_that_are_gone_are_told_in_words(operator):
    data = {"action": "disable_selected", "_selected_action": str(uuid.uuid4()), "post": "yes", "expected": "1"}

    assert "nothing was done" in page_text(operator.post(LIST, data))


@pytest.mark.parametrize(
    ("action", "permissions"),
    [
        ("disable_selected", ("view_config", "change_config")),
        ("enable_selected", ("view_config", "change_config")),
        ("assign_profile", ("view_config", "switch_config")),
        ("unassign_profile", ("view_config", "switch_config", "change_profile", "change_bindingsnapshot")),
        ("refresh_bindings", ("view_config", "change_config", "switch_config")),
    ],
)
def test_who_lacks_the_permission_is_not_offered_the_action_and_cannot_do_it(action, permissions):
    somebody = make_person("sam", *permissions)
    profile, had = make_profile(), make_profile()
    config = make_config(profile=had)

    assert f'value="{action}"' not in page_text(somebody.get(LIST))
    somebody.post(LIST, confirmed(action, config, profile=str(profile.pk)))

    after = Config.objects.get()
    assert (after.status, after.profile) == ("enabled", had)
    assert not LogEntry.objects.exists()


def test_a_profile_is_chosen_then_confirmed_then_assigned(operator):
    old, new = (
        make_profile(name="old"),
        make_profile(name="new", binding_slots=[{"name": "mqtt", "type": "client", "required": True}]),
    )
    foreign_profile = make_profile(name="foreign", domain_id="third")
    bare, bound = make_config(name="bare", profile=old), make_config(name="bound")
    make_binding(config=bound, slot="mqtt")
    has_it, elsewhere = make_config(profile=new), make_config(domain_id="other")
    all_four = (bare, bound, has_it, elsewhere)

    first = page_text(operator.post(LIST, chosen("assign_profile", *all_four)))

    assert f"{new} ({DOMAIN})</option>" in first
    assert f"{new}</option>" in page_text(operator.post(LIST, chosen("assign_profile", bare, bound)))
    assert str(foreign_profile) not in first
    assert 'name="post"' not in first
    second = page_text(operator.post(LIST, chosen("assign_profile", *all_four, profile=str(new.pk))))
    for fact in (
        "2 devices will get new v1",
        "1 device has it already",
        "1 device of another domain keeps what it has",
        "1 device had another profile",
        "1 device will have a required slot unbound",
    ):
        assert fact in second, fact
    assert Config.objects.filter(profile=new).count() == 1

    told = page_text(operator.post(LIST, confirmed("assign_profile", *all_four, profile=str(new.pk))))

    assert "2 devices got new v1." in told
    assert "1 device had it before." in told
    assert "1 device of another domain was left alone." in told
    assert set(Config.objects.filter(profile=new)) == {bare, bound, has_it}
    assert {entry.object_id for entry in LogEntry.objects.all()} == {str(bare.pk), str(bound.pk)}
    assert "Assigned the profile new" in LogEntry.objects.all()[0].get_change_message()


def test_another_profile_than_the_plan_was_about_is_planned_before_it_is_assigned(operator):
    shown, other, config = make_profile(name="shown"), make_profile(name="other"), make_config()
    page = operator.post(LIST, chosen("assign_profile", config, profile=str(shown.pk)))
    planned = page.context["planned"]
    assert f'name="planned" value="{planned}"' in page_text(page)

    again = operator.post(LIST, confirmed("assign_profile", config, profile=str(other.pk), planned=planned))

    text = page_text(again)
    assert "The answer has changed since the plan was shown: nothing was done yet." in text
    assert "1 device will get other v1" in text
    assert Config.objects.get().profile is None
    operator.post(LIST, confirmed("assign_profile", config, profile=str(other.pk), planned=again.context["planned"]))
    assert Config.objects.get().profile == other


@pytest.mark.parametrize("profile", ["nonsense", "3a0f2b6e-7c55-4a0e-9d10-7a6f0c1d2e3f"])
def test_a_profile_that_is_not_offered_is_refused(operator, profile):
    config = make_config()

    text = page_text(operator.post(LIST, confirmed("assign_profile", config, profile=profile)))

    assert "errorlist" in text
    assert Config.objects.get().profile is None


def test_profiles_of_another_domain_are_refused_by_the_service_too():
    config, profile = make_config(), make_profile(domain_id="other")

    with pytest.raises(InvalidConfig):
        set_profiles(configs=Config.objects.all(), profile=profile)
    Profile.objects.all().delete()
    with pytest.raises(ProfileNotFound):
        set_profiles(configs=Config.objects.all(), profile=profile)
    assert Config.objects.get(pk=config.pk).profile is None


def test_a_profile_that_vanishes_meanwhile_is_told_in_words(operator, monkeypatch):
    profile, config = make_profile(), make_config()

    def vanish(**values):
        Profile.objects.all().delete()
        return set_profiles(**values)

    monkeypatch.setattr("bootstrap_project.admin.devices.actions.set_profiles", vanish)

    text = page_text(operator.post(LIST, confirmed("assign_profile", config, profile=str(profile.pk))))

    assert "Nothing was done: Entity not found: the profile was removed meanwhile." in text


def test_profiles_are_taken_away_after_a_page_that_says_what_is_lost(operator):
    one, other = make_profile(name="one"), make_profile(name="other", domain_id="other")
    bound, fixed = make_config(name="bound", profile=one), make_config(name="fixed", profile=one, content="{}")
    elsewhere, bare = make_config(name="elsewhere", domain_id="other", profile=other), make_config(name="bare")
    for slot in ("mqtt", "data"):
        make_binding(config=bound, slot=slot)
    make_binding(config=bare, slot="mqtt")
    all_four = (bound, fixed, elsewhere, bare)

    page = page_text(operator.post(LIST, chosen("unassign_profile", *all_four)))

    for fact in (
        "3 devices will have no profile.",
        "2 devices will get nothing from the next call on",
        "1 device will get its fixed content instead",
        "1 device will lose the use of its bindings; these stay stored",
        "1 device has none already",
        "They are of 2 domains",
    ):
        assert fact in page, fact
    assert str(bound) in page
    assert str(bare) not in page
    assert Config.objects.filter(profile__isnull=True).count() == 1

    told = page_text(operator.post(LIST, confirmed("unassign_profile", *all_four)))

    assert "3 devices have no profile now." in told
    assert "1 device had none before." in told
    assert not Config.objects.filter(profile__isnull=False).exists()
    assert BindingSnapshot.objects.count() == 3
    assert Config.objects.get(pk=bare.pk).updated_at == bare.updated_at
    assert {(entry.object_id, entry.get_change_message()) for entry in LogEntry.objects.all()} == {
        (str(bound.pk), "Unassigned the profile one, through the list."),
        (str(fixed.pk), "Unassigned the profile one, through the list."),
        (str(elsewhere.pk), "Unassigned the profile other, through the list."),
    }


def test_profiles_of_devices_in_domains_of_others_stay():
    somebody = make_person("sam", "view_config", "change_config")
    mine, theirs = make_config(profile=make_profile()), make_config(domain_id="d", profile=make_profile(domain_id="d"))

    somebody.post(LIST, confirmed("unassign_profile", mine, theirs, expected=1))

    assert list(Config.objects.filter(profile__isnull=False)) == [theirs]
    assert {entry.object_id for entry in LogEntry.objects.all()} == {str(mine.pk)}


def test_devices_without_profiles_have_nothing_to_lose(operator):
    bare = make_config(name="bare")

    page = page_text(operator.post(LIST, chosen("unassign_profile", bare)))

    assert "0 devices will have no profile." in page
    assert 'name="post"' not in page


def test_devices_are_deleted_with_their_bindings_after_a_page_that_asks(device):
    keeper = make_person("kim", "view_config", "delete_config", domains=(DOMAIN, "other"))
    other, stays = make_config(domain_id="other", status="disabled"), make_config()

    text = page_text(keeper.post(LIST, chosen("delete_selected", device, other)))

    for fact in ("2 devices will be deleted, with 2 bindings", "1 device is enabled until now", "of 2 domains"):
        assert fact in text, fact
    assert Config.objects.count() == 3
    assert "2 devices deleted." in page_text(keeper.post(LIST, confirmed("delete_selected", device, other)))
    assert list(Config.objects.all()) == [stays]
    assert not BindingSnapshot.objects.exists()
    assert {str(entry) for entry in LogEntry.objects.all()} == {f"Deleted “{device}.”", f"Deleted “{other}.”"}


def test_who_may_not_delete_is_not_offered_it(operator, device):
    assert "delete_selected" not in page_text(operator.get(LIST))
    operator.post(LIST, confirmed("delete_selected", device))

    assert Config.objects.exists()


def body(response) -> str:
    assert response.status_code == 200
    # As a spreadsheet reads it; of JSON there is no mark to take off.
    return b"".join(response.streaming_content).decode("utf-8-sig")


def test_a_csv_says_that_it_is_utf_8_and_json_does_not(exporter):
    config = make_config(name="Zürich")

    as_csv = exporter.client.post(LIST, confirmed("export", config, format="csv"))
    as_json = exporter.client.post(LIST, confirmed("export", config, format="json"))

    text = b"".join(as_csv.streaming_content)
    assert text.startswith(codecs.BOM_UTF8 + b'"')
    assert text.count(codecs.BOM_UTF8) == 1
    assert '"Zürich"' in text.decode()
    assert not b"".join(as_json.streaming_content).startswith(codecs.BOM_UTF8)


def test_devices_are_exported_as_csv(exporter, device):
    make_config(external_id='=HYPERLINK("x")', name="with, comma")
    configs = list(Config.objects.all())
    assert "It holds no key" in page_text(exporter.post(LIST, chosen("export", *configs)))

    response = exporter.post(LIST, confirmed("export", *configs, format="csv"))

    text = body(response)
    rows = {row["external_id"]: row for row in csv.DictReader(io.StringIO(text))}
    assert response.headers["Content-Type"].startswith("text/csv")
    assert 'attachment; filename="devices-' in response.headers["Content-Disposition"]
    assert list(rows["pi-0004"]) == list(COLUMNS)
    assert (rows["pi-0004"]["profile_name"], rows["pi-0004"]["readiness"]) == ("thermometer", "unbound")
    assert rows['\'=HYPERLINK("x")']["name"] == "with, comma"
    assert not any(secret in text for secret in stored_secrets())


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n"])
def test_no_cell_of_an_export_begins_like_a_formula(exporter, sign):
    config = make_config(external_id="x", name="n", content="")
    Config.objects.filter(pk=config.pk).update(name=f"{sign}1+1")

    text = body(exporter.client.post(LIST, confirmed("export", config, format="csv")))

    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["name"] == f"'{sign}1+1"


def test_every_cell_of_an_export_is_quoted(exporter):
    config = make_config(external_id="a;=cmd|' /C calc'!A0", name='b\t=1 "c"')

    text = body(exporter.client.post(LIST, confirmed("export", config, format="csv")))

    head, line = text.splitlines()
    assert head == ",".join(f'"{name}"' for name in COLUMNS)
    assert "\"a;=cmd|' /C calc'!A0\"" in line
    assert '"b\t=1 ""c"""' in line
    assert line.count('","') == len(COLUMNS) - 1


def test_devices_are_exported_as_json(exporter, device):
    text = body(exporter.client.post(LIST, confirmed("export", device, format="json")))

    (row,) = json.loads(text)
    assert list(row) == list(COLUMNS)
    assert (row["id"], row["external_id"], row["last_bootstrap_at"]) == (str(device.pk), "pi-0004", None)
    assert not any(secret in text for secret in stored_secrets())


def test_an_unknown_format_is_asked_for_again(exporter, device):
    text = page_text(exporter.post(LIST, confirmed("export", device, format="xlsx")))

    assert "Select a valid choice" in text


@pytest.mark.parametrize("action", ["disable_selected", "unassign_profile"])
def test_actions_take_as_many_queries_for_40_as_for_4_devices(operator, action):
    profile = make_profile()

    def queries(number: int) -> int:
        devices = [make_config(external_key="k", profile=profile) for _ in range(number)]
        with CaptureQueriesContext(connection) as captured:
            operator.client.post(LIST, confirmed(action, *devices))
        return len(captured)

    # The first one also learns what Django keeps of content types.
    queries(1)

    assert queries(4) == queries(40) <= 20
