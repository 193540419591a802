"""A silent database: noticed, not waited for, and told apart from a slow statement."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from bootstrap_project import silence as silence_module
from bootstrap_project.places import NoPlace, Places, tell_lock
from bootstrap_project.silence import Silence, Trouble, ask_database
from tests.services.waiting import eventually

postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server")
WAIT_SECONDS = 20.0


class Asking:
    """A thread at a place that asks for something slow."""

    def __init__(self, places: Places, statement: str) -> None:
        self.result: Any = None
        self._places = places
        self._statement = statement
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()
        eventually(lambda: self._is_under_way() or not self._thread.is_alive())

    def _is_under_way(self) -> bool:
        (place,) = self._places._all
        return place.taken_at is not None and place.connection.connection is not None

    def wait_longer_than(self, seconds: float) -> None:
        eventually(lambda: bool(self._places.taken_for(seconds)))

    def _ask(self) -> None:
        try:
            with self._places.place(), connection.cursor() as cursor:
                cursor.execute(self._statement)
                self.result = cursor.fetchone()[0]
        except Exception as error:  # noqa: BLE001 - whatever it was, the test looks at it.
            self.result = error
        finally:
            self._places._all[0].connection.close()

    def join(self) -> Any:
        self._thread.join(WAIT_SECONDS)
        return self.result


@pytest.fixture
def no_sleepers() -> Iterator[None]:
    """A session whose client went away sleeps on, and would keep the test's database from being dropped."""
    yield
    with connection.cursor() as cursor:
        sleepers = "FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()"
        cursor.execute(f"SELECT pg_terminate_backend(pid) {sleepers}")

        def gone() -> bool:
            # A transaction sees the sessions that it has seen before.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(f"SELECT NOT EXISTS (SELECT 1 {sleepers})")
            return bool(cursor.fetchone()[0])

        eventually(gone)


@pytest.mark.django_db
@postgresql
def test_whoever_waits_for_a_silent_database_finds_the_connection_lost(caplog, no_sleepers):
    places = Places(1)
    silence = Silence(ask=lambda: Trouble.SILENT, patience=0)
    silence.look_after(devices=places)
    asking = Asking(places, "SELECT 1 FROM pg_sleep(60)")

    silence.look()

    assert isinstance(asking.join(), OperationalError)
    with pytest.raises(OperationalError, match="silent"):
        silence.require_answers()
    assert [record.levelname for record in caplog.records if record.name == silence_module.__name__] == ["ERROR"]


@pytest.mark.django_db
@postgresql
def test_whoever_came_just_before_the_question_does_not_wait_for_the_next_one(no_sleepers):
    long_there, just_come = Places(1), Places(1)
    patience = 0.5
    came: list[Asking] = []

    def ask_for_a_while() -> Trouble:
        came[1].wait_longer_than(patience)
        return Trouble.SILENT

    silence = Silence(ask=ask_for_a_while, patience=patience)
    silence.look_after(long_there, devices=just_come)
    came.append(Asking(long_there, "SELECT 1 FROM pg_sleep(60)"))
    came[0].wait_longer_than(patience)
    came.append(Asking(just_come, "SELECT 1 FROM pg_sleep(60)"))

    silence.look()

    assert all(isinstance(asking.join(), OperationalError) for asking in came)


@pytest.mark.django_db
@postgresql
def test_a_slow_statement_of_a_database_that_answers_is_left_alone():
    places = Places(1)
    silence = Silence(patience=0)
    silence.look_after(devices=places)
    asking = Asking(places, "SELECT 7 FROM pg_sleep(0.5)")

    silence.look()

    silence.require_answers()
    assert asking.join() == 7


def look_from_a_place(silence: Silence, places: Places) -> None:
    with places.place():
        silence.look()


def test_it_ends_when_the_database_speaks_though_nobody_waits():
    said: list[Trouble | None] = [None, Trouble.SILENT]
    places = Places(1)
    silence = Silence(ask=said.pop, patience=0)
    silence.look_after(devices=places)
    # In a thread of its own, whose connection it may take away.
    with ThreadPoolExecutor(1) as executor:
        executor.submit(look_from_a_place, silence, places).result()
    with pytest.raises(OperationalError):
        silence.require_answers()

    silence.look()

    silence.require_answers()
    assert not said


def test_nobody_is_asked_while_nobody_waits():
    silence = Silence(ask=lambda: pytest.fail("asked"), patience=0)
    silence.look_after(devices=Places(1))

    silence.look()


@pytest.mark.django_db
@pytest.mark.sqlite
def test_a_place_does_not_connect_while_the_database_is_silent():
    def refuse() -> None:
        raise OperationalError("the database is silent")

    asking = Asking(Places(1, may_connect=refuse), "SELECT 1")

    assert isinstance(asking.join(), OperationalError)


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port where connections are taken and nothing is said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.django_db(transaction=True)
@postgresql
@pytest.mark.parametrize("table", ["configs_config", "profiles_profile", "enrollments_bindingsnapshot"])
def test_a_table_that_is_locked_as_a_whole_is_trouble_and_a_change_to_it_is_none(table):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
        assert ask_database() is None
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        assert ask_database() is Trouble.LOCKED
    assert ask_database() is None


def test_devices_are_sent_away_from_a_locks_time_out_on_until_the_database_answers():
    places = Places(1)
    asked: list[Trouble | None] = [None, Trouble.LOCKED]
    silence = Silence(ask=asked.pop)
    silence.look_after(devices=places)

    def meet_a_lock() -> None:
        with places.place():
            tell_lock()

    with ThreadPoolExecutor(1) as executor:
        executor.submit(meet_a_lock).result()
        for _ in range(2):
            with pytest.raises(NoPlace, match="another change"):
                executor.submit(meet_a_lock).result()
            silence.look()

        assert silence.trouble is None
        executor.submit(meet_a_lock).result()


@pytest.mark.django_db
@postgresql
def test_what_counts_as_an_answer(settings, deaf_port, monkeypatch):
    monkeypatch.setattr(silence_module, "ANSWER_SECONDS", 1)
    assert ask_database() is None

    here = {name: connection.settings_dict[name] for name in ("HOST", "PORT", "NAME")}
    try:
        connection.settings_dict.update(HOST="127.0.0.1", PORT=str(deaf_port))
        assert ask_database() is Trouble.SILENT
        # Refused, or told that there is no such database: that is an answer.
        connection.settings_dict.update(HOST=here["HOST"], PORT="1")
        assert ask_database() is None
        connection.settings_dict.update(PORT=here["PORT"], NAME="no such database")
        assert ask_database() is None
    finally:
        connection.settings_dict.update(here)
