"""The envelope of every error, bugs included (docs/contract.md#b)."""

from __future__ import annotations

import json
import logging
import sqlite3

import pytest
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError
from django.test import Client
from psycopg.errors import (
    AdminShutdown,
    DeadlockDetected,
    DiskFull,
    DuplicatePreparedStatement,
    InsufficientPrivilege,
    InvalidSqlStatementName,
    IoError,
    LockNotAvailable,
    OutOfMemory,
    QueryCanceled,
    ReadOnlySqlTransaction,
    TooManyConnections,
    UndefinedColumn,
    UndefinedTable,
)

from bootstrap_project.database.trouble import POOLER_MET
from configs import services
from tests.support.api import told

PATHS = [
    "/",
    "/nowhere",
    "/a/b",
    "/d/clients",
    "/d/clients/configs/x/y",
    "/clients/bootstrap/secure/",
    "/%00",
    "/%ff",
    "/.env",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_an_unknown_path_is_told_in_json(db, method, path):
    answer = Client(raise_request_exception=False).generic(method, path)

    assert told(answer, 404) == "not found | "


def test_the_admin_answers_people_with_a_page(db):
    answer = Client(raise_request_exception=False).get("/admin/nowhere/")

    assert answer.status_code == 302
    assert answer["Content-Type"].startswith("text/html")


def test_a_bug_is_told_by_its_request_id_alone_and_logged_whole(api, monkeypatch, caplog):
    def broken(**_):
        raise RuntimeError("the secret is hunter2")

    monkeypatch.setattr("configs.views.create_config", broken)

    with caplog.at_level(logging.ERROR):
        answer = api.create_config()

    assert told(answer, 500).startswith("internal error")
    for word in (b"hunter2", b"Traceback", b"RuntimeError", b".py", b"broken"):
        assert word not in answer.content
    assert "hunter2" in caplog.text
    assert any(record.exc_info for record in caplog.records)


def test_a_bug_in_the_middle_of_authentication_is_told_the_same_way(api, monkeypatch):
    monkeypatch.setattr("bootstrap_project.api.authentication.identify_operator", lambda *_: 1 / 0)

    assert "internal error" in told(api.get("/clients/configs"), 500)


def test_a_bug_while_an_answer_is_written_is_told_in_json(api, monkeypatch):
    monkeypatch.setattr("bootstrap_project.api.renderers.dump_json", lambda _: 1 / 0)

    answer = api.get("/clients/configs")

    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/json"
    assert json.loads(answer.content)["message"] == "internal error"


def test_a_bug_in_a_plain_view_is_told_in_json(db, monkeypatch):
    monkeypatch.setattr("devices.views.bootstrap", lambda **_: 1 / 0)

    answer = Client(raise_request_exception=False).get("/clients/bootstrap/x", headers={"Authorization": "Client k"})

    assert "internal error" in told(answer, 500)
    assert b"ZeroDivisionError" not in answer.content


@pytest.mark.parametrize("debug", [True, False])
def test_debug_mode_shows_no_more_of_a_bug(api, monkeypatch, settings, debug):
    settings.DEBUG = debug
    monkeypatch.setattr("configs.views.get_config", lambda **_: dict[str, str]()["hunter2"])

    answer = api.get("/clients/configs/00000000-0000-4000-8000-000000000000")

    assert b"hunter2" not in answer.content
    told(answer, 500)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_does_not_answer_is_told_as_temporary(api, monkeypatch, error):
    def broken(**_):
        raise error("could not connect to 10.0.0.5 as user admin")

    monkeypatch.setattr("configs.views.get_config", broken)

    answer = api.get("/clients/configs/00000000-0000-4000-8000-000000000000")

    assert "temporarily unavailable" in told(answer, 503)
    assert int(answer["Retry-After"]) > 0
    assert b"10.0.0.5" not in answer.content


def test_a_database_that_takes_no_writes_is_temporary_too(api, monkeypatch):
    def broken(**_):
        error = InternalError("cannot execute INSERT in a read-only transaction")
        raise error from ReadOnlySqlTransaction()

    monkeypatch.setattr("configs.views.get_config", broken)

    answer = api.get("/clients/configs/00000000-0000-4000-8000-000000000000")

    assert "temporarily unavailable" in told(answer, 503)


def test_a_lock_that_somebody_holds_for_too_long_is_temporary_and_told(api, monkeypatch):
    def locked(**_):
        raise OperationalError("canceling statement due to lock timeout") from LockNotAvailable()

    monkeypatch.setattr("configs.views.get_config", locked)

    answer = api.get("/clients/configs/00000000-0000-4000-8000-000000000000")

    assert "temporarily unavailable" in told(answer, 503)
    assert "another change" in answer.json()["error"]
    assert int(answer["Retry-After"]) > 0


def failure(kind, cause, words="what the database said"):
    error = kind(words)
    error.__cause__ = cause
    return error


@pytest.fixture
def pooler_forgotten():
    yield
    POOLER_MET.note(False)


def sqlite_failure(code):
    cause = sqlite3.OperationalError("what SQLite said")
    cause.sqlite_errorcode = code
    return failure(OperationalError, cause)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (failure(OperationalError, DiskFull()), "no room left on its disk"),
        (failure(OperationalError, OutOfMemory()), "lacks memory"),
        (failure(OperationalError, TooManyConnections()), "no more connections"),
        (failure(OperationalError, None, "FATAL:  sorry, too many clients already"), "no more connections"),
        (failure(OperationalError, None, "FATAL:  remaining connection slots are reserved"), "no more connections"),
        (failure(OperationalError, None, "FATAL:  the database system is starting up"), "stopping or starting"),
        (failure(OperationalError, AdminShutdown()), "stopping or starting"),
        (failure(OperationalError, QueryCanceled()), "takes too long"),
        (failure(OperationalError, DeadlockDetected()), "another change"),
        (failure(OperationalError, IoError()), "cannot read or write its files"),
        (failure(InternalError, ReadOnlySqlTransaction()), "takes no changes"),
        (failure(ProgrammingError, DuplicatePreparedStatement()), "its pooler"),
        (failure(ProgrammingError, InvalidSqlStatementName()), "its pooler"),
        (failure(ProgrammingError, UndefinedTable()), "lacks tables or columns"),
        (failure(ProgrammingError, UndefinedColumn()), "lacks tables or columns"),
        (failure(OperationalError, None, "no such table: configs_config"), "lacks tables or columns"),
        (failure(OperationalError, None, "no such column: configs_config.x"), "lacks tables or columns"),
        (failure(ProgrammingError, InsufficientPrivilege()), "rights that it needs"),
        (sqlite_failure(sqlite3.SQLITE_FULL), "no room left on its disk"),
        (sqlite_failure(sqlite3.SQLITE_BUSY), "another change"),
        (sqlite_failure(sqlite3.SQLITE_READONLY), "takes no changes"),
        (sqlite_failure(sqlite3.SQLITE_IOERR_WRITE), "cannot read or write its files"),
    ],
)
@pytest.mark.usefixtures("pooler_forgotten")
def test_what_is_known_of_a_database_has_a_sentence_for_programs_people_and_devices(api, monkeypatch, error, words):
    def broken(*_args, **_more):
        raise error

    monkeypatch.setattr("configs.views.get_config", broken)
    monkeypatch.setattr("django.contrib.auth.views.LoginView.get", broken)
    monkeypatch.setattr("devices.queries.execute", broken)

    program = api.get("/clients/configs/00000000-0000-4000-8000-000000000000")
    people = Client(raise_request_exception=False).get("/admin/login/")
    device = Client().get("/clients/bootstrap/x", headers={"Authorization": "Client k"})

    assert words in told(program, 503)
    assert words in told(device, 503)
    assert people.status_code == 503
    assert words in people.content.decode()
    for answer in (program, people, device):
        assert int(answer["Retry-After"]) > 0
        assert b"database said" not in answer.content


