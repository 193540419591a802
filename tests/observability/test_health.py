from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing

import pytest
from django.db import NotSupportedError, OperationalError, ProgrammingError, connection, connections
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.urls import path
from psycopg.errors import DuplicatePreparedStatement, InvalidSqlStatementName

from bootstrap_project.database import outages, pending_migrations
from bootstrap_project.database.outages import Outages
from bootstrap_project.database.pending_migrations import migrations_of_this_release
from bootstrap_project.database.trouble import POOLER_MET, note_trouble
from bootstrap_project.observability import health as health_module
from bootstrap_project.observability.health import DATABASE_TROUBLE, health, live
from bootstrap_project.observability.shared_flags import LACKS_MIGRATIONS, STOPPING
from tests.support.schema import add_migrations, make_migrated

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

urlpatterns = [path("health", health), path("health/live", live)]


@pytest.fixture(autouse=True)
def build(settings):
    settings.BOOTSTRAP_VERSION = "1.2.3"
    settings.BOOTSTRAP_BUILD_COMMIT = "0a1b2c3d"
    settings.BOOTSTRAP_BUILD_TIME = "2026-06-12_08:00:00"
    settings.BOOTSTRAP_INSTANCE_ID = "6a1f7c0e-8d8f-4a35-9c4f-0c6f0f6a0001"


@pytest.fixture(autouse=True)
def all_is_well(monkeypatch):
    """Forget what failed in other tests: an outage has one line."""
    monkeypatch.setattr(health_module, "database", Outages("the database", quiet_seconds=0))
    yield
    for flag in (LACKS_MIGRATIONS, STOPPING, POOLER_MET):
        flag.note(False)


@pytest.fixture
def database(tmp_path, monkeypatch):
    """Return a function that puts the health check on an SQLite file of its own."""
    opened = []

    def use(file):
        databases = connections.configure_settings(
            {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}}
        )
        wrapper = DatabaseWrapper(databases["default"], "health")
        opened.append(wrapper)
        monkeypatch.setattr(health_module, "connection", wrapper)
        return wrapper

    yield use
    for wrapper in opened:
        wrapper.close()


def test_healthy_service_says_who_it_is(client):
    response = client.get("/health")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/health+json"
    assert response.headers["Cache-Control"] == "no-store"
    assert json.loads(response.content) == {
        "status": "pass",
        "version": "1.2.3",
        "commit": "0a1b2c3d",
        "description": "bootstrap service",
        "build_time": "2026-06-12_08:00:00",
        "instance_id": "6a1f7c0e-8d8f-4a35-9c4f-0c6f0f6a0001",
    }
    assert response.content.endswith(b"\n")


def test_check_costs_one_query(client, django_assert_num_queries):
    with django_assert_num_queries(1):
        client.get("/health")


def test_head_says_the_same_without_a_body(client):
    response = client.head("/health")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/health+json"
    assert response.content == b""


