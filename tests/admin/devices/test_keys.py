"""Keys made by the admin: shown once, kept nowhere, and never made twice by one form."""

from __future__ import annotations

import json
import re
from unittest import mock

import pytest
import segno
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from bootstrap_project.admin.devices.keys import read_enrolment
from configs.models import Config
from configs.provisioning import KEY_ALPHABET, Installation, generate_external_key
from tests.admin.devices.forms import ADD, add_data, verifies
from tests.support.pages import errors, page_text
from tests.support.people import Person, make_person
from tests.support.rows import EXTERNAL_KEY, make_config

pytestmark = pytest.mark.sqlite


@pytest.fixture
def keeper() -> Person:
    """Somebody who may look and rotate keys, and nothing else."""
    return make_person("kim", "view_config", "rotate_external_key")


def rotate_url(config: Config) -> str:
    return reverse("admin:configs_config_rotate_key", args=(config.pk,))


def rotate_form(person: Person, config: Config, **values: str) -> dict[str, str]:
    """What the page sends when somebody presses its button."""
    form = person.get(rotate_url(config)).context["form"]
    return {"mark": form["mark"].value(), "key_choice": form["key_choice"].value()} | values


def enrol_form(person: Person, **values: str) -> dict[str, str]:
    form = person.get(ADD).context["adminform"].form
    return add_data(external_key="", enrolment=form["enrolment"].value(), key_choice="make") | values


def shown_key(response) -> str:
    groups = re.findall(r"<span>([A-Z2-9]{4})</span>", response.content.decode())
    return "".join(groups)


def assert_kept_nowhere(person: Person, key: str) -> None:
    """Look where a key could be left behind."""
    assert key not in json.dumps(dict(person.client.session.items()), default=str)
    assert not any(key in cookie.OutputString() for cookie in person.client.cookies.values())
    for entry in LogEntry.objects.all():
        assert key not in entry.change_message + entry.object_repr
    for row in Config.objects.values():
        assert key not in str(row)


def test_keys_are_random_and_cannot_be_misread():
    keys = {generate_external_key() for _ in range(100)}

    assert len(keys) == 100
    assert all(len(key) == 32 and set(key) <= set(KEY_ALPHABET) for key in keys)
    assert not set(KEY_ALPHABET) & set("IO01 ")


def test_enrolling_makes_a_key_and_shows_it_once(admin):
    form = enrol_form(admin)

    response = admin.post(ADD, form, follow=False)

    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    key = shown_key(response)
    config = Config.objects.get()
    assert verifies(config, key)
    assert f"http://testserver/clients/bootstrap/{config.external_id}" in page_text(response)
    assert_kept_nowhere(admin, key)
    assert str(LogEntry.objects.get()).startswith("Added")
    text = page_text(admin.get(reverse("admin:configs_config_change", args=(config.pk,))))
    assert key not in text


def test_the_same_form_sent_again_enrols_nothing_and_shows_no_key(admin):
    form = enrol_form(admin)
    key = shown_key(admin.post(ADD, form, follow=False))
    before = Config.objects.values().get()

    text = page_text(admin.post(ADD, form))

    assert "is enrolled already; nothing was done twice" in text
    assert key not in text
    assert not shown_key(admin.post(ADD, form))
    assert Config.objects.values().get() == before


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 5000, None])
def test_an_enrolment_that_is_no_token_of_this_person_enrols_all_the_same(admin, token):
    other = make_person("olga", is_superuser=True)
    drawn = enrol_form(other)["enrolment"] if token is None else token

    response = admin.post(ADD, enrol_form(admin, enrolment=drawn), follow=False)

    enrolled = Config.objects.get()
    assert verifies(enrolled, shown_key(response))
    # Under an id of its own: whoever the token belongs to may still enrol the device that it stands for.
    assert read_enrolment(drawn, other.user) != enrolled.pk


