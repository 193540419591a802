"""The page of one device: its state, its variables, its panels, and two people at once."""

from __future__ import annotations

import json
import uuid

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from bootstrap_project.outcomes import Outcome
from configs.models import Config
from configs.services import delete_config
from devices.models import BootstrapAttempt
from enrollments.models import BindingSnapshot
from tests.admin.devices.forms import ADD, add_data, change_data
from tests.support.attempts import make_attempt, seconds
from tests.support.pages import change_url, errors, page_text
from tests.support.people import Person, make_person
from tests.support.rows import CLIENT_KEY, DOMAIN, make_binding, make_config, make_profile

pytestmark = pytest.mark.sqlite

CHECK = "/admin/configs/config/check-variables/"


def switch_url(config: Config) -> str:
    return reverse("admin:configs_config_switch", args=(config.pk,))


def problems(response) -> list[str]:
    return [problem.text for problem in response.context["problems"]]


def base_of(person: Person, config: Config) -> str:
    return str(person.get(change_url(config)).context["adminform"].form["base"].value())


def remember(config: Config, number: int) -> None:
    for index in range(number):
        attempt = make_attempt(config.pk, when=seconds(index))
        BootstrapAttempt.objects.create(
            at=attempt.at,
            config_id=config.pk,
            domain_id=DOMAIN,
            variant=attempt.variant,
            outcome="render_failed",
            status=422,
            error_id=f"e-{index:08}",
            duration=0.1,
        )


# What the device gets.


def test_the_page_says_in_words_why_the_device_gets_nothing(admin, device):
    Config.objects.update(status="disabled")

    response = admin.get(change_url(device))

    assert problems(response) == [
        "The device is disabled, so it is refused.",
        "Nothing is bound to the slot data, which needs a channel.",
    ]
    assert "Bind data" in page_text(response)


def test_a_template_that_fails_is_told_with_its_place(admin):
    profile = make_profile(content_template="a\n{{ .Vars.site }}")
    config = make_config(profile=profile)

    response = admin.get(change_url(config))

    (problem,) = problems(response)
    assert "Line 2, column 4" in problem
    assert "not set" in problem
    assert "See where it fails" in page_text(response)


@pytest.mark.parametrize(("content", "number"), [("", 1), ("fixed", 0)])
def test_a_device_without_a_profile_gets_its_fixed_content_or_nothing(admin, content, number):
    assert len(problems(admin.get(change_url(make_config(content=content))))) == number


def test_a_ready_device_is_called_ready(admin):
    config = make_config(profile=make_profile(content_template="x"))

    assert "Ready: the device gets its configuration when it asks." in page_text(admin.get(change_url(config)))


def test_slots_are_rows_with_what_is_bound(admin, device):
    BindingSnapshot.objects.filter(slot="mqtt").update(snapshot={"name": "boiler client"})
    make_binding(config=device, slot="gone", resource_id="left-over")

    text = page_text(admin.get(change_url(device)))

    for shown in ("boiler client", "client-77", "client, required", "channel, optional", "gone (client)"):
        assert shown in text


def test_who_may_not_bind_is_told_what_is_missing_without_links(viewer, device):
    viewer.user.domain_grants.get_or_create(domain_id=DOMAIN)
    text = page_text(viewer.get(change_url(device)))

    assert "Nothing is bound to the slot data" in text
    assert reverse("admin:configs_config_bind", args=(device.pk,)) not in text


def test_a_panel_needs_its_permission(device):
    text = page_text(make_person("carl", "view_config").get(change_url(device)))

    assert "Nothing is bound to the slot data" in text
    assert "client-77" not in text
    assert "What the device fetched" not in text
    assert "Who changed what" in text


# What it fetched, and who changed it.


def test_calls_are_told_in_words_newest_first(admin, device):
    remember(device, 7)

    text = page_text(admin.get(change_url(device)))

    assert text.count("Its configuration could not be made.") == 5
    assert text.index("e-00000006") < text.index("e-00000002")
    assert "e-00000001" not in text
    assert f"?q={device.pk}" in text


def test_changes_are_told_with_their_author_newest_first(admin, device):
    for number in range(7):
        admin.post(change_url(device), change_data(device, name=f"name {number}", base=base_of(admin, device)))

    response = admin.get(change_url(device))

    text = page_text(response)
    assert text.count("Changed Name") == 5
    assert "The whole history" in text
    assert text.count("</time> <strong>ada</strong>") == 5


