"""One statement, by an index, on a connection that may be gone."""

from __future__ import annotations

import hashlib
import json
import logging

import pytest
from django.db import OperationalError, connection, connections
from django.test.utils import CaptureQueriesContext

from bootstrap_project.security.keyring import DigestRing, Key
from configs.external_keys import PresentedKey
from configs.models import Config
from devices.queries import find_by_external_id, find_by_key
from enrollments.device_config.records import execute
from tests.devices.conftest import make_pi, message_of
from tests.support.lines import request_lines
from tests.support.rows import EXTERNAL_KEY, make_binding, make_config

postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server")


@pytest.mark.django_db
def test_a_call_is_one_statement_however_many_bindings(ask, ask_secure, pi, django_assert_num_queries):
    for number in range(20):
        make_binding(config=pi, slot=f"stale-{number}")

    for call in (ask, ask_secure):
        with django_assert_num_queries(1):
            assert call().status_code == 200


@pytest.mark.django_db
def test_a_static_config_is_one_statement(ask, django_assert_num_queries):
    make_config(external_id="pi-1", content="static")

    with django_assert_num_queries(1):
        assert ask().status_code == 200


@pytest.mark.django_db
def test_a_wrong_key_reads_nothing_of_the_answer(pi):
    wrong = find_by_external_id("pi-1", PresentedKey.of("wrong"))
    right = find_by_external_id("pi-1", PresentedKey.of(EXTERNAL_KEY))

    assert wrong is not None
    assert right is not None
    assert wrong.answer is None
    assert right.answer is not None
    assert right.answer.profile is not None
    assert len(json.loads(right.answer.bindings)) == 2
    assert wrong.key == right.key


@pytest.mark.django_db
def test_rows_that_a_hash_decides_are_read_whole(settings, pi):
    settings.PEPPER_RING = DigestRing((Key("new", b"n" * 32),))

    record = find_by_external_id("pi-1", PresentedKey.of("wrong"))

    assert record is not None
    assert record.answer is not None


@pytest.mark.django_db
def test_records_show_nothing_of_what_they_hold(pi):
    record = find_by_external_id("pi-1", PresentedKey.of(EXTERNAL_KEY))

    assert "CERT" not in repr(record)
    assert pi.external_key_hash not in repr(record)


@pytest.mark.django_db
def test_an_id_with_the_digest_of_another_one_finds_nothing():
    """The index is over MD5; this pair of ids is Marc Stevens's."""
    enrolled = "TEXTCOLLBYfGiJUETHQ4hAcKSMd5zYpgqf1YRDhkmxHkhPWptrkoyz28wnI9V0aHeAuaKnak"
    twin = enrolled.replace("4hAc", "4hEc")
    assert hashlib.md5(enrolled.encode()).digest() == hashlib.md5(twin.encode()).digest()
    make_config(external_id=enrolled)

    assert find_by_external_id(twin, PresentedKey.of(EXTERNAL_KEY)) is None
    assert find_by_external_id(enrolled, PresentedKey.of(EXTERNAL_KEY)) is not None
    assert list(Config.objects.with_external_id(twin)) == []


@pytest.mark.django_db
def test_ids_are_compared_exactly():
    make_config(external_id="Pi-1")

    assert find_by_external_id("pi-1", PresentedKey.of("x")) is None
    assert find_by_external_id("Pi-1 ", PresentedKey.of("x")) is None
    assert find_by_external_id("Pi-_", PresentedKey.of("x")) is None


@pytest.mark.django_db
def test_at_most_two_are_fetched_by_key():
    for _ in range(5):
        make_config()

    assert len(find_by_key(PresentedKey.of(EXTERNAL_KEY))) == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("find", "index"),
    [
        (lambda: find_by_external_id("pi-1", PresentedKey.of("x")), "configs_config_external_id_unique"),
        (lambda: find_by_key(PresentedKey.of("x")), "configs_config_key_digest"),
    ],
    ids=["external id", "external key"],
)
def test_each_door_has_its_index(find, index):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        find()
    statement = captured.captured_queries[0]["sql"]

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table of a few rows is read whole unless told otherwise.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + statement)
        plan = "\n".join(str(row) for row in cursor.fetchall())

    assert index in plan