def test_a_refused_form_makes_no_key(admin):
    make_config(external_id="pump-1")

    response = admin.post(ADD, enrol_form(admin))

    assert list(errors(response)) == ["external_id"]
    assert not shown_key(response)


def test_a_typed_key_is_stored_and_not_shown(admin):
    text = page_text(admin.post(ADD, enrol_form(admin, key_choice="typed", external_key="burned-into-it")))

    assert "was added successfully" in text
    assert "burned-into-it" not in text
    assert verifies(Config.objects.get(), "burned-into-it")


def test_rotating_makes_a_key_and_a_second_sending_changes_nothing(keeper, device):
    form = rotate_form(keeper, device)

    response = keeper.post(rotate_url(device), form, follow=False)

    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    key = shown_key(response)
    assert verifies(device, key)
    assert not verifies(device, EXTERNAL_KEY)
    assert LogEntry.objects.get().change_message == "Rotated the external key; the new one was made here."
    assert_kept_nowhere(keeper, key)

    again = keeper.post(rotate_url(device), form)
    assert "had been rotated already, so nothing was changed" in page_text(again)
    assert not shown_key(again)
    assert verifies(device, key)
    assert LogEntry.objects.count() == 1


def test_a_form_that_was_open_while_somebody_else_rotated_changes_nothing(admin, keeper, device):
    form = rotate_form(admin, device, key_choice="typed", external_key="mine", repeated_key="mine")
    key = shown_key(keeper.post(rotate_url(device), rotate_form(keeper, device), follow=False))

    assert "had been rotated already" in page_text(admin.post(rotate_url(device), form))
    assert verifies(device, key)


def test_who_may_change_devices_may_not_rotate_keys(device):
    carl = make_person("carl", "view_config", "change_config")

    assert carl.get(rotate_url(device)).status_code == 403
    assert carl.post(rotate_url(device), {"key_choice": "make"}).status_code == 403
    assert "Rotate key" not in page_text(carl.get(reverse("admin:configs_config_change", args=(device.pk,))))
    assert verifies(device, EXTERNAL_KEY)


def test_installers_are_told_the_public_address(admin, device, settings):
    settings.PUBLIC_URL = "https://boot.example.com/edge"

    text = page_text(admin.post(rotate_url(device), rotate_form(admin, device), follow=False))

    assert "https://boot.example.com/edge/clients/bootstrap/pi-0004" in text
    assert "MG_BOOTSTRAP_PUBLIC_URL" not in text


def test_the_code_holds_address_id_and_key_as_json():
    installation = Installation("https://boot.example.com/clients/bootstrap/pi-ä", "pi-ä", "KEY")

    assert json.loads(installation.payload()) == {
        "v": 1,
        "url": "https://boot.example.com/clients/bootstrap/pi-ä",
        "external_id": "pi-ä",
        "external_key": "KEY",
    }
    svg = installation.qr_code()
    assert svg.startswith("<svg ")
    assert "style=" not in svg
    assert "KEY" not in repr(installation)
    assert "KEY" not in svg


def test_an_id_that_no_code_can_hold_is_told_in_words(admin):
    long_id = "ü" * 1000
    make_config(external_id=long_id)

    response = admin.post(rotate_url(Config.objects.get()), rotate_form(admin, Config.objects.get()), follow=False)

    assert "too long for a QR code" in page_text(response)
    assert verifies(Config.objects.get(), shown_key(response))
    with pytest.raises(segno.DataOverflowError):
        segno.make_qr("x" * 5000)


def test_a_key_stays_out_of_the_report_of_a_failure(admin, device):
    admin.client.raise_request_exception = False
    with (
        mock.patch("bootstrap_project.admin.devices.keys.rotate_external_key", side_effect=RuntimeError("a bug")),
        mock.patch("bootstrap_project.admin.devices.key_forms.generate_external_key", return_value="MADEHERE" * 4),
    ):
        response = admin.client.post(rotate_url(device), rotate_form(admin, device))

    assert response.status_code == 500
    assert "MADEHERE" not in response.content.decode()
