"""Slow checks behind the gate: who gets a slot, who is told when to come back, and what is done meanwhile."""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack

import pytest

from configs import external_keys
from configs.models import Config
from devices.guards import guards
from devices.rate_limit import failure_limits
from tests.devices.conftest import count_of, make_pi, message_of
from tests.devices.test_legacy_keys import BCRYPT, UPSTREAM_SCRYPT, import_row
from tests.factories import make_config
from tests.services.waiting import eventually

pytestmark = pytest.mark.django_db


class Full:
    """Slow checks without a free slot, until released."""

    def __init__(self, checks, taken):
        self.backlog = checks.backlog
        self.release = taken.close


@pytest.fixture
def full(settings, monkeypatch):
    """Take the only slot, and keep refused checks for the test to work off."""
    settings.KEY_CHECKS_AT_ONCE, settings.KEY_CHECKS_WAITING = 1, 0
    guards.cache_clear()
    failure_limits.cache_clear()
    checks = guards().slow_checks
    monkeypatch.setattr(checks.backlog, "_start_thread", lambda: None)
    # Booked times are compared: on a busy machine what was booked would be over before the next call.
    now = time.monotonic()
    monkeypatch.setattr(checks._gate, "_clock", lambda: now)
    with ExitStack() as taken:
        taken.enter_context(checks._gate.slot())
        yield Full(checks, taken)


def imported(external_id="pi-1", key_hash=UPSTREAM_SCRYPT):
    config = make_pi(external_id=external_id)
    import_row(config, key_hash)
    return config


def test_without_a_slot_it_is_503_with_a_booked_time(ask, full):
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
def test_a_refused_check_is_made_meanwhile_and_the_next_try_is_answered(ask, full, django_assert_num_queries, key_hash):
    config = imported(key_hash=key_hash)
    assert ask().status_code == 503

    full.release()
    full.backlog.drain()

    assert Config.objects.get(pk=config.pk).external_key_digest
    with django_assert_num_queries(1):
        assert ask().status_code == 200


def test_the_same_call_again_keeps_its_place(ask, full):
    imported()
    first = int(ask().headers["Retry-After"])
    imported("pi-2")
    ask("pi-2")

    assert int(ask().headers["Retry-After"]) <= first
    assert len(full.backlog) == 2


def test_a_wrong_key_is_checked_once_and_changes_nothing(ask, full, settings):
    settings.SLOW_FAILURES = (1, 0.001)
    config = imported()
    before = count_of("bootstrap_key_verifications_total", method="scrypt", outcome="refused")
    assert ask(key="wrong").status_code == 503

    full.release()
    full.backlog.drain()

    assert count_of("bootstrap_key_verifications_total", method="scrypt", outcome="refused") == before + 1
    assert Config.objects.get(pk=config.pk).external_key_hash == UPSTREAM_SCRYPT
    assert ask(key="wrong").status_code == 403


def test_kept_checks_are_limited_too(ask, full, settings, monkeypatch):
    settings.SLOW_FAILURES = (2, 0.001)
    guards.cache_clear()
    failure_limits.cache_clear()
    calls = []

    def wrong(*arguments):
        calls.append(arguments)
        return b"x" * 32

    monkeypatch.setattr(external_keys, "_scrypt", wrong)
    checks = guards().slow_checks
    monkeypatch.setattr(checks.backlog, "_start_thread", lambda: None)
    for number in range(5):
        import_row(make_config(external_id=f"old-{number}"), UPSTREAM_SCRYPT)
    calls.clear()
    with checks._gate.slot():
        assert {ask(f"old-{number}", key="wrong").status_code for number in range(5)} == {503}

    checks.backlog.drain()

    assert len(calls) == 2


def test_a_key_rotated_meanwhile_is_left_alone(ask, full):
    config = imported()
    ask()
    Config.objects.filter(pk=config.pk).update(external_key_hash=BCRYPT)

    full.release()
    full.backlog.drain()

    row = Config.objects.get(pk=config.pk)
    assert (row.external_key_hash, row.external_key_digest) == (BCRYPT, "")


def test_the_backlog_is_bounded(ask, full, monkeypatch):
    monkeypatch.setattr(full.backlog, "_capacity", 3)
    for number in range(6):
        import_row(make_config(external_id=f"old-{number}"), UPSTREAM_SCRYPT)
        assert ask(f"old-{number}").status_code == 503

    assert len(full.backlog) == 3


@pytest.mark.django_db(transaction=True)
def test_what_is_kept_is_worked_off_by_a_thread(ask, settings):
    settings.KEY_CHECKS_AT_ONCE, settings.KEY_CHECKS_WAITING = 1, 0
    guards.cache_clear()
    failure_limits.cache_clear()
    config = imported()
    checks = guards().slow_checks
    with checks._gate.slot():
        assert ask().status_code == 503
        assert threading.active_count() > 1

    eventually(lambda: bool(Config.objects.get(pk=config.pk).external_key_digest))

    assert ask().status_code == 200
    checks.backlog.stop()
    assert not [thread for thread in threading.enumerate() if "key-checks" in thread.name]