# --- The connection --------------------------------------------------------------------------------------------------


def backend_pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def terminate(pid: int) -> None:
    with connection.get_new_connection(connection.get_connection_params()) as other:
        other.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])
    other.close()


@postgresql
@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_replaced_once(ask):
    make_pi()
    pid = backend_pid()
    terminate(pid)

    assert ask().status_code == 200
    assert backend_pid() != pid


@postgresql
@pytest.mark.django_db(transaction=True)
def test_a_database_that_stays_away_is_503_and_then_well_again(ask, monkeypatch):
    make_pi()
    terminate(backend_pid())
    monkeypatch.setitem(connection.settings_dict, "PORT", "9")

    kept, fresh = ask(), ask()
    monkeypatch.undo()

    for response in (kept, fresh):
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 1
        assert json.loads(response.content)["request_id"] == response.headers["X-Request-ID"]
        assert response.headers["Cache-Control"] == "no-store"
        assert EXTERNAL_KEY not in response.content.decode()
    assert ask().status_code == 200


@postgresql
@pytest.mark.django_db(transaction=True)
def test_a_statement_that_fails_on_a_living_connection_is_not_repeated(ask, monkeypatch):
    make_pi()
    pid = backend_pid()
    statements = []

    def time_out(_execute, sql, _params, _many, _context):
        statements.append(sql)
        raise OperationalError("canceling statement due to statement timeout")

    with connection.execute_wrapper(time_out):
        response = ask()

    assert response.status_code == 503
    assert len(statements) == 1
    assert backend_pid() == pid


@postgresql
@pytest.mark.django_db(transaction=True)
def test_a_lock_that_somebody_holds_is_503_after_one_wait_and_costs_no_connection(ask, caplog, monkeypatch):
    make_pi()
    pid = backend_pid()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    assert ask().status_code == 200
    try:
        with connection.get_new_connection(connection.get_connection_params()) as other:
            other.execute("LOCK TABLE configs_config IN ACCESS EXCLUSIVE MODE")
            asked: list[str] = []

            def counted(kept, text, parameters):
                asked.append(text)
                return execute(kept, text, parameters)

            monkeypatch.setattr("devices.queries.execute", counted)
            with caplog.at_level(logging.INFO):
                response = ask()
        other.close()

        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 1
        assert len(asked) == 1
        assert "lock timeout" in request_lines(caplog)[-1].reason
        assert ask().status_code == 200
        assert backend_pid() == pid
    finally:
        connection.close()


@pytest.mark.django_db
def test_a_database_that_does_not_answer_is_503_and_not_a_refusal(ask, pi, caplog):
    def fail(_execute, _sql, _params, _many, _context):
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(fail), caplog.at_level(logging.INFO):
        response = ask(key="wrong")

    assert (response.status_code, message_of(response)) == (503, "service temporarily unavailable")
    assert int(response.headers["Retry-After"]) >= 1
    (line,) = request_lines(caplog)
    assert (line.levelname, line.outcome) == ("WARNING", "error")
    assert "OperationalError" in line.reason


@pytest.mark.django_db(transaction=True)
def test_a_kept_connection_is_not_asked_whether_it_lives(ask, monkeypatch):
    make_pi()
    asked = []

    def is_usable():
        asked.append(True)
        return True

    wrapper = connections["default"]
    wrapper.ensure_connection()
    monkeypatch.setattr(wrapper, "is_usable", is_usable)
    monkeypatch.setattr(wrapper, "health_check_enabled", True)
    monkeypatch.setattr(wrapper, "health_check_done", False)

    assert ask().status_code == 200

    assert asked == []
