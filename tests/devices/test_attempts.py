"""What became of each device's call: buffered, bounded, written in bulk, and nothing secret in it."""

from __future__ import annotations

import threading
import uuid
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bootstrap_project.observability.metrics import BOOTSTRAP_OUTCOMES
from bootstrap_project.outcomes import AUTHENTICATED, SERVED, Outcome
from configs.models import Config
from devices.attempts import recorder as recorder_module
from devices.attempts.attempt import Attempt
from devices.attempts.recorder import MAX_PAUSE_SECONDS, MAX_TRIES, REFUSED_BURST_SECONDS, record
from devices.attempts.writer import BATCH
from devices.models import BootstrapAttempt
from tests.devices.conftest import SECRETS, count_of
from tests.support.attempts import NOON, make_attempt, make_recorder, offer, record_attempt, seconds
from tests.support.rows import EXTERNAL_KEY, make_config

pytestmark = pytest.mark.sqlite

TABLE = BootstrapAttempt._meta.db_table
only_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="locks rows")


def dropped(reason):
    return count_of("bootstrap_attempts_dropped_total", reason=reason)


def last_of(config):
    config.refresh_from_db()
    return (
        config.last_bootstrap_at,
        config.last_bootstrap_outcome,
        config.last_bootstrap_profile_version,
        config.last_bootstrap_etag,
        config.last_bootstrap_error_id,
    )


def test_a_config_remembers_the_profile_that_was_served_last(recorder, config):
    first, second = uuid.uuid4(), uuid.uuid4()
    recorder.add(make_attempt(config.pk, when=seconds(1), profile_id=first, profile_version=1))
    recorder.add(make_attempt(config.pk, when=seconds(2), profile_id=second, profile_version=1))
    recorder.add(make_attempt(config.pk, when=seconds(3), outcome="render_failed", profile_id=first))
    recorder.flush()

    config.refresh_from_db()
    assert config.last_bootstrap_profile_id == second


@pytest.fixture
def config(db):
    return make_config()


@pytest.fixture
def recorder():
    return make_recorder()


@pytest.fixture
def own_recorder(settings):
    """The process's recorder, fresh and thrown away."""
    recorder_module._recorder = None
    settings.ATTEMPT_FLUSH_SECONDS = 0
    yield settings
    recorder_module.stop()


# --- Rows ------------------------------------------------------------------------------------------------------------


def test_an_attempt_becomes_a_row_with_all_that_is_known(recorder, config):
    profile_id = uuid.uuid4()
    attempt = make_attempt(
        config.pk,
        when=seconds(1.25),
        external_id="pi-1",
        variant="secure",
        profile_id=profile_id,
        profile_version=7,
        etag='"abc"',
        duration=0.0012,
        source="192.0.2.7",
        user_agent="agent/1",
        domain_id=config.domain_id,
    )

    recorder.add(attempt)
    assert recorder.flush()

    columns = [field.name for field in BootstrapAttempt._meta.fields if field.name != "id"]
    row = BootstrapAttempt.objects.values(*columns).get()
    expected = {field.name: getattr(attempt, field.name) for field in fields(Attempt)}
    assert row == expected


def test_the_domain_is_looked_up_where_it_was_not_given(recorder, config):
    recorder.add(make_attempt(config.pk))
    recorder.add(make_attempt(uuid.uuid4()))
    recorder.add(make_attempt(None, outcome="refused"))

    recorder.flush()

    assert sorted(BootstrapAttempt.objects.values_list("domain_id", flat=True)) == ["", "", config.domain_id]


def test_a_thousand_attempts_take_three_statements(recorder, db, django_assert_num_queries):
    configs = [make_config(domain_id="d") for _ in range(3)]
    for number in range(2 * BATCH):
        recorder.add(make_attempt(configs[number % 3].pk, when=seconds(number), domain_id="d"))

    with django_assert_num_queries(2 + 1):
        recorder.flush()

    assert BootstrapAttempt.objects.count() == 2 * BATCH
    assert last_of(configs[0])[0] == seconds(2 * BATCH - 1)