@pytest.mark.parametrize(
    "path", ["/api/", "/api/openapi.json", "/api/openapi.yaml", "/health", "/health/live", "/metrics"]
)
@pytest.mark.parametrize("method", ["POST", "CONNECT", "DELETE"])
def test_a_page_that_can_only_be_read_refuses_other_methods_in_json(db, method, path):
    answer = Client().generic(method, path)

    assert told(answer, 405).startswith("method not allowed")
    assert answer["Content-Type"] == "application/json"
    assert "GET" in answer["Allow"]


def test_a_violated_constraint_that_nobody_expects_is_a_bug_and_not_a_conflict(api, monkeypatch):
    monkeypatch.setattr(services, "hash_external_key", lambda _: "")

    told(api.create_config(), 500)


def test_every_refusal_repeats_the_request_id_that_the_caller_gave(api):
    for path in ("/clients/configs/unknown", "/nowhere"):
        answer = api.get(path, headers={"X-Request-ID": "caller-0001"})
        told(answer, 404)
        assert answer["X-Request-ID"] == "caller-0001"


def test_every_answer_forbids_guessing_its_type(api):
    for path in ("/clients/configs", "/clients/configs/unknown", "/nowhere"):
        assert api.get(path)["X-Content-Type-Options"] == "nosniff"


def test_an_answers_error_is_escaped_like_any_other_text(api):
    answer = api.create_profile(content_template="{{ <script>")

    told(answer, 400)
    assert b"<script>" not in answer.content


@pytest.mark.parametrize(("error", "status"), [(OperationalError("away"), 503), (RuntimeError("a bug"), 500)])
def test_people_are_told_and_tracebacks_are_for_bugs_alone(db, monkeypatch, error, status):
    def fail(*_args, **_more):
        raise error

    monkeypatch.setattr("django.contrib.auth.views.LoginView.get", fail)
    passed: list[logging.LogRecord] = []
    monkeypatch.setattr(logging.getLogger("django.request"), "callHandlers", passed.append)

    answer = Client(raise_request_exception=False).get("/admin/login/")

    assert answer.status_code == status
    assert len([record for record in passed if record.exc_info]) == (1 if status == 500 else 0)
    assert len(passed) == (1 if status == 500 else 0)
