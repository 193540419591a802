"""Whether a device has what it needs: the rule in SQL, beside what the device path itself does."""

from __future__ import annotations

import random
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bootstrap_project.slots import validate_slots
from configs.models import Config
from devices.errors import MissingBinding
from devices.services import bootstrap
from enrollments.readiness import MEANINGS, NOT_READY, Readiness, limited_to, readiness, with_readiness
from profiles.models import Profile
from tests.support.rows import EXTERNAL_KEY, make_binding, make_config, make_profile

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]

SLOTS = [{"name": "mqtt", "type": "client", "required": True}, {"name": "extra", "type": "channel"}]


def state_of(config: Config) -> str:
    return str(with_readiness(Config.objects.filter(pk=config.pk)).get().readiness)


def called(config: Config, outcome: str, *, ago: timedelta = timedelta()) -> None:
    Config.objects.filter(pk=config.pk).update(last_bootstrap_at=timezone.now() - ago, last_bootstrap_outcome=outcome)


@pytest.fixture
def bound() -> Config:
    """A device with everything that its profile requires."""
    config = make_config(profile=make_profile(binding_slots=SLOTS))
    make_binding(config=config, slot="mqtt")
    return config


def test_of_several_reasons_the_first_is_told(bound):
    bare, own = make_config(), make_config(content="its own")
    unbound = make_config(profile=bound.profile)
    called(unbound, "missing_binding")

    assert state_of(bare) == Readiness.NO_PROFILE
    assert state_of(own) == Readiness.NOT_SEEN
    assert state_of(unbound) == Readiness.UNBOUND
    assert state_of(bound) == Readiness.NOT_SEEN
    called(own, "static")
    called(bound, "ok")
    assert state_of(own) == state_of(bound) == Readiness.READY


@pytest.mark.parametrize("outcome", ["render_failed", "missing_binding"])
def test_a_failure_counts_until_something_was_changed(bound, outcome):
    called(bound, outcome)
    assert state_of(bound) == Readiness.FAILING

    for change in (
        lambda: Config.objects.filter(pk=bound.pk).update(updated_at=timezone.now()),
        lambda: Profile.objects.filter(pk=bound.profile_id).update(updated_at=timezone.now()),
        lambda: bound.bindings.update(updated_at=timezone.now()),
    ):
        called(bound, outcome)
        assert state_of(bound) == Readiness.FAILING
        change()
        assert state_of(bound) == Readiness.READY


@pytest.mark.parametrize("outcome", ["ok", "not_modified", "disabled"])
def test_other_results_are_no_failure(bound, outcome):
    called(bound, outcome)

    assert state_of(bound) == Readiness.READY


def test_undeclared_bindings_and_those_of_the_other_type_do_not_count(bound):
    bound.bindings.update(type="channel")
    make_binding(config=bound, slot="undeclared")

    row = with_readiness(Config.objects.all()).get()

    assert (row.readiness, row.unbound_slots) == (Readiness.UNBOUND, ["mqtt"])


def test_odd_slots_that_no_service_stores_break_nothing():
    odd: list[Any] = [[], None, {}, "text", [1, None]]
    for slots in odd:
        config = make_config(profile=make_profile(binding_slots=slots if slots is not None else []))
        Profile.objects.filter(configs=config).update(binding_slots=slots if slots is not None else [])
        assert state_of(config) == Readiness.NOT_SEEN


def test_every_state_has_its_words():
    assert set(MEANINGS) == set(Readiness)


def test_the_rule_is_that_of_the_device_path():
    """Two hundred devices of chance: SQL names the slots on which a device's call fails, and no others."""
    chance = random.Random(20261125)
    names = ["a", "b", "colon:d", "ünï", "with space", "x" * 256]
    profiles = []
    for _ in range(20):
        documents = [
            {"name": name, "type": chance.choice(["client", "channel"]), "required": chance.random() < 0.6}
            | ({"fields": ["id"]} if chance.random() < 0.3 else {})
            for name in chance.sample(names, chance.randint(0, len(names)))
        ]
        profiles.append(make_profile(binding_slots=[slot.to_json() for slot in validate_slots(documents)]))
    for _ in range(200):
        config = make_config(profile=chance.choice(profiles))
        for name in chance.sample([*names, "undeclared"], chance.randint(2, 7)):
            make_binding(config=config, slot=name, type=chance.choice(["client", "client", "channel"]))

    rows = list(with_readiness(Config.objects.select_related("profile").prefetch_related("bindings")))

    unbound = set()
    for row in rows:
        missing = row.unbound_slots or []
        bound = {(one.slot, one.type) for one in row.bindings.all()}
        assert missing == [one.name for one in row.profile.slots if one.required and (one.name, one.type) not in bound]
        failed = slot_that_fails(row)
        assert failed == (missing[0] if missing else None)
        if missing:
            unbound.add(row.pk)
    assert set(limited_to(Config.objects.all(), Readiness.UNBOUND).values_list("pk", flat=True)) == unbound
    assert 20 < len(unbound) < 180


def slot_that_fails(config: Config) -> str | None:
    """The slot on which a device's call fails."""
    try:
        bootstrap(external_id=config.external_id, key=EXTERNAL_KEY.encode())
    except MissingBinding as error:
        found = re.fullmatch(r"slot '(.*)' is not bound", error.detail)
        assert found
        return found[1]
    return None


def test_filters_and_states_agree(bound):
    for outcome in ("", "ok", "render_failed", "disabled"):
        for with_profile in (True, False):
            for content in ("", "own"):
                config = make_config(profile=bound.profile if with_profile else None, content=content)
                if outcome:
                    called(config, outcome, ago=timedelta(seconds=-5))
                if outcome != "disabled" and with_profile:
                    make_binding(config=config, slot="mqtt")
    states = dict(Config.objects.annotate(state=readiness()).values_list("pk", "state"))

    for state in Readiness:
        found = set(limited_to(Config.objects.all(), state).values_list("pk", flat=True))
        assert found == {pk for pk, its in states.items() if its == state}, state
        assert found
    assert limited_to(Config.objects.all(), *NOT_READY).count() == sum(its != "ready" for its in states.values())
