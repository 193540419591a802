"""Slow keys: who waits for a check, who is told when to come back, and what is done meanwhile."""

from __future__ import annotations

import json
import threading
import uuid
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection

from bootstrap_project.database.time_limit import answered_within
from configs import external_keys
from configs.models import Config
from devices import slow_keys
from devices.bulkhead import WORK_SECONDS, Bulkhead
from devices.errors import KeyCheckBusy
from devices.rate_limit import failure_limits
from devices.slow_keys import MAX_RETRY_SECONDS, KeyCheck, SlowKeys
from tests.devices.conftest import InlineExecutor, count_of, make_pi, message_of
from tests.devices.legacy import BCRYPT, UPSTREAM_SCRYPT, import_row
from tests.support.rows import EXTERNAL_KEY, make_config
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db


class HeldExecutor(Executor):
    """Holds what is submitted until the test works it off, as one whose threads are all busy."""

    def __init__(self):
        self.held = []

    def submit(self, function, /, *args, **kwargs):
        self.held.append(lambda: function(*args, **kwargs))
        return Future()

    def work_off(self):
        while self.held:
            self.held.pop(0)()


def use(monkeypatch, executor, **values):
    keys = SlowKeys(executor, failure_limits(), **{"threads": 1, "waiting": 0, "wait_seconds": 0.05, **values})
    monkeypatch.setattr("devices.authentication.slow_keys", lambda: keys)
    return keys


@pytest.fixture
def full(monkeypatch):
    """Let no check be made before the test works them off."""
    executor = HeldExecutor()
    use(monkeypatch, executor)
    return executor


def imported(external_id="pi-1", key_hash=UPSTREAM_SCRYPT):
    config = make_pi(external_id=external_id)
    import_row(config, key_hash)
    return config


def test_a_check_that_is_not_done_in_time_is_503_and_each_later_one_waits_longer(ask, full):
    for number in range(30):
        import_row(make_config(external_id=f"old-{number}"), UPSTREAM_SCRYPT)
    before = count_of("bootstrap_key_verifications_total", method="scrypt", outcome="throttled")
    bootstraps = count_of("bootstrap_device_bootstraps_total", variant="plain", outcome="throttled")

    answers = [ask(f"old-{number}") for number in range(30)]

    assert {answer.status_code for answer in answers} == {503}
    waits = [int(answer.headers["Retry-After"]) for answer in answers]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1]
    assert message_of(answers[0]) == "service temporarily unavailable"
    assert json.loads(answers[0].content)["error"] == "too many keys are being checked; try again"
    assert count_of("bootstrap_key_verifications_total", method="scrypt", outcome="throttled") == before + 30
    assert count_of("bootstrap_device_bootstraps_total", variant="plain", outcome="throttled") == bootstraps + 30


def test_devices_with_a_digest_never_wait(ask, full):
    make_pi()

    assert ask().status_code == 200
    assert ask(key="wrong").status_code == 403
    assert ask("nobody").status_code == 403


@pytest.mark.parametrize("key_hash", [UPSTREAM_SCRYPT, BCRYPT], ids=["scrypt", "bcrypt"])
def test_the_check_goes_on_without_its_caller_and_the_next_try_is_answered(
    ask, full, django_assert_num_queries, key_hash, caplog
):
    caplog.set_level("INFO", logger="devices.slow_keys")
    config = imported(key_hash=key_hash)
    assert ask().status_code == 503

    full.work_off()

    assert Config.objects.get(pk=config.pk).external_key_digest
    assert "kept key check done" in caplog.text
    with django_assert_num_queries(1):
        assert ask().status_code == 200


def test_the_same_check_is_made_once(ask, full):
    imported()

    assert {ask(REMOTE_ADDR=f"198.51.100.{number}").status_code for number in range(5)} == {503}
    assert len(full.held) == 1
    ask(key="wrong")
    assert len(full.held) == 2


def test_a_wrong_key_is_never_taken_for_the_right_one_s_check():
    stored, config_id = external_keys.StoredKey(UPSTREAM_SCRYPT), uuid.uuid4()
    right, same, wrong = (
        KeyCheck(config_id, stored, present(key), source)
        for key, source in ((EXTERNAL_KEY, "a"), (EXTERNAL_KEY, "b"), ("wrong", "a"))
    )

    assert right.identity == same.identity != wrong.identity
    assert EXTERNAL_KEY not in repr(right)