def test_the_page_asks_the_same_number_of_questions_however_much_there_is(admin, django_assert_max_num_queries):
    from django.db import connection  # noqa: PLC0415 - beside its only use.
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    def asked(config: Config) -> int:
        admin.client.get(change_url(config))
        with CaptureQueriesContext(connection) as captured:
            admin.client.get(change_url(config))
        return len(captured)

    names = [f"s{number}" for number in range(30)]
    slots = [{"name": name, "type": "client", "required": True} for name in names]
    profile = make_profile(binding_slots=slots, content_template="x")
    small = make_config(profile=profile)
    large = make_config(profile=profile)
    make_binding(config=small, slot="s0")
    for name in names:
        make_binding(config=large, slot=name)
    remember(large, 20)
    for number in range(20):
        admin.post(change_url(large), change_data(large, name=f"n{number}", base=base_of(admin, large)))

    # A device that lacks a slot is not rendered, which takes one query less.
    assert asked(large) - asked(small) <= 1
    with django_assert_max_num_queries(12):
        admin.client.get(change_url(large))


# Switching.


def test_a_device_is_switched_by_its_permission_alone(device):
    switcher = make_person("sven", "view_config", "switch_config")

    text = page_text(switcher.post(switch_url(device), {"status": "disabled"}))

    assert "it is refused from its next call on" in text
    assert Config.objects.get().status == "disabled"
    assert LogEntry.objects.get().change_message == "Disabled."
    switcher.post(switch_url(device), {"status": "disabled"})
    assert LogEntry.objects.count() == 1
    assert "at its next call" in page_text(switcher.post(switch_url(device), {"status": "enabled"}))


@pytest.mark.parametrize("status", ["", "maybe", "ENABLED"])
def test_an_odd_status_switches_nothing(admin, device, status):
    admin.post(switch_url(device), {"status": status})

    assert Config.objects.get().updated_at == device.updated_at
    assert admin.client.get(switch_url(device)).status_code == 302


def test_who_may_change_devices_may_not_switch_them(device):
    carl = make_person("carl", "view_config", "change_config", "add_config")

    assert carl.post(switch_url(device), {"status": "disabled"}).status_code == 403
    text = page_text(carl.get(change_url(device)))
    assert 'value="disabled"' not in text
    carl.post(change_url(device), change_data(device, status="disabled"))
    assert Config.objects.get().status == "enabled"
    assert "status" not in carl.get(ADD).context["adminform"].form.fields
    carl.post(ADD, add_data(status="disabled"))
    assert Config.objects.get(external_id="pump-1").status == "enabled"


def test_a_device_that_is_not_there_cannot_be_switched(admin):
    url = reverse("admin:configs_config_switch", args=(uuid.uuid4(),))

    assert "There is no such device" in page_text(admin.post(url, {"status": "enabled"}))
    assert "There is no such device" in page_text(admin.post("/admin/configs/config/x/switch/", {"status": "enabled"}))


# Variables.


def test_variables_are_checked_while_they_are_typed(admin):
    profile = make_profile(content_template="{{ .Vars.site }}{{ .Vars.zone }}", defaults={"site": "lab"})

    answer = admin.post(CHECK, {"render_context": '{"site": "x"}', "profile": str(profile.pk)}).json()

    for shown in ("over the default", "lab", "zone", "missing", f"/profiles/profile/{profile.pk}/change/#id_defaults"):
        assert shown in answer["html"]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ('{\n "a": }', 2, 7, "a value is missing at line 2, column 7"),
        ("[1]", 1, 1, "must be an object"),
        ('{"a": NaN}', 1, 7, "NaN"),
        ('{"a":' * 5000, 1, 1, ""),
        ('{"a": "\\u0000"}', 1, 7, "NUL"),
    ],
)
def test_what_saving_would_refuse_is_told_before(admin, text, line, column, words):
    answer = admin.post(CHECK, {"render_context": text}).json()

    assert words in answer["error"]
    if words:
        assert (answer["line"], answer["column"]) == (line, column)


def test_only_who_may_write_devices_has_them_checked_and_sees_its_own_domains_profiles(viewer):
    foreign = make_profile(domain_id="other", defaults={"secret-name": 1})
    writer = make_person("wim", "view_config", "change_config")

    assert viewer.post(CHECK, {"render_context": "{}"}).status_code == 403
    assert writer.client.get(CHECK).status_code == 405
    for profile in (str(foreign.pk), "nonsense", str(uuid.uuid4())):
        answer = writer.post(CHECK, {"render_context": "{}", "profile": profile}).json()
        assert "secret-name" not in answer["html"]


# Two people at once.


