"""Limits on failures: a flood costs little, tells nothing, and locks nobody out who has the right key."""

from __future__ import annotations

import json
import logging

import pytest

from bootstrap_project.security.keyring import DigestRing, Key
from configs import external_keys
from configs.models import Config
from devices.rate_limit import failure_limits
from tests.devices.conftest import count_of, make_pi, message_of, without_request_id
from tests.devices.legacy import UPSTREAM_SCRYPT, import_row
from tests.support.lines import request_lines
from tests.support.rows import make_config

pytestmark = pytest.mark.django_db


@pytest.fixture
def limit(settings):
    """Set rates that are used up by a few calls and not refilled within a test."""

    def limit(*, source=1000, device=1000, slow=1000):
        settings.SOURCE_FAILURES, settings.DEVICE_FAILURES = (source, 0.001), (device, 0.001)
        settings.SLOW_FAILURES = (slow, 0.001)
        failure_limits.cache_clear()

    return limit


def statuses(ask, number, *arguments, **values):
    return [ask(*arguments, **values).status_code for _ in range(number)]


def test_the_agent_s_five_tries_are_never_limited(ask, pi):
    assert statuses(ask, 10, key="wrong") == [403] * 10


def test_a_thousand_failing_neighbours_are_not_limited(ask, pi):
    assert {ask(f"unknown-{number}", key="wrong").status_code for number in range(1000)} == {403}


def test_failures_beyond_the_limit_are_429(ask, pi, limit):
    limit(source=2)

    assert statuses(ask, 4, key="wrong") == [403, 403, 429, 429]
    response = ask(key="wrong")
    assert message_of(response) == "too many failed bootstrap requests"
    assert int(response.headers["Retry-After"]) >= 1
    assert json.loads(response.content)["request_id"] == response.headers["X-Request-ID"]
    assert response.headers["Cache-Control"] == "no-store"


def test_the_right_key_is_always_answered(ask, ask_secure, pi, limit):
    limit(source=1, device=1, slow=1)
    statuses(ask, 20, key="wrong")

    for response in (ask(), ask_secure(), ask(path="/clients/bootstrap/")):
        assert response.status_code == 200


def test_an_unknown_id_and_a_wrong_key_are_limited_alike(ask, pi, limit):
    limit(source=2)

    wrong = [without_request_id(ask(key="wrong", REMOTE_ADDR="198.51.100.1")) for _ in range(5)]
    unknown = [without_request_id(ask("nobody", key="wrong", REMOTE_ADDR="198.51.100.2")) for _ in range(5)]

    assert wrong == unknown
    assert [answer[0] for answer in wrong] == [403, 403, 429, 429, 429]


def test_limits_are_by_source(ask, pi, limit):
    limit(source=2)

    flood = statuses(ask, 4, key="wrong", REMOTE_ADDR="198.51.100.1")
    other = statuses(ask, 1, key="wrong", REMOTE_ADDR="198.51.100.2")

    assert (flood, other) == ([403, 403, 429, 429], [403])


def test_a_forged_header_does_not_help_without_a_proxy(ask, pi, limit):
    limit(source=2)

    answers = [ask(key="wrong", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}").status_code for number in range(4)]

    assert answers == [403, 403, 429, 429]


@pytest.mark.parametrize("path", ["/clients/bootstrap/", "/clients/bootstrap/pi-1"])
def test_calls_in_clear_share_the_source_s_limit_alone(ask, pi, limit, path):
    limit(source=3, device=1)

    assert statuses(ask, 4, path=path, key="wrong") == [403, 403, 403, 429]


@pytest.mark.parametrize("key", ["wrong key", "short"])
@pytest.mark.parametrize("external_id", ["pi-1", "nobody"])
def test_guesses_at_one_device_of_the_secure_endpoint_are_limited_by_themselves(
    ask, ask_secure, pi, limit, key, external_id
):
    limit(device=2)

    assert statuses(ask_secure, 4, external_id, key=key) == [403, 403, 429, 429]
    assert statuses(ask_secure, 2, "another", key=key) == [403, 403]
    assert statuses(ask, 4, external_id, key=key) == [403] * 4
    assert ask_secure().status_code == 200


def test_a_rate_of_a_billion_limits_nobody(ask, pi, settings):
    settings.SOURCE_FAILURES = settings.DEVICE_FAILURES = settings.SLOW_FAILURES = (1e9, 1e9)
    failure_limits.cache_clear()

    assert statuses(ask, 5, key="wrong") == [403] * 5
    import_row(pi, UPSTREAM_SCRYPT)
    assert statuses(ask, 5, key="wrong") == [403] * 5


def test_they_are_counted_and_logged(ask, pi, limit, caplog):
    limit(source=1)
    before = count_of("bootstrap_device_bootstraps_total", variant="plain", outcome="throttled")

    with caplog.at_level(logging.INFO):
        statuses(ask, 2, key="wrong")

    assert count_of("bootstrap_device_bootstraps_total", variant="plain", outcome="throttled") == before + 1
    (_refused, limited) = request_lines(caplog)
    assert (limited.config_id, limited.reason) == (pi.pk, "too many failures: wrong external key")


# --- Before slow hashes ----------------------------------------------------------------------------------------------


@pytest.fixture
def hashes(monkeypatch):
    calls = []
    derive = external_keys._scrypt

    def counted(*arguments):
        calls.append(arguments)
        return derive(*arguments)

    monkeypatch.setattr(external_keys, "_scrypt", counted)
    return calls


@pytest.mark.parametrize(
    ("way", "limits"), [("ask", {"slow": 3}), ("ask_secure", {"slow": 3}), ("ask_secure", {"device": 3})]
)
def test_a_flood_does_not_reach_scrypt(request, limit, hashes, way, limits):
    limit(**limits)
    import_row(make_pi(), UPSTREAM_SCRYPT)
    hashes.clear()

    assert statuses(request.getfixturevalue(way), 6, key="wrong-key-wrong") == [403, 403, 403, 429, 429, 429]
    assert len(hashes) == 3


def test_a_flood_over_many_imported_rows_does_not_either(ask, limit, hashes):
    limit(slow=3)
    for number in range(6):
        import_row(make_config(external_id=f"old-{number}"), UPSTREAM_SCRYPT)
    hashes.clear()

    assert [ask(f"old-{number}", key="wrong").status_code for number in range(6)] == [403, 403, 403, 429, 429, 429]
    assert len(hashes) == 3
    # It does not tell that those rows exist: from this source every failure looks the same now.
    assert ask("nobody", key="wrong").status_code == 429


def test_success_costs_nothing(ask, limit):
    limit(slow=2, device=2)
    pi = make_pi()

    for _ in range(5):
        import_row(pi, UPSTREAM_SCRYPT)
        assert ask().status_code == 200


def test_cheap_failures_do_not_lock_an_imported_row_out(ask, pi, limit):
    limit(source=3, slow=3)
    import_row(make_config(external_id="imported"), UPSTREAM_SCRYPT)

    assert statuses(ask, 10, key="wrong")[-1] == 429
    assert ask("imported").status_code == 200


def test_a_lost_pepper_is_a_slow_check(ask, limit, settings):
    limit(slow=1)
    pi = make_pi()
    settings.PEPPER_RING = DigestRing((Key("new", b"n" * 32),))

    assert statuses(ask, 2, key="wrong") == [403, 429]
    assert Config.objects.get(pk=pi.pk).external_key_pepper != "new"
