"""A profile that goes while a device begins to use it: one of the two is told, and neither is a bug."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import pre_delete

from configs import services
from configs.models import Config
from configs.services import create_config, set_profile
from profiles.errors import ProfileNotFound
from profiles.models import Profile
from profiles.services import delete_profile, get_profile
from tests.support.rows import DOMAIN, make_config, make_profile

pytestmark = pytest.mark.django_db(transaction=True)


def enrol(profile: Profile) -> Config:
    return create_config(
        domain_id=DOMAIN, external_id="new", external_key="a key", profile_id=profile.pk, values={"name": "new"}
    )


def assign(profile: Profile) -> Config:
    return set_profile(domain_id=DOMAIN, config_id=Config.objects.get(external_id="old").pk, profile_id=profile.pk)


@pytest.fixture(params=[enrol, assign])
def use(request) -> Callable[[Profile], Config]:
    make_config(external_id="old")
    begin: Callable[[Profile], Config] = request.param
    return begin


@pytest.mark.sqlite
def test_a_profile_that_went_after_it_was_looked_up_is_not_found(monkeypatch, use):
    profile = make_profile()
    look_up = get_profile

    def look_up_and_lose(**values: Any) -> Profile:
        found = look_up(**values)
        Profile.objects.filter(pk=profile.pk).delete()
        return found

    monkeypatch.setattr(services, "get_profile", look_up_and_lose)

    with pytest.raises(ProfileNotFound, match="entity not found"):
        use(profile)

    assert not Config.objects.exclude(external_id="old").exists()
    assert Config.objects.get().profile is None


def test_nobody_begins_to_use_a_profile_while_it_is_deleted(use):
    profile, told = make_profile(), []

    def begin() -> None:
        try:
            use(profile)
        except ProfileNotFound as error:
            told.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=begin)

    def in_the_middle(**_values: Any) -> None:
        # Django has looked for users by now, and found none.
        thread.start()
        thread.join(1)

    pre_delete.connect(in_the_middle, sender=Profile)
    try:
        delete_profile(domain_id=DOMAIN, profile_id=profile.pk)
    finally:
        pre_delete.disconnect(in_the_middle, sender=Profile)
    thread.join(10)

    assert not Profile.objects.exists()
    assert len(told) == 1
    assert not Config.objects.exclude(profile=None).exists()