def test_a_change_by_somebody_else_is_not_overwritten(admin, device):
    base = base_of(admin, device)
    Config.objects.update(render_context={"site": "theirs"}, content="theirs too")

    response = admin.post(
        change_url(device), change_data(device, name="mine", render_context='{"site": "mine"}', base=base)
    )

    found = errors(response)
    assert list(found) == ["render_context", "content", "__all__"]
    assert "theirs" in str(found["render_context"])
    form = response.context["adminform"].form
    assert form["name"].value() == "mine"
    assert "mine" in form["render_context"].value()
    # What only the other one touched is taken over.
    assert form["content"].value() == "theirs too"
    assert Config.objects.get().name == "pi 4"

    data = {name: form[name].value() or "" for name in ("name", "profile", "content", "client_cert", "ca_cert", "base")}
    again = admin.post(change_url(device), data | {"render_context": form["render_context"].value()})
    assert "was changed successfully" in page_text(again)
    after = Config.objects.get()
    assert (after.name, after.render_context, after.content) == ("mine", {"site": "mine"}, "theirs too")
    assert "base" not in LogEntry.objects.get().change_message


def test_the_same_change_by_two_people_is_no_conflict(admin, device):
    base = base_of(admin, device)
    Config.objects.update(name="both", render_context={"a": 1.5})

    response = admin.post(change_url(device), change_data(device, name="both", render_context='{"a": 1.5}', base=base))

    assert "was changed successfully" in page_text(response)


def test_binding_and_calls_meanwhile_are_no_conflict(admin, device):
    base = base_of(admin, device)
    device.save(update_fields=["updated_at"])

    response = admin.post(change_url(device), change_data(device, name="mine", base=base))

    assert "was changed successfully" in page_text(response)


def test_a_client_key_that_somebody_else_replaced_is_noticed_without_being_shown(admin, device):
    base = base_of(admin, device)
    row = Config.objects.get()
    row.client_key = "THEIRS"
    row.save()

    kept = admin.post(change_url(device), change_data(device, name="mine", base=base))
    assert "was changed successfully" in page_text(kept)
    device.name = "mine"
    refused = admin.post(change_url(device), change_data(device, new_client_key="MINE", base=base))

    text = page_text(refused)
    assert "another key” now. It is not shown again: paste it once more." in " ".join(errors(refused)["new_client_key"])
    assert "Yours takes its place" not in text
    assert "THEIRS" not in text
    assert row.client_key_sealed not in text
    assert Config.objects.get().client_key == "THEIRS"


@pytest.mark.parametrize("base", ["", "nonsense", "[1]", '{"name": 5, "other": {}}', "[" * 100_000])
def test_odd_marks_are_no_stack_trace(admin, device, base):
    response = admin.post(change_url(device), change_data(device, name="mine", base=base))

    assert response.status_code == 200


def test_a_device_that_went_meanwhile_is_told_in_words(admin, device):
    data = change_data(device, base=base_of(admin, device))
    delete_config(domain_id=device.domain_id, config_id=device.pk)

    assert "Perhaps it was deleted?" in page_text(admin.post(change_url(device), data))


# Enrolling, looking, deleting.


def test_staff_choose_among_their_domains_and_no_others(device):
    carl = make_person("carl", "view_config", "add_config")

    page = carl.get(ADD)
    refused = carl.post(ADD, add_data(domain_id="elsewhere"))

    assert page.context["adminform"].form["domain_id"].value() == DOMAIN
    assert str(page.context["adminform"].form["domain_id"]).count("<option") == 1
    assert "not granted to you" in str(errors(refused)["domain_id"])
    assert carl.post(ADD, add_data()).status_code == 200
    assert Config.objects.filter(external_id="pump-1").exists()


def test_a_viewer_sees_values_as_text(viewer):
    viewer.user.domain_grants.get_or_create(domain_id=DOMAIN)
    config = make_config(
        render_context={"site": "north"}, content="fixed", client_cert="CERT", ca_cert="CA", client_key=CLIENT_KEY
    )

    text = page_text(viewer.get(change_url(config)))

    for shown in ('"site": "north"', "fixed", "CERT", "CA"):
        assert shown in text
    missing = make_config(profile=make_profile(content_template="{{ .Vars.nobody }}"))
    for config in (missing, make_config()):
        page = page_text(viewer.get(change_url(config)))
        assert "#id_" not in page
    assert "The template needs it" in page_text(viewer.get(change_url(missing)))
    assert 'name="render_context"' not in text
    assert 'name="base"' not in text


def test_deleting_says_what_goes_along(admin, device):
    text = page_text(admin.get(reverse("admin:configs_config_delete", args=(device.pk,))))

    for words in ("refused from its next call on", "Its bindings go with it", "Bindings: 2", "disable it"):
        assert words in text


def test_the_page_hands_no_secret_to_scripts(admin, device):
    page = admin.get(change_url(device))

    base = json.loads(page.context["adminform"].form["base"].value())
    assert set(base) == {"name", "profile", "render_context", "content", "client_cert", "ca_cert", "new_client_key"}
    assert CLIENT_KEY.splitlines()[1] not in page_text(page)


def test_every_outcome_of_a_call_has_words():
    assert all(outcome.label.endswith(".") for outcome in Outcome)
