"""Rotating the sealing key: secrets are sealed again, and what is left under older keys is told."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from bootstrap_project.security.keyring import Key, SealingRing
from configs.models import Config
from enrollments.models import BindingSnapshot
from enrollments.reseal import count_secrets_by_key, reseal_secrets
from tests.support.rows import make_binding, make_config, make_profile

OLD, NEW, LOST = Key("old", b"o" * 32), Key("new", b"n" * 32), Key("lost", b"l" * 32)
SLOTS = [{"name": "mqtt", "type": "client", "required": True}, {"name": "bare", "type": "channel", "required": False}]


@pytest.fixture
def rotated(settings, db):
    """Three devices with a client key and a secret under the old key, one of the lost key; the new one writes."""
    profile = make_profile(binding_slots=SLOTS)

    def make(name):
        config = make_config(external_id=name, profile=profile)
        config.client_key = f"key of {name}"
        config.save()
        make_binding(config=config, slot="mqtt", secret={"secret": f"s3cret of {name}"})
        make_binding(config=config, slot="bare", type="channel")
        return config

    settings.SEALING_RING = SealingRing((LOST,))
    make("lost")
    settings.SEALING_RING = SealingRing((OLD,))
    configs = [make(f"device-{number}") for number in range(3)]
    settings.SEALING_RING = SealingRing((NEW, OLD))
    return configs


def run(*options: str) -> str:
    out = io.StringIO()
    call_command("reseal_secrets", *options, stdout=out)
    return out.getvalue()


def run_and_hang_up() -> None:
    try:
        run()
    finally:
        connection.close()


@pytest.mark.sqlite
def test_the_old_key_can_go_afterwards_and_nothing_else_has_changed(rotated, settings):
    times = list(BindingSnapshot.objects.order_by("pk").values_list("updated_at", flat=True))

    shown = run()

    assert "6 secrets were sealed again." in shown
    assert count_secrets_by_key() == {"new": 6, "lost": 2}
    assert list(BindingSnapshot.objects.order_by("pk").values_list("updated_at", flat=True)) == times
    settings.SEALING_RING = SealingRing((NEW,))
    for number, config in enumerate(rotated):
        config.refresh_from_db()
        assert config.client_key == f"key of device-{number}"
        assert config.bindings.get(slot="mqtt").secret_snapshot == {"secret": f"s3cret of device-{number}"}
        assert config.bindings.get(slot="bare").secret_sealed == ""
    assert "not in the ring" in run()


@pytest.mark.sqlite
def test_batches_reach_every_row(rotated):
    steps = list(reseal_secrets(batch=2))

    assert (len(steps), sum(steps), max(steps)) == (4, 6, 2)
    assert count_secrets_by_key() == {"new": 6, "lost": 2}


def test_check_changes_nothing_and_fails_while_an_older_key_is_needed(rotated):
    with pytest.raises(CommandError, match="under an older key: 6;"):
        run("--check")
    assert count_secrets_by_key() == {"old": 6, "lost": 2}

    run()
    with pytest.raises(CommandError, match="that no setting has: 2;"):
        run("--check")
    BindingSnapshot.objects.exclude(secret_sealed__contains=".new.").update(secret_sealed="")
    Config.objects.exclude(client_key_sealed__contains=".new.").update(client_key_sealed="")
    assert "6  new" in run("--check")


def test_json_tells_the_same_and_no_secret_is_shown(rotated):
    shown = json.loads(run("--json"))

    assert shown == {
        "resealed": 6,
        "keys": [
            {"key": "lost", "state": "unknown", "secrets": 2},
            {"key": "new", "state": "writing", "secrets": 6},
        ],
    }
    assert "s3cret" not in str(shown)


def test_nothing_stored_is_no_error(db):
    assert run() == "There are no secrets.\n"


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_passed_over_and_told(rotated):
    with transaction.atomic():
        Config.objects.select_for_update().get(pk=rotated[0].pk)
        with pytest.raises(CommandError, match="under an older key: 1;"), ThreadPoolExecutor(1) as executor:
            executor.submit(run_and_hang_up).result()

    run()
    assert count_secrets_by_key()["new"] == 6