def test_nothing_waits_means_no_query(recorder, db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert recorder.flush()


def test_recording_makes_no_query(config, own_recorder, django_assert_num_queries):
    with django_assert_num_queries(0):
        record_attempt(make_attempt(config.pk))

    assert recorder_module._make().flush()
    assert BootstrapAttempt.objects.count() == 1


def test_recording_can_be_switched_off(config, own_recorder):
    own_recorder.RECORD_ATTEMPTS = False

    record_attempt(make_attempt(config.pk))

    assert recorder_module._recorder is None
    assert not BootstrapAttempt.objects.exists()


def test_recording_never_raises(own_recorder):
    before = dropped("error")

    def make() -> Attempt:
        raise ZeroDivisionError

    record("ok", make, is_known=True)

    assert dropped("error") == before + 1


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("a\0b", "a\ufffdb"),
        ("a\r\nb\x1b[31m", "a\ufffd\ufffdb\ufffd[31m"),
        ("half \ud800 a pair", "half \ufffd a pair"),
        ("\u202etxt.exe", "\ufffdtxt.exe"),
        ("Größe 大 🍓", "Größe 大 🍓"),
        ("x" * 70_000, "x" * 255),
    ],
    ids=["NUL", "lines", "surrogate", "direction", "plain", "long"],
)
def test_what_callers_choose_is_cut_and_cleaned(recorder, db, sent, stored):
    recorder.add(make_attempt(None, outcome="refused", external_id=sent, user_agent=sent))

    assert len(recorder._waiting[0].user_agent) <= 255
    assert recorder.flush()

    row = BootstrapAttempt.objects.get()
    assert (row.external_id, row.user_agent) == (stored, stored)


def test_odd_text_in_the_other_columns_is_no_obstacle(recorder, config):
    odd = "\0\ud800" + "x" * 1000
    recorder.add(make_attempt(config.pk, etag=odd, error_id=odd, source=odd, variant=odd, domain_id=odd))

    assert recorder.flush()

    assert BootstrapAttempt.objects.count() == 1
    assert len(last_of(config)[3]) == 128


# --- The config ------------------------------------------------------------------------------------------------------


def test_a_config_says_what_its_device_got_last(recorder, config):
    recorder.add(make_attempt(config.pk, when=seconds(1), profile_version=1, etag="one"))
    recorder.add(make_attempt(config.pk, when=seconds(2), profile_version=2, etag="two"))

    recorder.flush()

    assert last_of(config) == (seconds(2), "ok", 2, "two", "")
    assert config.first_bootstrap_at == seconds(1)


def test_the_first_bootstrap_stays_the_first(recorder, config):
    for number in (1, 2, 3):
        recorder.add(make_attempt(config.pk, when=seconds(number)))
        recorder.flush()

    assert last_of(config)[0] == seconds(3)
    assert config.first_bootstrap_at == seconds(1)


def test_attempts_in_any_order_give_the_same_summary(recorder, config):
    for number in (2, 3, 1):
        recorder.add(make_attempt(config.pk, when=seconds(number), profile_version=number, etag=str(number)))

    recorder.flush()

    assert last_of(config) == (seconds(3), "ok", 3, "3", "")
    assert config.first_bootstrap_at == seconds(1)


def test_an_older_attempt_of_another_process_overwrites_nothing(recorder, config):
    other = make_recorder()
    recorder.add(make_attempt(config.pk, when=seconds(1), profile_version=1, etag="old"))
    other.add(make_attempt(config.pk, when=seconds(2), profile_version=2, etag="new"))

    other.flush()
    recorder.flush()

    assert last_of(config) == (seconds(2), "ok", 2, "new", "")
    assert config.first_bootstrap_at == seconds(1), "the first one is the first, whoever writes it"


