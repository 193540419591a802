"""The preview: what the device gets, with every secret masked, and why it gets nothing."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client
from django.urls import reverse

from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.admin.conftest import BINDING_SECRET, Person, make_user, page_text
from tests.factories import EXTERNAL_KEY, make_binding, make_config, make_profile

pytestmark = pytest.mark.sqlite

TEMPLATE = (
    '{"id": "{{ .Device.ID }}", "site": {{ toJSON .Vars.site }}, "user": "{{ .Bindings.mqtt.ID }}",'
    ' "password": {{ toJSON .Bindings.mqtt.Secret.secret }}}'
)


def url(config: Config) -> str:
    return reverse("admin:enrollments_enrollment_preview", args=(config.pk,))


@pytest.fixture
def complete(device: Config) -> Config:
    """The device with all that it needs."""
    Profile.objects.update(content_template=TEMPLATE, template_format="json")
    make_binding(config=device, slot="data", type="channel")
    return device


def test_the_preview_is_what_the_device_gets_but_for_the_secret(admin, complete, client: Client):
    answer = client.get(
        f"/clients/bootstrap/{complete.external_id}", headers={"Authorization": f"Client {EXTERNAL_KEY}"}
    )

    shown = admin.get(url(complete)).context["content"]

    assert answer.status_code == 200
    assert BINDING_SECRET in answer.json()["content"]
    assert shown == answer.json()["content"].replace(BINDING_SECRET, "********")


@pytest.mark.parametrize(
    ("format_", "template", "slots", "bound"),
    [
        ("raw", "{{ as it is", [], {}),
        ("raw", "x", [{"name": "a", "type": "client", "required": True}], {}),
        ("go-template", "", [], {}),
        ("go-template", "{{ len .Bindings }}", [{"name": "a", "type": "client"}], {"a": "channel", "b": "client"}),
        ("go-template", "{{ .Bindings.a.ID }}", [{"name": "a", "type": "client", "required": True}], {"a": "channel"}),
        ("go-template", "{{ .Bindings.a.Secret.secret }}", [{"name": "a", "type": "client"}], {"a": "client"}),
        ("go-template", "{{ .Bindings.a.ID }}", [{"name": "a", "type": "client"}], {}),
        ("go-template", "{{ .Vars.site }}/{{ .Device.ExternalID }}/{{ .Device.DomainID }}", [], {}),
        ("json", "no json", [], {}),
        ("yaml", "a: [", [], {}),
        ("toml", "a = {{ .Vars.n }}", [], {}),
    ],
)
def test_the_preview_and_the_device_path_agree(admin, client: Client, format_, template, slots, bound):
    profile = make_profile(
        template_format=format_, content_template=template, binding_slots=slots, defaults={"site": "north", "n": 1e16}
    )
    config = make_config(profile=profile, render_context={"site": "south"}, content="of its own")
    for slot, kind in bound.items():
        make_binding(config=config, slot=slot, type=kind, secret={"secret": BINDING_SECRET})

    answer = client.get(f"/clients/bootstrap/{config.external_id}", headers={"Authorization": f"Client {EXTERNAL_KEY}"})
    context = admin.get(url(config)).context

    assert bool(context["failure"]) == (answer.status_code != 200)
    if answer.status_code == 200:
        assert context["content"] == answer.json()["content"].replace(BINDING_SECRET, "********")


def test_no_function_carries_a_secret_out(admin, complete):
    Profile.objects.update(
        content_template='{{ printf "%x" .Bindings.mqtt.Secret.secret }}{{ slice .Bindings.mqtt.Secret.secret 0 4 }}',
        template_format="go-template",
    )

    shown = admin.get(url(complete)).context["content"]

    assert shown == "2a" * 8 + "****"


def test_own_content_is_shown_where_there_is_no_profile(admin):
    assert "as it is {{ }}" in page_text(admin.get(url(make_config(content="as it is {{ }}"))))


def test_an_unbound_slot_is_named(admin, device):
    text = page_text(admin.get(url(device)))

    assert "Required slots are not bound." in text
    assert "Bind these first: data." in text


def test_a_missing_variable_is_shown_in_its_line(admin, complete):
    Profile.objects.update(content_template="first\n{{ .Vars.nowhere }}", template_format="go-template")

    text = page_text(admin.get(url(complete)))

    assert "The device would get nothing." in text
    assert "Line 2, column " in text
    assert "{{ .Vars.nowhere }}" in text
    assert "^" in text


def test_output_that_breaks_its_format_is_told(admin, complete):
    Profile.objects.update(content_template="{{ .Device.ID }", template_format="raw")
    assert "{{ .Device.ID }" in page_text(admin.get(url(complete)))

    Profile.objects.update(content_template="{{ .Device.ID }}", template_format="json")
    assert "The rendered text is not valid JSON." in page_text(admin.get(url(complete)))


def test_a_secret_that_cannot_be_opened_is_told(admin, complete):
    BindingSnapshot.objects.filter(slot="mqtt").update(secret_sealed="v1.unknown.AAAA")

    assert "The secret snapshot cannot be opened." in page_text(admin.get(url(complete)))


def test_a_disabled_device_is_previewed_with_a_word_about_it(admin, complete):
    Config.objects.update(status="disabled")

    text = page_text(admin.get(url(complete)))

    assert "The device is disabled" in text
    assert "client-77" in text


def test_who_may_preview_and_who_may_not(viewer, complete):
    for person in (viewer, Person(make_user("otto", "preview_enrollment")), Person(make_user("nora", "view_config"))):
        assert person.get(url(complete)).status_code == 403
        assert person.post(url(complete), {"reveal": "yes"}).status_code == 403
    assert Person(make_user("vic", "view_enrollment", "preview_enrollment")).get(url(complete)).status_code == 200


def test_a_device_that_is_gone_is_told(admin):
    missing = reverse("admin:enrollments_enrollment_preview", args=(uuid.uuid4(),))

    assert "There is no such device" in page_text(admin.client.get(missing, follow=True))
