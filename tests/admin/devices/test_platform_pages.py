"""Bind and Refresh in the admin, with the service's credential, against the sandbox."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from bootstrap_project.magistrala.factory import reset_client
from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from configs.services import delete_config, get_config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.pages import page_text
from tests.support.people import Person, make_person
from tests.support.rows import make_binding, make_config, make_profile
from tests.support.sandbox import SandboxProcess

pytestmark = pytest.mark.sqlite

SLOTS = [
    {"name": "mqtt client", "type": "client", "required": True},
    {"name": "telemetry", "type": "channel", "required": True},
    {"name": "commands", "type": "channel", "required": False, "fields": ["id", "name"]},
]
CLIENT, TELEMETRY, COMMANDS = "slot-mqtt%20client", "slot-telemetry", "slot-commands"
ALL = {CLIENT: seed.CLIENT_ID, TELEMETRY: f" {seed.TELEMETRY_CHANNEL_ID} ", COMMANDS: ""}


def bind_url(config: Config) -> str:
    return reverse("admin:configs_config_bind", args=(config.pk,))


def refresh_url(config: Config) -> str:
    return reverse("admin:configs_config_refresh", args=(config.pk,))


def device_url(config: Config) -> str:
    return reverse("admin:configs_config_change", args=(config.pk,))


def bound(config: Config) -> dict[str, str]:
    return dict(BindingSnapshot.objects.filter(config=config).values_list("slot", "resource_id"))


def values(response) -> dict[str, str]:
    """What stands in the boxes of the page."""
    boxes = re.findall(r'<input type="text"[^>]*>', page_text(response))
    found = {}
    for box in boxes:
        name, value = re.search(r'name="([^"]*)"', box), re.search(r' value="([^"]*)"', box)
        if name and name[1].startswith("slot-"):
            found[name[1]] = value[1] if value else ""
    return found


@pytest.fixture
def pi() -> Config:
    return make_config(name="pi", external_id="pi-1", profile=make_profile(name="pi profile", binding_slots=SLOTS))


@pytest.fixture
def operator() -> Person:
    """Somebody with the least that binding needs."""
    return make_person("olga", "view_config", "view_enrollment", "view_bindingsnapshot", "change_bindingsnapshot")


def test_the_page_shows_a_row_for_each_slot(admin, credential, pi):
    make_binding(config=pi, slot="telemetry", type="channel", resource_id="chan-1", snapshot={"name": "cellar"})

    response = admin.get(bind_url(pi))
    text = page_text(response)

    for part in ("mqtt client", "client, required", "channel, optional", "chan-1", "cellar", "pi profile v1"):
        assert part in text, part
    assert values(response) == {CLIENT: "", TELEMETRY: "", COMMANDS: ""}
    assert bind_url(pi) in page_text(admin.get(device_url(pi)))
    assert refresh_url(pi) in page_text(admin.get(device_url(pi)))


def test_slots_are_bound_and_told_one_by_one(operator, credential, pi):
    response = operator.post(bind_url(pi), ALL)
    text = page_text(response)

    assert response.redirect_chain[-1][0] == bind_url(pi)
    assert "Bound 2 slots." in text
    assert f"<strong>mqtt client</strong>: client {seed.CLIENT_NAME} ({seed.CLIENT_ID})" in text
    assert f"<strong>telemetry</strong>: channel {seed.TELEMETRY_CHANNEL_NAME} ({seed.TELEMETRY_CHANNEL_ID})" in text
    assert bound(pi) == {"mqtt client": seed.CLIENT_ID, "telemetry": seed.TELEMETRY_CHANNEL_ID}
    assert seed.CLIENT_SECRET not in text
    entry = LogEntry.objects.get()
    assert f"mqtt client → client {seed.CLIENT_ID}" in entry.change_message
    assert seed.CLIENT_SECRET not in entry.change_message
    keeper = make_person("hugo", "view_config")
    assert "Bound mqtt client" in page_text(keeper.get(reverse("admin:configs_config_history", args=(pi.pk,))))


def test_an_empty_box_leaves_its_slot_alone_and_a_full_one_replaces(admin, credential, pi):
    admin.post(bind_url(pi), ALL)
    kept = BindingSnapshot.objects.get(slot="mqtt client").updated_at

    text = page_text(admin.post(bind_url(pi), {TELEMETRY: seed.COMMANDS_CHANNEL_ID}))

    assert f"in place of {seed.TELEMETRY_CHANNEL_ID}" in text
    assert bound(pi)["telemetry"] == seed.COMMANDS_CHANNEL_ID
    assert BindingSnapshot.objects.get(slot="mqtt client").updated_at == kept
    assert "as before, read again" in page_text(admin.post(bind_url(pi), {CLIENT: seed.CLIENT_ID}))


def test_an_empty_form_and_an_endless_id_are_refused_before_anything_is_asked(admin, credential, pi, sandbox):
    assert "at least one slot" in page_text(admin.post(bind_url(pi), {CLIENT: " "}))
    assert "at most" in page_text(admin.post(bind_url(pi), {CLIENT: "x" * 1000}))

    assert sandbox.calls("clients") == []
    assert bound(pi) == {}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 503}, "try the same again in a minute"),
        ({"kind": "status", "status": 503, "retry_after": 7}, "try the same again in 7 seconds"),
        ({"kind": "down"}, "try the same again in a minute"),
        ({"kind": "slow", "seconds": 2}, "try the same again in a minute"),
    ],
)
def test_an_outage_leaves_the_form_filled_and_says_what_to_do(admin, credential, pi, sandbox, fault, words):
    sandbox.faults(fault | {"match": {"service": "channels"}})

    response = admin.post(bind_url(pi), ALL)
    text = page_text(response)

    assert response.status_code == 200
    assert "Nothing was bound; what you typed is still here." in text
    assert words in text
    assert {name: value.strip() for name, value in values(response).items()} == {
        name: value.strip() for name, value in ALL.items()
    }
    assert '<tr id="slot-telemetry" class="errors">' in text
    assert bound(pi) == {}
    assert not LogEntry.objects.exists()

    sandbox.faults()
    assert "Bound 2 slots." in page_text(admin.post(bind_url(pi), values(response)))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (seed.OTHER_CLIENT_ID, "Check the id"),
        ("3a0f2b6e-7c55-4a0e-9d10-7a6f0c1d2e3f", "Check the id"),
        (seed.TELEMETRY_CHANNEL_ID, "Check the id"),
        ("../../health", "“../../health” is the id of no client."),
        ("raspberry", "Choose from the list"),
        ("x" * 200, f"“{'x' * 59}…” is the id of no client."),
    ],
)
def test_a_wrong_id_is_told_at_its_slot(admin, credential, pi, typed, words):
    text = page_text(admin.post(bind_url(pi), ALL | {CLIENT: typed}))

    assert '<tr id="slot-mqtt_20_client" class="errors">' in text
    assert text.count('class="errors"') == 1
    assert words in text
    assert bound(pi) == {}


def test_a_disabled_resource_is_told_with_what_to_do(admin, credential, pi, sandbox):
    token = sandbox.token()
    path = f"/{seed.DOMAIN_ID}/clients/{seed.CLIENT_ID}/disable"
    assert sandbox.platform("POST", path, token).ok

    assert "enable it on the platform or bind another" in page_text(admin.post(bind_url(pi), ALL))


def test_without_a_credential_the_pages_name_the_settings(admin, sandbox, settings, pi):
    settings.SERVICE_TOKEN = settings.SERVICE_USERNAME = settings.SERVICE_PASSWORD = ""

    response = admin.post(bind_url(pi), ALL)

    for text in (page_text(response), page_text(admin.get(bind_url(pi))), page_text(admin.post(refresh_url(pi)))):
        assert "MG_BOOTSTRAP_TOKEN" in text
        assert "MG_BOOTSTRAP_USERNAME" in text
    assert values(response)[CLIENT] == seed.CLIENT_ID
    assert sandbox.calls() == []


def test_a_refused_credential_names_the_settings(admin, credential, settings, pi):
    settings.SERVICE_PASSWORD = "wrong-password"

    text = page_text(admin.post(bind_url(pi), ALL))

    assert "MG_BOOTSTRAP_USERNAME" in text
    assert "wrong-password" not in text


def test_a_device_without_profile_or_slots_says_so(admin, credential):
    bare, empty = make_config(), make_config(profile=make_profile(name="empty one"))

    assert "No profile is assigned" in page_text(admin.get(bind_url(bare)))
    assert "declares no slots" in page_text(admin.get(bind_url(empty)))
    assert admin.post(bind_url(bare), {"slot-x": "y"}).status_code == 200
    assert "Nothing is bound yet" in page_text(admin.post(refresh_url(bare)))


def test_a_slot_that_is_gone_meanwhile_is_not_bound(admin, credential, pi):
    Profile.objects.update(binding_slots=SLOTS[1:], version=2)

    admin.post(bind_url(pi), ALL)

    assert bound(pi) == {"telemetry": seed.TELEMETRY_CHANNEL_ID}


def test_refresh_shows_what_changed_and_no_secret(operator, credential, pi, sandbox):
    operator.post(bind_url(pi), ALL | {COMMANDS: seed.COMMANDS_CHANNEL_ID})
    assert "Nothing changed" in page_text(operator.post(refresh_url(pi)))
    sandbox.change_everything()
    token = sandbox.token()
    sandbox.platform("PATCH", f"/{seed.DOMAIN_ID}/channels/{seed.TELEMETRY_CHANNEL_ID}", token, {"name": "renamed <b>"})
    secret = BindingSnapshot.objects.get(slot="mqtt client").secret_snapshot["secret"]

    response = operator.post(refresh_url(pi))
    text = page_text(response)

    assert "2 slots changed." in text
    assert "secret changed" in text
    assert f"<del>{seed.TELEMETRY_CHANNEL_NAME}</del>" in text
    assert "<ins>renamed &lt;b&gt;</ins>" in response.content.decode()
    new = BindingSnapshot.objects.get(slot="mqtt client").secret_snapshot["secret"]
    assert new != secret
    assert secret not in text
    assert new not in text
    messages = [entry.change_message for entry in LogEntry.objects.order_by("action_time")]
    assert messages[1:] == [
        "Refreshed the bindings; changed: nothing.",
        "Refreshed the bindings; changed: mqtt client, telemetry.",
    ]


def test_a_refresh_that_fails_changes_nothing_and_can_be_repeated(admin, credential, pi, sandbox):
    admin.post(bind_url(pi), ALL)
    sandbox.change_everything()
    sandbox.faults({"kind": "status", "status": 503, "match": {"service": "clients"}})
    before = list(BindingSnapshot.objects.order_by("slot").values_list())

    text = page_text(admin.post(refresh_url(pi)))

    assert "Slot mqtt client:" in text
    assert "Nothing was changed" in text
    assert "try the same again" in text
    assert re.search(r'<tr class="errors">\s*<th scope="row">mqtt client', text)
    assert text.count("left as it was") == 1
    assert list(BindingSnapshot.objects.order_by("slot").values_list()) == before
    sandbox.faults()
    assert "changed. The device gets it" in page_text(admin.post(refresh_url(pi)))


def test_looking_at_the_refresh_page_refreshes_nothing(admin, credential, pi, sandbox):
    admin.post(bind_url(pi), ALL)
    sandbox.forget_calls()

    assert "2 bound slots" in page_text(admin.get(refresh_url(pi)))
    assert sandbox.calls() == []


def test_only_who_may_change_bindings_may_bind_and_refresh(viewer, sandbox, credential, pi):
    others = [
        viewer,
        make_person("otto", "view_config", "change_bindingsnapshot"),
        make_person("olaf", "view_enrollment", "change_bindingsnapshot"),
        make_person("nora"),
    ]

    for person in others:
        for url in (bind_url(pi), refresh_url(pi)):
            assert person.get(url).status_code == 403
            assert person.post(url, ALL).status_code == 403
    assert bind_url(pi) not in page_text(viewer.get(device_url(pi)))
    assert refresh_url(pi) not in page_text(viewer.get(device_url(pi)))
    assert bound(pi) == {}
    assert sandbox.calls() == []


def test_a_device_that_is_gone_is_told(admin, credential):
    for page in ("bind", "refresh"):
        url = reverse(f"admin:configs_config_{page}", args=(uuid.uuid4(),))
        assert "There is no such device" in page_text(admin.client.post(url, ALL, follow=True))
        assert admin.get(url.replace("/change", "")).status_code == 302


def test_connections_are_told_for_each_slot(admin, credential, pi, sandbox):
    assert "connected with nothing yet" in page_text(admin.post(bind_url(pi), {TELEMETRY: seed.TELEMETRY_CHANNEL_ID}))

    text = page_text(admin.post(bind_url(pi), {CLIENT: seed.CLIENT_ID, COMMANDS: seed.COMMANDS_CHANNEL_ID}))

    assert "connected with the channel of commands and telemetry" in text
    assert "connected with the client of mqtt client" in text


def test_what_was_chosen_by_name_is_still_told_by_name(admin, credential, pi, sandbox):
    sandbox.faults({"kind": "down"})

    text = page_text(admin.post(bind_url(pi), ALL | {f"shown-{CLIENT}": 'pi "<b>'}))

    assert 'data-shown="pi "<b>"' in text
    assert f'data-lookup="{reverse("admin:configs_config_resources", args=(pi.pk,))}"' in text


def test_pages_cost_the_same_for_many_slots(admin, credential, django_assert_num_queries):
    slots = [{"name": f"slot {number}", "type": "client", "required": True} for number in range(40)]
    config = make_config(profile=make_profile(binding_slots=slots))
    for number in range(40):
        make_binding(config=config, slot=f"slot {number}")

    # Session, user, the row as the admin sees it, the row by its domain, and the bindings.
    for url in (bind_url(config), refresh_url(config)):
        with django_assert_num_queries(5):
            assert admin.client.get(url).status_code == 200


@pytest.mark.parametrize("name", ["bind", "refresh", "preview"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_device_that_is_deleted_meanwhile_is_told_in_words(admin, pi, monkeypatch, name, method):
    def vanish(*, with_profile, **row):
        delete_config(**row)
        return get_config(**row, with_profile=with_profile)

    monkeypatch.setattr("bootstrap_project.admin.devices.page.get_config", vanish)
    address = reverse(f"admin:configs_config_{name}", args=(pi.pk,))

    response = getattr(admin.client, method)(address, follow=True)

    assert response.redirect_chain[0][0] == reverse("admin:configs_config_changelist")
    assert "There is no such device; it may have been deleted." in page_text(response)


@pytest.fixture
def out_of_time(sandbox: SandboxProcess, settings: Any) -> None:
    """The clients service hangs, and the time for a whole request is over long before that for a call."""
    settings.PLATFORM_DEADLINE_SECONDS, settings.MG_READ_TIMEOUT_SECONDS = 0.7, 60
    reset_client()
    sandbox.faults({"kind": "slow", "seconds": 60, "match": {"service": "clients"}})


def test_a_bind_ends_at_the_deadline_and_says_that_nothing_was_bound(operator, credential, out_of_time, pi):
    text = page_text(operator.post(bind_url(pi), ALL))

    assert "did not answer within the 0.7 s" in text
    assert "Nothing was bound; what you typed is still here." in text
    assert bound(pi) == {}


def test_a_refresh_ends_at_the_deadline_and_leaves_everything(operator, credential, out_of_time, pi):
    make_binding(config=pi, slot="mqtt client", resource_id=seed.CLIENT_ID, snapshot={"name": "as it was"})

    text = page_text(operator.post(refresh_url(pi), {}))

    assert "did not answer within the 0.7 s" in text
    assert BindingSnapshot.objects.get(config=pi).snapshot == {"name": "as it was"}


@pytest.mark.parametrize("page", [bind_url, refresh_url], ids=["bind", "refresh"])
def test_signing_in_is_part_of_the_time(sandbox, operator, credential, out_of_time, pi, page):
    sandbox.faults({"kind": "slow", "seconds": 60, "match": {"service": "users"}})
    make_binding(config=pi, slot="mqtt client", resource_id=seed.CLIENT_ID, snapshot={"name": "as it was"})

    text = page_text(operator.post(page(pi), ALL))

    assert "did not answer within the 0.7 s" in text
    assert BindingSnapshot.objects.get(config=pi).snapshot == {"name": "as it was"}


def test_who_types_a_name_does_not_wait_for_the_sign_in_either(
    sandbox, settings, monkeypatch, operator, credential, pi
):
    monkeypatch.setattr("bootstrap_project.admin.devices.bind.QUICK_SECONDS", 0.7)
    settings.MG_READ_TIMEOUT_SECONDS = 60
    reset_client()
    sandbox.faults({"kind": "slow", "seconds": 60, "match": {"service": "users"}})
    url = reverse("admin:configs_config_resources", args=(pi.pk,))

    answer = operator.get(url, type="client", q="rasp").json()

    assert "did not answer within the 0.7 s" in answer["error"]


def test_a_refresh_says_of_what_was_deleted_that_it_is_gone(admin, credential, pi, sandbox):
    admin.post(bind_url(pi), ALL)
    assert sandbox.platform("DELETE", f"/{seed.DOMAIN_ID}/clients/{seed.CLIENT_ID}", sandbox.token()).ok

    text = page_text(admin.post(refresh_url(pi)))

    assert '<span class="badge badge-bad">gone</span>' in text
    assert "it is gone, or never was there" in text
    assert "left as it was" in text


@pytest.mark.parametrize("user", ["operator", "admin"])
def test_the_form_says_the_same_of_somebody_elses_id_and_of_one_that_nobody_has(
    admin, credential, settings, pi, sandbox, user
):
    settings.SERVICE_USERNAME = settings.SERVICE_PASSWORD = ""
    settings.SERVICE_TOKEN = sandbox.pat(user)[0]

    said = []
    for resource_id in (seed.OTHER_CLIENT_ID, str(uuid.uuid4())):
        text = page_text(admin.post(bind_url(pi), {CLIENT: resource_id})).replace(resource_id, "ID")
        said.append(re.sub(r'csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"', "", text))

    assert said[0] == said[1]
    assert "knows no client ID in this domain" in said[0]
