"""What addresses and forms of the admin name and is not there: on the pages of every model."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.urls import reverse

from configs.models import Config
from devices.models import BootstrapAttempt
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.pages import page_text

pytestmark = pytest.mark.sqlite

MODELS: list[type[Model]] = [BindingSnapshot, BootstrapAttempt, Config, Group, Profile, User]


def page(model: type[Model], name: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def test_these_are_the_models_that_have_pages():
    assert set(django_admin.site._registry) == set(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_rows_are_named_by_their_primary_key_alone(admin, device, model):
    Group.objects.create(name="mighty")
    row: Any = model._default_manager.first()
    key = model._meta.pk.name
    others = {field.name for field in model._meta.get_fields()} - {key}
    addresses = [page(model, "changelist")]
    if row:
        addresses += [page(model, name, row.pk) for name in ("change", "delete")]

    for address in addresses:
        expected = admin.get(address).status_code
        assert admin.get(address, _to_field=key).status_code == expected
        # Rows that nobody deletes stay so, whatever they are named by.
        refused = {400} if expected == 200 else {400, expected}
        for name in others | {"pk", "nonsense"}:
            assert admin.get(address, _to_field=name).status_code in refused, f"{address} {name}"


def test_who_may_only_look_names_rows_no_other_way(viewer, device):
    for address in (page(Profile, "changelist"), page(Profile, "change", device.profile_id)):
        assert viewer.get(address).status_code == 200
        assert viewer.get(address, _to_field="configs").status_code == 400


@pytest.mark.parametrize("key", ["x", "", "9" * 30, "9" * 5000])
@pytest.mark.parametrize("model", MODELS)
def test_a_choice_that_is_no_id_is_told_in_words(admin, device, model, key):
    address = page(model, "changelist")
    before = model._default_manager.count()

    response = admin.post(
        address, {"action": "delete_selected", "_selected_action": [key], "index": "0", "post": "yes"}
    )

    assert response.status_code == 200
    assert "What was chosen cannot be understood; choose again." in page_text(response)
    assert model._default_manager.count() == before


def test_a_choice_of_which_a_part_is_no_id_leaves_all_rows(admin):
    group = Group.objects.create(name="mighty")
    chosen = {"action": "delete_selected", "_selected_action": [str(group.pk), "x"], "post": "yes"}

    admin.post(page(Group, "changelist"), chosen)
    assert Group.objects.filter(pk=group.pk).exists()

    admin.post(page(Group, "changelist"), chosen | {"_selected_action": [str(group.pk)]})
    assert not Group.objects.filter(pk=group.pk).exists()
