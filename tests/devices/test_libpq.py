"""The device's statement over libpq: the same rows as through a cursor, and no name that outlives its plan."""

from __future__ import annotations

import pytest
from django.db import ProgrammingError, connection, transaction

from configs.external_keys import PresentedKey
from devices.queries import find_by_external_id, find_by_key
from enrollments.device_config import libpq
from tests.devices.conftest import make_pi
from tests.support.rows import EXTERNAL_KEY, make_config

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server"),
    pytest.mark.django_db(transaction=True),
]


def names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE name LIKE 'bootstrap%%'")
        return [name for (name,) in cursor.fetchall()]


@pytest.fixture(autouse=True)
def fresh_connection():
    connection.close()
    yield
    connection.close()


@pytest.mark.parametrize("key", [EXTERNAL_KEY, "wrong"])
@pytest.mark.parametrize("external_id", ["pi-1", "unknown", "é \N{SNOWMAN} %s %% $1"])
def test_rows_are_those_of_a_cursor(monkeypatch, key, external_id):
    make_pi()
    make_config(external_id="é \N{SNOWMAN} %s %% $1", content="static")
    presented = PresentedKey.of(key)

    through_libpq = [find_by_external_id(external_id, presented), find_by_key(presented)]
    monkeypatch.setattr("enrollments.device_config.records.can_fetch", lambda _connection: False)
    through_cursor = [find_by_external_id(external_id, presented), find_by_key(presented)]

    assert through_libpq == through_cursor
    assert (through_libpq[0] is None) == (external_id == "unknown")


def test_a_call_makes_no_cursor(monkeypatch, ask):
    make_pi()
    assert ask().status_code == 200
    monkeypatch.setattr(connection, "cursor", lambda *_args: pytest.fail("a cursor was made"))

    assert ask().status_code == 200


def test_one_statement_is_prepared_once(ask):
    make_pi()

    for _ in range(5):
        assert ask().status_code == 200

    assert len(names()) == 1


def test_names_that_a_rollback_took_away_are_prepared_anew(ask):
    make_pi()
    assert ask().status_code == 200
    with transaction.atomic():
        make_config()
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert names() == []

    assert ask().status_code == 200

    assert len(names()) == 1


def test_a_table_that_changed_under_the_plan_is_no_failure(ask):
    make_pi()
    assert ask().status_code == 200
    with connection.cursor() as cursor:
        # Another type of a column that is read: the plan may not go on with it.
        cursor.execute("ALTER TABLE profiles_profile ALTER COLUMN version TYPE bigint")
    try:
        assert ask().status_code == 200
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE profiles_profile ALTER COLUMN version TYPE integer")


def test_a_wait_that_was_cut_short_leaves_the_plan_as_it_is(ask):
    make_pi()
    assert ask().status_code == 200
    kept = names()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    with connection.get_new_connection(connection.get_connection_params()) as other:
        other.execute("LOCK TABLE configs_config IN ACCESS EXCLUSIVE MODE")
        assert ask().status_code == 503
    other.close()

    assert ask().status_code == 200

    assert names() == kept


def test_errors_are_django_s_and_leave_no_name():
    connection.ensure_connection()

    with pytest.raises(ProgrammingError, match="no_such_table"):
        libpq.fetch_rows(connection, "SELECT 1 FROM no_such_table WHERE %s = ''", ["x"])

    assert libpq.fetch_rows(connection, "SELECT %s::text", ["it's"]) == [("it's",)]


def test_nothing_is_prepared_inside_a_transaction_or_under_observation(django_assert_num_queries):
    connection.ensure_connection()
    assert libpq.can_fetch(connection)

    with transaction.atomic():
        assert not libpq.can_fetch(connection)
    with django_assert_num_queries(0):
        assert not libpq.can_fetch(connection)


def test_nothing_is_prepared_where_the_settings_say_so(monkeypatch):
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)

    assert not libpq.can_fetch(connection)