def present(key):
    return external_keys.PresentedKey.of(key)


def test_a_wrong_key_is_checked_once_and_changes_nothing(ask, full):
    config = imported()
    before = count_of("bootstrap_key_verifications_total", method="scrypt", outcome="refused")
    assert ask(key="wrong").status_code == 503

    full.work_off()

    assert count_of("bootstrap_key_verifications_total", method="scrypt", outcome="refused") == before + 1
    assert Config.objects.get(pk=config.pk).external_key_hash == UPSTREAM_SCRYPT


def test_guesses_under_way_at_once_are_counted_before_they_are_checked(ask, settings, monkeypatch):
    settings.SLOW_FAILURES = (2, 0.001)
    executor = HeldExecutor()
    failure_limits.cache_clear()
    use(monkeypatch, executor)
    hashes = []
    derive = external_keys._scrypt

    def counted(*arguments):
        hashes.append(arguments)
        return derive(*arguments)

    for number in range(5):
        import_row(make_config(external_id=f"old-{number}"), UPSTREAM_SCRYPT)
    monkeypatch.setattr(external_keys, "_scrypt", counted)
    assert {ask(f"old-{number}", key="wrong").status_code for number in range(5)} == {503}

    executor.work_off()

    assert len(hashes) == 2
    assert ask("old-1", key="wrong").status_code == 429
    assert not executor.held


def test_a_site_whose_keys_are_right_is_not_limited(ask, settings, monkeypatch):
    settings.SLOW_FAILURES = (2, 0.001)
    failure_limits.cache_clear()
    executor = HeldExecutor()
    use(monkeypatch, executor)
    for number in range(10):
        import_row(make_config(external_id=f"old-{number}"), UPSTREAM_SCRYPT)
        assert ask(f"old-{number}").status_code == 503

    executor.work_off()

    assert {ask(f"old-{number}").status_code for number in range(10)} == {200}


def test_a_key_rotated_before_its_check_is_left_alone(ask, full):
    config = imported()
    ask()
    Config.objects.filter(pk=config.pk).update(external_key_hash=BCRYPT)

    full.work_off()

    row = Config.objects.get(pk=config.pk)
    assert (row.external_key_hash, row.external_key_digest) == (BCRYPT, "")


@pytest.mark.parametrize(("key", "status"), [(EXTERNAL_KEY, 200), ("wrong", 403)])
def test_what_another_process_decided_meanwhile_counts(ask, monkeypatch, key, status):
    config = imported()
    digest = external_keys.digest_external_key(EXTERNAL_KEY)

    class Late(InlineExecutor):
        def submit(self, function, /, *args, **kwargs):
            Config.objects.filter(pk=config.pk).update(external_key_pepper=digest[0], external_key_digest=digest[1])
            return super().submit(function, *args, **kwargs)

    use(monkeypatch, Late())
    monkeypatch.setattr(external_keys, "_verify_hash", None)

    assert ask(key=key).status_code == status


def test_the_queue_is_bounded(ask, full, monkeypatch):
    monkeypatch.setattr(slow_keys, "MAX_PENDING", 3)
    for number in range(6):
        import_row(make_config(external_id=f"old-{number}"), UPSTREAM_SCRYPT)

    answers = [ask(f"old-{number}") for number in range(6)]

    assert {answer.status_code for answer in answers} == {503}
    assert [int(answer.headers["Retry-After"]) for answer in answers[3:]] == [MAX_RETRY_SECONDS] * 3
    assert len(full.held) == 3


def test_no_more_is_taken_on_than_two_minutes_work_off(ask, full, monkeypatch):
    monkeypatch.setattr(slow_keys, "FIRST_GUESS_SECONDS", 50.0)
    use(monkeypatch, full)
    for number in range(6):
        import_row(make_config(external_id=f"old-{number}"), UPSTREAM_SCRYPT)

    waits = [int(ask(f"old-{number}").headers["Retry-After"]) for number in range(6)]

    assert waits == [51, 101, 120, 120, 120, 120]
    assert len(full.held) == 3


def test_what_a_check_costs_is_learned(ask, monkeypatch):
    now = [0.0]

    def two_seconds(*_arguments):
        now[0] += 2.0
        return b"x" * 32

    monkeypatch.setattr(external_keys, "_scrypt", two_seconds)
    executor = HeldExecutor()
    use(monkeypatch, executor, clock=lambda: now[0])
    for number in range(60):
        import_row(make_config(external_id=f"old-{number}"), UPSTREAM_SCRYPT)
    for number in range(40):
        ask(f"old-{number}", key="wrong", REMOTE_ADDR=f"198.51.100.{number}")
        executor.work_off()

    waits = [int(ask(f"old-{number}", REMOTE_ADDR="203.0.113.1").headers["Retry-After"]) for number in range(40, 43)]

    assert waits == [3, 5, 7]