A_DAY = timedelta(days=1)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_clock_that_was_ahead_for_one_call_hides_nothing_that_comes_after_it(recorder, config, at_once):
    recorder.add(make_attempt(config.pk, when=timezone.now() + A_DAY, etag="ahead"))
    if not at_once:
        recorder.flush()
    recorder.add(make_attempt(config.pk, when=timezone.now(), outcome="disabled"))
    recorder.flush()

    config.refresh_from_db()
    assert config.last_bootstrap_outcome == "disabled"
    assert config.last_bootstrap_etag == "ahead"
    assert config.last_bootstrap_at <= timezone.now()
    assert config.first_bootstrap_at <= timezone.now()
    assert {attempt.outcome for attempt in BootstrapAttempt.objects.all()} == {"ok", "disabled"}
    assert not BootstrapAttempt.objects.filter(at__gt=timezone.now()).exists()


def test_a_stored_time_that_lies_ahead_counts_as_older(recorder, config):
    ahead = timezone.now() + A_DAY
    Config.objects.filter(pk=config.pk).update(
        first_bootstrap_at=ahead, last_bootstrap_at=ahead, last_bootstrap_outcome="ok"
    )

    recorder.add(make_attempt(config.pk, when=seconds(1), outcome="static", etag="now"))
    recorder.flush()

    config.refresh_from_db()
    assert (config.last_bootstrap_at, config.first_bootstrap_at) == (seconds(1), seconds(1))
    assert (config.last_bootstrap_outcome, config.last_bootstrap_etag) == ("static", "now")


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="needs a database with a clock of its own")
@pytest.mark.parametrize("minutes", [-10, 10])
def test_the_clock_of_the_database_decides_between_processes_whose_own_differ(recorder, config, monkeypatch, minutes):
    now = timezone.now()
    off = timedelta(minutes=minutes)
    other = make_recorder()
    other.add(make_attempt(config.pk, when=now - timedelta(seconds=60), etag="first"))
    recorder.add(make_attempt(config.pk, when=now - timedelta(seconds=30) + off, etag="second"))
    other.flush()
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: datetime.now(UTC) + off)
        recorder.flush()
    other.add(make_attempt(config.pk, when=now, etag="third"))

    config.refresh_from_db()
    assert config.last_bootstrap_etag == "second"
    other.flush()
    config.refresh_from_db()
    assert config.last_bootstrap_etag == "third"
    ages = [now - attempt.at for attempt in BootstrapAttempt.objects.of_config(config.pk)]
    assert [round(age.total_seconds()) // 20 for age in ages] == [0, 1, 3]


def test_what_was_served_outlives_a_refusal_that_names_its_error(recorder, config):
    recorder.add(make_attempt(config.pk, when=seconds(1), profile_version=4, etag="tag"))
    recorder.flush()
    recorder.add(make_attempt(config.pk, when=seconds(2), outcome="render_failed", status=422, error_id="e-12345678"))

    recorder.flush()

    assert last_of(config) == (seconds(2), "render_failed", 4, "tag", "e-12345678")


def test_a_static_answer_has_no_version(recorder, config):
    recorder.add(make_attempt(config.pk, when=seconds(1), profile_version=4, etag="tag"))
    recorder.flush()
    recorder.add(make_attempt(config.pk, when=seconds(2), outcome="static", etag="other"))

    recorder.flush()

    assert last_of(config) == (seconds(2), "static", None, "other", "")


@pytest.mark.parametrize("outcome", sorted(BOOTSTRAP_OUTCOMES))
def test_only_who_has_the_key_says_something_about_the_device(recorder, config, outcome):
    recorder.add(make_attempt(config.pk, outcome=outcome))

    recorder.flush()

    assert BootstrapAttempt.objects.get().config_id == config.pk
    assert last_of(config)[0] == (NOON if outcome in AUTHENTICATED else None)
    assert config.first_bootstrap_at == (NOON if outcome in SERVED else None)


def test_the_words_for_outcomes_are_those_of_the_metrics():
    assert AUTHENTICATED <= BOOTSTRAP_OUTCOMES
    assert {*SERVED, "throttled"} <= BOOTSTRAP_OUTCOMES


def test_a_config_looks_unchanged_to_everything_else(recorder, config):
    columns = [field.name for field in Config._meta.fields if "_bootstrap_" not in field.name]
    Config.objects.update(updated_at=timezone.now() - timedelta(days=1))
    before = Config.objects.values(*columns).get()

    recorder.add(make_attempt(config.pk, profile_version=1, etag="tag"))
    recorder.flush()

    assert Config.objects.values(*columns).get() == before
    assert last_of(config)[0] == NOON


def test_other_configs_are_left_alone(recorder, config):
    other = make_config()

    recorder.add(make_attempt(config.pk))
    recorder.flush()

    assert last_of(other) == (None, "", None, "", "")


def test_the_attempts_of_a_deleted_config_are_kept_and_its_summary_is_given_up(recorder, db):
    recorder.add(make_attempt(uuid.uuid4()))

    for _ in range(MAX_TRIES):
        assert recorder.flush()

    assert BootstrapAttempt.objects.count() == 1
    assert recorder._summaries == {}


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_locked_config_is_passed_over_and_written_later(recorder):
    config, free = make_config(), make_config()
    locked, release = threading.Event(), threading.Event()

    def bind():
        try:
            with transaction.atomic():
                Config.objects.select_for_update().get(pk=config.pk)
                locked.set()
                release.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=bind)
    thread.start()
    assert locked.wait(60)
    recorder.add(make_attempt(config.pk))
    recorder.add(make_attempt(free.pk))
    try:
        assert recorder.flush()
        assert last_of(config)[0] is None
        assert last_of(free)[0] == NOON
    finally:
        release.set()
        thread.join()
    assert recorder.flush()

    assert last_of(config)[0] == NOON
    assert BootstrapAttempt.objects.count() == 2


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_two_processes_that_write_the_same_configs_the_other_way_round_do_not_block_each_other():
    configs = [make_config() for _ in range(200)]
    recorders = [make_recorder(), make_recorder()]
    failures = []

    def work(recorder, ids):
        try:
            for number in range(20):
                for config_id in ids:
                    recorder.add(make_attempt(config_id, when=seconds(number)))
                if not recorder.flush():
                    failures.append("a flush failed")
            while recorder._summaries:
                recorder.flush()
        finally:
            connection.close()

    ids = [config.pk for config in configs]
    threads = [threading.Thread(target=work, args=pair) for pair in zip(recorders, (ids, ids[::-1]), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert set(Config.objects.values_list("last_bootstrap_at", flat=True)) == {seconds(19)}
    assert BootstrapAttempt.objects.count() == 2 * 20 * 200


# --- Bounds ----------------------------------------------------------------------------------------------------------


def test_a_full_buffer_drops_and_counts(db):
    recorder = make_recorder(capacity=10)
    before = dropped("full")

    for number in range(25):
        recorder.add(make_attempt(external_id=f"d-{number}"))

    assert dropped("full") == before + 15
    recorder.flush()
    assert BootstrapAttempt.objects.count() == 10
    recorder.add(make_attempt())
    recorder.flush()
    assert BootstrapAttempt.objects.count() == 11


def test_a_flood_of_refusals_leaves_few_rows(db):
    recorder = make_recorder(refusals_per_second=1)
    before = dropped("limited")

    for number in range(5_000):
        offer(recorder, make_attempt(outcome="refused", external_id=f"made-up-{number}"))
    recorder.flush()

    kept = BootstrapAttempt.objects.count()
    assert REFUSED_BURST_SECONDS <= kept <= REFUSED_BURST_SECONDS + 10
    assert dropped("limited") == before + 5_000 - kept


@pytest.mark.parametrize("outcome", sorted(BOOTSTRAP_OUTCOMES - AUTHENTICATED - {Outcome.PROBED}))
def test_every_outcome_without_a_right_key_is_limited(outcome):
    recorder = make_recorder(refusals_per_second=0)

    offer(recorder, make_attempt(uuid.uuid4(), outcome=outcome))
    offer(recorder, make_attempt(None, outcome=outcome))

    assert not recorder._waiting


def test_a_flood_of_made_up_ids_hides_neither_devices_nor_wrong_keys_of_real_ones(recorder, config):
    for number in range(1_000):
        offer(recorder, make_attempt(outcome="refused", external_id=f"made-up-{number}"))

    offer(recorder, make_attempt(config.pk, outcome="refused"))
    offer(recorder, make_attempt(config.pk, outcome="ok"))
    recorder.flush()

    assert sorted(BootstrapAttempt.objects.filter(config_id=config.pk).values_list("outcome", flat=True)) == [
        "ok",
        "refused",
    ]


# --- A database that does not answer ---------------------------------------------------------------------------------


def rename(old, new):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")


@pytest.mark.django_db(transaction=True)
def test_what_the_database_does_not_take_is_kept_and_written_once_when_it_does(recorder, caplog):
    config = make_config()
    failures = count_of("bootstrap_attempt_flush_failures_total")
    for number in range(BATCH + 5):
        recorder.add(make_attempt(config.pk, when=seconds(number), external_id=f"d-{number}", domain_id="d"))
    rename(TABLE, "away")
    try:
        assert not recorder.flush()
        recorder.add(make_attempt(config.pk, when=seconds(9999), external_id="d-later"))
        assert not recorder.flush()
    finally:
        rename("away", TABLE)
    assert count_of("bootstrap_attempt_flush_failures_total") == failures + 2
    assert "attempts wait for the database" in caplog.text

    assert recorder.flush()

    ids = list(BootstrapAttempt.objects.order_by("id").values_list("external_id", flat=True))
    assert ids == [*(f"d-{number}" for number in range(BATCH + 5)), "d-later"]
    assert last_of(config)[0] == seconds(9999)


@only_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_gone_and_comes_back_costs_no_attempt(recorder):
    config = make_config()
    recorder.add(make_attempt(config.pk))
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "9"
    try:
        assert not recorder.flush()
    finally:
        connection.settings_dict["PORT"] = port

    assert recorder.flush()

    assert BootstrapAttempt.objects.count() == 1
    assert last_of(config)[0] == NOON


@pytest.mark.django_db(transaction=True)
def test_an_attempt_that_the_database_refuses_holds_up_no_other(recorder):
    config = make_config()
    before = dropped("rejected")
    recorder.add(make_attempt(config.pk, external_id="good"))
    recorder.add(make_attempt(config.pk, external_id="bad", duration=float("nan")))
    recorder.add(make_attempt(config.pk, external_id="good too"))

    assert recorder.flush()

    assert sorted(BootstrapAttempt.objects.values_list("external_id", flat=True)) == ["good", "good too"]
    assert dropped("rejected") == before + 1
    assert last_of(config)[0] == NOON


def test_the_pause_between_tries_is_bounded():
    assert 1 < MAX_PAUSE_SECONDS <= 60


# --- Privacy ---------------------------------------------------------------------------------------------------------


def test_there_is_no_place_for_a_secret():
    names = {field.name for field in fields(Attempt)} | {field.name for field in BootstrapAttempt._meta.fields}

    assert not [name for name in names if any(word in name for word in ("key", "secret", "content", "hash", "body"))]


def test_no_call_leaves_a_key_or_a_secret_behind(own_recorder, pi, ask, ask_secure):
    wrong = "a-wrong-key-that-somebody-tried"
    ask()
    ask(key=wrong)
    ask("nobody", key=wrong)
    ask(path="/clients/bootstrap/", key=EXTERNAL_KEY)
    ask(scheme="Bearer ")
    ask_secure()
    ask_secure(key=wrong)

    assert recorder_module._make().flush()

    assert BootstrapAttempt.objects.count() == 7
    stored = str([*BootstrapAttempt.objects.values_list(), *BootstrapAttempt.objects.filter(config_id=pi.pk).values()])
    assert not [secret for secret in (*SECRETS, wrong) if secret in stored]
    pi.refresh_from_db()
    assert pi.last_bootstrap_outcome == "ok"
