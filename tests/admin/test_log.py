"""The record of changes: everything that is done through the admin is in it, in words, and no secret is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.urls import reverse

from bootstrap_project.magistrala.credential import reset_credential
from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.admin.people.forms import change_data as person_data
from tests.support.pages import page_text
from tests.support.people import make_user
from tests.support.rows import DOMAIN, stored_secrets

KEYS = ("the-first-external-key", "the-second-external-key")
PEM = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LWNsaWVudC1rZXk\n-----END PRIVATE KEY-----\n"
PASSWORDS = ("Tr0ub4dor&3xyz", "An0ther&3xyzzy")
VALUES = ("hunter2-in-a-variable", "hunter2-in-the-content")
SLOTS = '[{"name": "mqtt", "type": "client", "required": true}]'


@pytest.fixture
def platform(sandbox, settings):
    settings.SERVICE_TOKEN = ""
    settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = seed.OPERATOR, seed.OPERATOR_PASSWORD
    reset_credential()
    yield sandbox
    reset_credential()


def test_every_change_is_on_record_in_words_and_no_secret_is(admin, platform):
    """One walk through everything that changes something; each step says what must be on record after it."""

    def step(url: str, data: dict[str, Any] | None, *expected: str) -> None:
        known = set(LogEntry.objects.values_list("pk", flat=True))
        response = admin.client.post(url, data or {})
        assert response.status_code in {200, 302}, url
        new = [str(entry) for entry in LogEntry.objects.exclude(pk__in=known).order_by("pk")]
        assert len(new) == len(expected), (url, new, page_text(response)[:0])
        for entry, words in zip(new, expected, strict=True):
            assert words in entry

    profile_data = {"name": "pi", "domain_id": DOMAIN, "template_format": "raw", "description": "", "defaults": ""}
    template = {"content_template": "{{ .Device.ID }}", "binding_slots": SLOTS}
    step(reverse("admin:profiles_profile_add"), profile_data | template, "Added “pi v1")
    profile = Profile.objects.get()
    changed = profile_data | template | {"content_template": "x", "base_version": "1"}
    step(reverse("admin:profiles_profile_change", args=(profile.pk,)), changed, "Changed Template.")

    device_data = {
        "domain_id": DOMAIN,
        "external_id": "pi-1",
        "key_choice": "typed",
        "external_key": KEYS[0],
        "name": "boiler",
        "status": "enabled",
        "profile": str(profile.pk),
        "render_context": f'{{"password": "{VALUES[0]}"}}',
        "content": VALUES[1],
        "client_cert": "",
        "new_client_key": PEM,
        "ca_cert": "",
    }
    step(reverse("admin:configs_config_add"), device_data, "Added “boiler (pi-1)”")
    device = Config.objects.get()
    change = reverse("admin:configs_config_change", args=(device.pk,))
    renamed = device_data | {"new_client_key": "", "render_context": "", "name": "boiler 2"}
    step(change, renamed, "Changed Name and Variables.")
    step(reverse("admin:configs_config_switch", args=(device.pk,)), {"status": "disabled"}, "Disabled.")
    step(change, renamed | {"new_client_key": PEM}, "Changed Client key.")
    rotate = reverse("admin:configs_config_rotate_key", args=(device.pk,))
    typed = {"key_choice": "typed", "external_key": KEYS[1], "repeated_key": KEYS[1]}
    step(rotate, typed, "Rotated the external key; the new one was typed.")
    step(rotate, {"external_key": KEYS[0], "repeated_key": KEYS[1]})
    devices = reverse("admin:configs_config_changelist")
    chosen = {"_selected_action": str(device.pk), "post": "yes", "expected": "1"}
    step(devices, chosen | {"action": "enable_selected"}, "Enabled, through the list.")
    step(devices, chosen | {"action": "disable_selected"}, "Disabled, through the list.")

    bind = reverse("admin:configs_config_bind", args=(device.pk,))
    step(bind, {"slot-mqtt": seed.CLIENT_ID}, "Bound mqtt")
    platform.change_everything()
    refresh = reverse("admin:configs_config_refresh", args=(device.pk,))
    step(refresh, None, "Refreshed the bindings; changed: mqtt.")
    secrets = [*stored_secrets(), BindingSnapshot.objects.get().secret_snapshot["secret"], seed.CLIENT_SECRET]

    password = {"usable_password": "true", "password1": PASSWORDS[0], "password2": PASSWORDS[0]}
    step(reverse("admin:auth_user_add"), password | {"username": "neo"}, "Added “neo”")
    neo = User.objects.get(username="neo")
    granting = person_data(neo, "dom-1")
    step(reverse("admin:auth_user_change", args=(neo.pk,)), granting, "Added domain grant “dom-1”.")
    new = {"usable_password": "true", "password1": PASSWORDS[1], "password2": PASSWORDS[1]}
    step(reverse("admin:auth_user_password_change", args=(neo.pk,)), new, "Changed password.")
    step(reverse("admin:auth_group_add"), {"name": "watchers"}, "Added “watchers”")

    step(devices, chosen | {"action": "unassign_profile"}, "Unassigned the profile pi, through the list.")
    step(reverse("admin:configs_config_delete", args=(device.pk,)), {"post": "yes"}, "Deleted “boiler 2 (pi-1).”")
    many = {"action": "delete_selected", "_selected_action": str(profile.pk), "post": "yes"}
    step(reverse("admin:profiles_profile_changelist"), many, "Deleted “pi v2")
    step(reverse("admin:auth_user_delete", args=(neo.pk,)), {"post": "yes"}, "Deleted “neo.”")

    record = str(list(LogEntry.objects.values()))
    for secret in (*secrets, *KEYS, *PASSWORDS, *VALUES, *PEM.splitlines()):
        assert secret not in record
    assert LogEntry.objects.exclude(user=admin.user).count() == 0


def test_the_history_of_a_device_tells_it_in_words(admin, device):
    admin.post(
        reverse("admin:configs_config_rotate_key", args=(device.pk,)),
        {"key_choice": "typed", "external_key": KEYS[0], "repeated_key": KEYS[0]},
    )

    text = page_text(admin.get(reverse("admin:configs_config_history", args=(device.pk,))))

    assert re.search(r"<td>ada</td>\s*<td>Rotated the external key; the new one was typed\.</td>", text)


def test_recent_actions_are_those_of_their_reader_alone(device, rf):
    writer, reader = make_user("wilma", "change_config"), make_user("rita", "view_config")
    LogEntry.objects.log_actions(writer.pk, [device], CHANGE, "Changed something.")
    request = rf.get("/admin/")

    shown = {}
    for user in (writer, reader):
        request.user = user
        shown[user.username] = [entry.change_message for entry in site.get_log_entries(request)]

    assert shown == {"wilma": ["Changed something."], "rita": []}