def test_threads_that_cannot_be_had_are_503_and_the_next_try_is_a_new_one(ask, monkeypatch):
    imported()
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    use(monkeypatch, executor)

    assert [ask().status_code for _ in range(2)] == [503, 503]


def test_a_database_that_fails_before_the_hash_is_told_as_such(ask, monkeypatch):
    imported()

    def fail(_config_id):
        raise OperationalError("gone")

    monkeypatch.setattr(slow_keys, "read_stored_key", fail)

    assert ask().status_code == 503


def test_a_bug_is_an_error_of_the_call_and_not_kept(ask, client, monkeypatch):
    client.raise_request_exception = False
    imported()
    with monkeypatch.context() as broken:
        broken.setattr(slow_keys, "verify_external_key", lambda *_arguments: 1 / 0)
        assert ask().status_code == 500

    assert ask().status_code == 200


# --- Threads ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def held_hashes(monkeypatch):
    """Real threads, whose hashes wait for the test."""
    begun, release = threading.Event(), threading.Event()
    verify = external_keys.verify_external_key

    def slow(*arguments):
        begun.set()
        assert release.wait(60)
        return verify(*arguments)

    monkeypatch.setattr(slow_keys, "verify_external_key", slow)
    with ThreadPoolExecutor(1, thread_name_prefix="key-checks") as executor:
        yield executor, begun, release
        release.set()


@pytest.mark.django_db(transaction=True)
def test_what_no_caller_waits_for_is_worked_off_by_a_thread(ask, monkeypatch, held_hashes):
    executor, begun, release = held_hashes
    config = imported()
    use(monkeypatch, executor)

    assert ask().status_code == 503
    assert begun.wait(60)
    release.set()
    eventually(lambda: bool(Config.objects.get(pk=config.pk).external_key_digest))

    assert ask().status_code == 200


@pytest.mark.django_db(transaction=True)
def test_who_waits_gives_its_slot_to_others(ask, monkeypatch, held_hashes):
    executor, begun, release = held_hashes
    imported()
    make_pi(external_id="pi-2")
    use(monkeypatch, executor, wait_seconds=60)
    bulkhead = Bulkhead(1)

    def call(external_id):
        with bulkhead.permit():
            return ask(external_id).status_code

    def disconnect():
        with bulkhead.permit():
            connection.close()

    with ThreadPoolExecutor(2) as callers:
        waiting = callers.submit(call, "pi-1")
        assert begun.wait(60)
        assert callers.submit(call, "pi-2").result(60) == 200
        assert not waiting.done()
        release.set()
        assert waiting.result(60) == 200
        callers.submit(disconnect).result(60)


@pytest.mark.parametrize("answer_seconds", [WORK_SECONDS, WORK_SECONDS + 0.01])
def test_nobody_waits_longer_than_there_is_time_for_the_answer(monkeypatch, answer_seconds):
    keys = use(monkeypatch, HeldExecutor(), waiting=4, wait_seconds=600)
    config = imported()
    check = KeyCheck(config.pk, external_keys.StoredKey(UPSTREAM_SCRYPT), present(EXTERNAL_KEY), "")

    def work():
        with answered_within(answer_seconds), pytest.raises(KeyCheckBusy):
            keys.check(check)

    with ThreadPoolExecutor(1) as executor:
        executor.submit(work).result(60)


@pytest.mark.django_db(transaction=True)
def test_no_more_callers_wait_than_the_setting_says(ask, monkeypatch, held_hashes):
    executor, begun, release = held_hashes
    for number in range(3):
        imported(f"pi-{number}")
    use(monkeypatch, executor, waiting=1, wait_seconds=60)

    def call(external_id):
        try:
            return ask(external_id).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as callers:
        calls = [callers.submit(call, "pi-0")]
        assert begun.wait(60)
        calls.append(callers.submit(call, "pi-1"))
        eventually(lambda: executor._work_queue.qsize() == 1)
        assert ask("pi-2").status_code == 503
        release.set()
        assert [call.result(60) for call in calls] == [200, 200]