@pytest.mark.parametrize("path", ["/health", "/health/live"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused_in_json(client, method, path, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.generic(method, path)

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert response.headers["Content-Type"] == "application/json"
    assert json.loads(response.content) == {
        "message": "method not allowed",
        "request_id": response.headers["X-Request-ID"],
    }


@pytest.mark.parametrize("method", ["get", "head"])
def test_unusable_database_fails_without_a_word_of_the_exception(client, caplog, method):
    def refuse(execute, sql, params, many, context):
        raise OperationalError('connection to server at "db.internal" failed')

    with caplog.at_level(logging.WARNING), connection.execute_wrapper(refuse):
        response = getattr(client, method)("/health")

    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/health+json"
    assert response.headers["Cache-Control"] == "no-store"
    if method == "get":
        assert json.loads(response.content)["status"] == "fail"
    assert b"db.internal" not in response.content
    [record] = [record for record in caplog.records if record.name == outages.__name__]
    assert record.reason.startswith("OperationalError: ")


def test_database_that_cannot_be_opened_fails_and_is_well_again_once_it_can(client, database, tmp_path):
    folder = tmp_path / "absent"
    wrapper = database(folder / "db.sqlite3")

    failed = client.get("/health")
    folder.mkdir()
    make_migrated(folder / "db.sqlite3")
    recovered = client.get("/health")

    assert (failed.status_code, recovered.status_code) == (503, 200)
    assert wrapper.connection is not None


def lacking(number):
    return f"the database lacks {number} migration{'s' if number > 1 else ''}; run `manage.py migrate`"


def words_of(response):
    return response.status_code, response.json().get("output")


def lines(caplog):
    return [record.getMessage() for record in caplog.records if record.name == health_module.__name__]


def test_database_that_was_never_migrated_fails(client, database, tmp_path, caplog):
    database(tmp_path / "db.sqlite3")
    everything = lacking(len(migrations_of_this_release()))

    answers = {words_of(client.get("/health")) for _ in range(5)}

    assert answers == {(503, everything)}
    assert lines(caplog) == [everything]


@pytest.mark.parametrize(
    "missing",
    [
        {("configs", "0007_profile_served")},
        {("configs", "0007_profile_served"), ("devices", "0001_initial")},
        {("sessions", "0001_initial")},
    ],
)
def test_missing_migrations_are_counted_until_another_instance_has_applied_them(
    client, database, tmp_path, caplog, missing
):
    file = tmp_path / "db.sqlite3"
    make_migrated(file, without=frozenset(missing))
    database(file)

    before = {words_of(client.get("/health")) for _ in range(5)}
    with closing(sqlite3.connect(file)) as other:
        add_migrations(other, missing)
    after = words_of(client.get("/health"))

    assert before == {(503, lacking(len(missing)))}
    assert after == (200, None)
    assert lines(caplog) == [lacking(len(missing)), "the database has all migrations now"]


@pytest.mark.django_db(transaction=True)
def test_missing_tables_are_missing_migrations(client, caplog):
    """On the run's own database, of which one table is out of the way meanwhile."""
    recorder = MigrationRecorder(connection)
    name = "0001_initial"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE enrollments_bindingsnapshot RENAME TO out_of_the_way")
    recorder.record_unapplied("enrollments", name)
    try:
        answer = words_of(client.get("/health"))
    finally:
        recorder.record_applied("enrollments", name)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE out_of_the_way RENAME TO enrollments_bindingsnapshot")

    assert answer == (503, lacking(1))
    assert words_of(client.get("/health")) == (200, None)
    assert lines(caplog) == [lacking(1), "the database has all migrations now"]


def test_migrations_of_a_newer_release_are_none_of_ours(client, database, tmp_path, caplog):
    file = tmp_path / "db.sqlite3"
    make_migrated(file)
    with closing(sqlite3.connect(file)) as other:
        add_migrations(other, {("configs", "9999_of_tomorrow"), ("unheard_of", "0001_initial")})
    database(file)

    assert words_of(client.get("/health")) == (200, None)
    assert lines(caplog) == []


def test_squashed_migrations_are_there_when_all_that_they_replace_are(monkeypatch):
    replaced = frozenset({("a", "0001"), ("a", "0002")})
    monkeypatch.setattr(
        pending_migrations,
        "migrations_of_this_release",
        lambda: {("a", "0001_squashed_0002"): replaced, ("b", "1"): frozenset()},
    )

    assert pending_migrations.count_pending(replaced | {("b", "1")}) == 0
    assert pending_migrations.count_pending({("a", "0001"), ("b", "1")}) == 1
    assert pending_migrations.count_pending({("a", "0001_squashed_0002")}) == 1


def test_server_that_stops_is_not_ready_without_a_query(client, django_assert_num_queries):
    STOPPING.note(True)

    with django_assert_num_queries(0):
        response = client.get("/health")

    assert words_of(response) == (503, "this instance is stopping")


@pytest.mark.parametrize("stopping", [False, True])
def test_process_lives_whatever_becomes_of_its_database(client, django_assert_num_queries, stopping):
    STOPPING.note(stopping)

    with django_assert_num_queries(0):
        response = client.get("/health/live")

    assert response.status_code == 200
    assert response.json()["status"] == "pass"
    assert response.headers["Cache-Control"] == "no-store"


def test_an_outage_is_a_line_when_it_begins_and_one_when_it_ends(client, database, tmp_path, caplog):
    folder = tmp_path / "absent"
    database(folder / "db.sqlite3")

    for _ in range(5):
        client.get("/health")
    folder.mkdir()
    make_migrated(folder / "db.sqlite3")
    for _ in range(5):
        client.get("/health")

    lines = [record.getMessage() for record in caplog.records if record.name == outages.__name__]
    assert lines == ["the database cannot be used", "the database can be used again"]


def test_why_devices_wait_in_vain_is_told_without_a_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/health", **{DATABASE_TROUBLE: "a table is locked"})

    assert response.status_code == 503
    assert response.json()["status"] == "fail"
    assert response.json()["output"] == "a table is locked"


@pytest.mark.parametrize(
    ("raised", "output"),
    [
        (OperationalError("gone"), "the database does not answer; try again"),
        (ProgrammingError("no table"), "the tables of this release cannot be read in the database"),
        (
            NotSupportedError("PostgreSQL 14 or later is required (found 13.4)."),
            "the database is older than PostgreSQL 14, the first one that this service can use; tell its administrator",
        ),
    ],
)
def test_what_is_wrong_with_the_database_is_said_in_words(client, raised, output):
    def refuse(execute, sql, params, many, context):
        raise raised

    with connection.execute_wrapper(refuse):
        response = client.get("/health")

    assert response.json()["output"] == output


@pytest.mark.parametrize("cause", [DuplicatePreparedStatement(), InvalidSqlStatementName()])
def test_who_has_met_a_pooler_is_not_ready_until_the_setting_is_there(client, caplog, cause):
    error = ProgrammingError("prepared statement")
    error.__cause__ = cause
    sentence = "a pooler hands out other connections: set MG_BOOTSTRAP_DB_PREPARED_STATEMENTS=false"
    assert words_of(client.get("/health")) == (200, None)

    for _ in range(3):
        note_trouble(error)

    assert words_of(client.get("/health")) == (503, sentence)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [sentence]
