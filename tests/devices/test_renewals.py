"""Rotating peppers: old digests decide, are renewed off the devices' path, and can be counted and cleared."""

from __future__ import annotations

import io
import json
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, OperationalError, connection

from bootstrap_project.api import database_errors
from bootstrap_project.observability.outages import Outages
from bootstrap_project.security.keyring import DigestRing, Key
from configs.external_keys import DigestRenewal, PresentedKey, StoredKey, count_digests, renew_digests
from configs.models import Config
from devices import renewals
from devices.background import BackgroundQueue
from tests.devices.conftest import make_pi
from tests.factories import EXTERNAL_KEY, make_config

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


def test_renewals_are_written_in_one_go(ask, rotated, noted_renewals):
    for config in rotated:
        assert ask(config.external_id).status_code == 200
    times = list(Config.objects.order_by("pk").values_list("updated_at", flat=True))

    assert renew_digests(noted_renewals) == 3

    assert count_digests() == {"new": 3, "lost": 1}
    assert list(Config.objects.order_by("pk").values_list("updated_at", flat=True)) == times
    noted_renewals.clear()
    assert {ask(config.external_id).status_code for config in rotated} == {200}
    assert ask(rotated[0].external_id, key="wrong").status_code == 403
    assert noted_renewals == []


def test_the_new_digest_decides_without_the_old_pepper(ask, rotated, noted_renewals, settings):
    ask(rotated[0].external_id)
    renew_digests(noted_renewals)
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


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "words"),
    [(OperationalError("gone"), "the database cannot be used"), (DataError("odd"), "digests were not renewed")],
)
def test_a_failed_flush_is_a_warning_and_nothing_more(caplog, monkeypatch, rotated, error, words):
    # One that no outage before this has told already.
    monkeypatch.setattr(database_errors, "database", Outages("the database"))

    def fail(_execute, _sql, _params, _many, _context):
        raise error

    with connection.execute_wrapper(fail):
        renewals._write([renewal_of(rotated[0])])

    assert [record.message for record in caplog.records] == [words]
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.django_db(transaction=True)
def test_the_thread_writes_them(ask, settings, monkeypatch):
    settings.PEPPER_RING = DigestRing((OLD,))
    make_pi()
    settings.PEPPER_RING = DigestRing((NEW, OLD))
    queue = BackgroundQueue[DigestRenewal]("renewals", renewals._write, capacity=10, batch=10, pause=0.05)
    monkeypatch.setattr("devices.authentication.renew_later", lambda renewal: queue.offer(renewal.config_id, renewal))

    assert [ask().status_code for _ in range(3)] == [200] * 3
    queue.stop()

    assert count_digests() == {"new": 1}


# --- The buffer ------------------------------------------------------------------------------------------------------


def make_queue(handled, **values):
    return BackgroundQueue("test", handled.append, **{"capacity": 3, "batch": 2, **values})


def test_a_buffer_is_bounded_and_holds_each_key_once(monkeypatch):
    queue = make_queue([])
    monkeypatch.setattr(queue, "_start_thread", lambda: None)

    assert [queue.offer(key, key) for key in "aabcd"] == [True, True, True, True, False]
    assert len(queue) == 3
    assert queue.get("a") == "a"
    assert queue.get("d") is None


def test_it_is_emptied_in_batches_and_its_thread_ends():
    handled: list[list[str]] = []
    # Until it is told to stop, which wakes it.
    queue = make_queue(handled, pause=60)
    for key in "abc":
        queue.offer(key, key)

    queue.stop()

    assert handled == [["a", "b"], ["c"]]
    assert not [thread for thread in threading.enumerate() if thread.name == "bootstrap-test"]
    assert queue.offer("d", "d") is False


def test_a_thread_that_has_nothing_to_do_ends_and_another_one_starts(monkeypatch):
    monkeypatch.setattr("devices.background.LINGER_SECONDS", 0.01)
    done = threading.Event()
    queue: BackgroundQueue[str] = BackgroundQueue("test", lambda _batch: done.set(), capacity=3, batch=2)

    for key in "ab":
        done.clear()
        queue.offer(key, key)
        assert done.wait(60)
        for thread in list(queue._threads):
            thread.join(60)
        assert queue._threads == []


def test_the_end_of_a_process_may_drop_what_is_left():
    handled: list[list[str]] = []
    queue = make_queue(handled, pause=5, finish=False)
    queue.offer("a", "a")

    queue.stop()

    assert handled == []


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


def test_the_check_fails_until_all_have_called(ask, rotated, noted_renewals):
    with pytest.raises(CommandError, match="3 digests are still under an older pepper"):
        run("--check")

    for config in rotated:
        ask(config.external_id)
    renew_digests(noted_renewals)

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
