"""Nobody waits for the database for longer than there is time, though it says nothing at all."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import psycopg
import pytest
from django.db import OperationalError, connection, connections

from bootstrap_project.database.time_limit import ANSWER_SECONDS, OutOfTime, answer_seconds_left, answered_within
from enrollments.device_config import libpq

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def fresh_connection() -> Iterator[None]:
    connection.close()
    yield
    connection.close()


def ask_by_cursor() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")


def ask_by_libpq() -> None:
    libpq.fetch_rows(connection, "SELECT pg_sleep(20)::text WHERE '' = %s", [""])


@pytest.mark.parametrize("ask", [ask_by_cursor, ask_by_libpq])
def test_a_statement_is_given_up_in_time_and_so_is_its_connection(ask):
    connection.ensure_connection()
    lost = connection.connection

    with answered_within(ANSWER_SECONDS + 0.2), pytest.raises(OperationalError, match="in time") as raised:
        ask()

    assert isinstance(raised.value.__cause__, OutOfTime)
    assert lost.closed
    assert not connection.is_usable()
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()"
        )


def test_an_answer_in_time_is_an_answer():
    with answered_within(60), connection.cursor() as cursor:
        cursor.execute("SELECT 7")

        assert cursor.fetchone() == (7,)


def test_an_error_of_the_database_is_told_as_it_is():
    with answered_within(60), connection.cursor() as cursor, pytest.raises(OperationalError) as raised:
        cursor.execute("SET statement_timeout = '50ms'; SELECT pg_sleep(20)")

    assert isinstance(raised.value.__cause__, psycopg.errors.QueryCanceled)


def test_the_time_of_a_block_is_over_with_it():
    assert answer_seconds_left() == float("inf")
    with answered_within(5):
        assert 0 < answer_seconds_left() <= 5
    assert answer_seconds_left() == float("inf")


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port where connections are taken and nothing is said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(("seconds", "words"), [(2.6, "timeout"), (2.4, "no time is left")])
def test_a_connection_is_not_waited_for_longer_than_there_is_time(deaf_port, seconds, words):
    deaf = connections["default"].copy()
    deaf.settings_dict.update(HOST="127.0.0.1", PORT=str(deaf_port))
    deaf.settings_dict["OPTIONS"]["connect_timeout"] = 60

    with answered_within(seconds), pytest.raises(OperationalError, match=words):
        deaf.ensure_connection()
