"""Rotating peppers: old digests decide, are renewed by devices' calls, and can be counted and cleared."""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, OperationalError, connection, transaction

from bootstrap_project.database import trouble
from bootstrap_project.database.outages import Outages
from bootstrap_project.security.keyring import DigestRing, Key
from configs.external_keys import DigestRenewal, PresentedKey, StoredKey, count_digests, renew_digests
from configs.models import Config
from tests.devices.conftest import make_pi
from tests.support.rows import EXTERNAL_KEY, make_config

OLD, NEW, LOST = Key("old", b"o" * 32), Key("new", b"n" * 32), Key("lost", b"l" * 32)


@pytest.fixture
def rotated(settings, db):
    """Three devices under the old pepper, one under a lost one; the new pepper writes."""
    settings.PEPPER_RING = DigestRing((LOST,))
    make_config(external_id="lost")
    settings.PEPPER_RING = DigestRing((OLD,))
    configs = [make_config(external_id=f"device-{number}") for number in range(3)]
    settings.PEPPER_RING = DigestRing((NEW, OLD))
    return configs


def renewal_of(config):
    stored = StoredKey(config.external_key_hash, config.external_key_digest, config.external_key_pepper)
    return DigestRenewal.of(config.pk, PresentedKey.of(EXTERNAL_KEY), stored)


def test_each_device_renews_its_digest_with_its_call(ask, rotated):
    times = list(Config.objects.order_by("pk").values_list("updated_at", flat=True))

    assert {ask(config.external_id).status_code for config in rotated} == {200}

    assert count_digests() == {"new": 3, "lost": 1}
    assert list(Config.objects.order_by("pk").values_list("updated_at", flat=True)) == times
    assert {ask(config.external_id).status_code for config in rotated} == {200}
    assert ask(rotated[0].external_id, key="wrong").status_code == 403


def test_the_new_digest_decides_without_the_old_pepper(ask, rotated, settings):
    ask(rotated[0].external_id)
    settings.PEPPER_RING = DigestRing((NEW,))

    assert ask(rotated[0].external_id).status_code == 200
    assert ask(path="/clients/bootstrap/").status_code == 200


def test_a_key_rotated_meanwhile_is_left_alone(rotated):
    renewal = renewal_of(rotated[0])
    Config.objects.filter(pk=rotated[0].pk).update(external_key_digest="0" * 64)

    assert renew_digests([renewal]) == 0
    assert Config.objects.get(pk=rotated[0].pk).external_key_digest == "0" * 64


def test_a_deleted_config_is_no_error(rotated):
    renewal = renewal_of(rotated[0])
    Config.objects.filter(pk=rotated[0].pk).delete()

    assert renew_digests([renewal, renewal_of(rotated[1])]) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [(OperationalError("gone"), "the database cannot be used"), (DataError("odd"), "digests were not renewed")],
)
def test_a_renewal_that_fails_is_a_warning_and_the_device_is_served(ask, caplog, monkeypatch, rotated, error, words):
    # One that no outage before this has told already.
    monkeypatch.setattr(trouble, "database", Outages("the database"))

    def fail(execute, sql, params, many, context):
        if sql.startswith("UPDATE"):
            raise error
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        assert ask(rotated[0].external_id).status_code == 200

    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [record.message for record in warnings] == [words]
    assert not any(record.exc_info for record in warnings)
    assert count_digests()["old"] == 3


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only it locks rows")
@pytest.mark.django_db(transaction=True)
def test_a_renewal_waits_for_nobody_who_holds_the_row(ask, settings):
    settings.PEPPER_RING = DigestRing((OLD,))
    pi = make_pi()
    settings.PEPPER_RING = DigestRing((NEW, OLD))
    held, over = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Config.objects.select_for_update().get(pk=pi.pk)
            held.set()
            assert over.wait(60)
        connection.close()

    with ThreadPoolExecutor(1) as executor:
        holder = executor.submit(hold)
        assert held.wait(60)
        assert ask().status_code == 200
        assert count_digests() == {"old": 1}
        over.set()
        holder.result(60)
    assert ask().status_code == 200

    assert count_digests() == {"new": 1}


# --- The command -----------------------------------------------------------------------------------------------------


def run(*arguments):
    output = io.StringIO()
    call_command("renew_key_digests", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_tells_how_far_a_rotation_has_come(rotated):
    Config.objects.filter(pk=rotated[0].pk).update(external_key_digest="", external_key_pepper="")

    report = json.loads(run("--json"))

    assert report == {
        "cleared": 0,
        "peppers": [
            {"pepper": "", "state": "none", "configs": 1},
            {"pepper": "lost", "state": "unknown", "configs": 1},
            {"pepper": "old", "state": "old", "configs": 2},
        ],
    }
    text = run()
    assert "2  old" in text
    assert "renewed when the device calls" in text


def test_the_check_fails_until_all_have_called(ask, rotated):
    with pytest.raises(CommandError, match="3 digests are still under an older pepper"):
        run("--check")

    for config in rotated:
        ask(config.external_id)

    assert "3  new" in run("--check")


def test_only_digests_that_nothing_can_check_are_cleared(ask, rotated, settings):
    assert "1 digests under peppers that are gone were cleared" in run("--clear-unknown")

    assert count_digests() == {"": 1, "old": 3}
    assert ask("lost").status_code == 200
    assert count_digests() == {"new": 1, "old": 3}
    assert "cleared" not in run("--clear-unknown")


@pytest.mark.django_db
def test_an_empty_table_is_no_error():
    assert "There are no configs." in run("--check", "--clear-unknown")
