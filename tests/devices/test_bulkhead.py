"""The bulkhead: few calls of devices at once, in the order of arrival, each with its connection, and none in vain."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection, connections, transaction
from django.http import HttpResponse

from bootstrap_project.database.pool import connection_released
from bootstrap_project.database.time_limit import answered_within
from configs.models import Config
from devices import bulkhead as bulkhead_module
from devices.bulkhead import WORK_SECONDS, Bulkhead, NoPermit, note_answer, stop_waiting
from devices.wsgi import DeviceApplication
from tests.support.waiting import eventually
from tests.support.wsgi import Answer, call

WAIT_SECONDS = 10.0
postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server")


def own() -> object:
    """This thread's connection, as everything in a request finds it."""
    return connections["default"]


def run(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def close(bulkhead: Bulkhead) -> None:
    for one in bulkhead._free:
        one.close()


class Occupied:
    """A permit that another thread holds until it is told to go."""

    def __init__(self, bulkhead: Bulkhead, order: list[str], name: str) -> None:
        self._go = threading.Event()
        self._order, self._name = order, name
        self.thread = run(lambda: self._hold(bulkhead))

    def _hold(self, bulkhead: Bulkhead) -> None:
        with bulkhead.permit():
            self._order.append(self._name)
            self._go.wait(WAIT_SECONDS)

    def leave(self) -> None:
        self._go.set()
        self.thread.join(WAIT_SECONDS)


def test_no_more_than_there_are_permits_and_the_others_in_the_order_of_arrival():
    order: list[str] = []
    bulkhead = Bulkhead(2)
    first, second = Occupied(bulkhead, order, "first"), Occupied(bulkhead, order, "second")
    eventually(lambda: len(order) == 2)
    third = Occupied(bulkhead, order, "third")
    eventually(lambda: len(bulkhead._waiting) == 1)
    fourth = Occupied(bulkhead, order, "fourth")
    eventually(lambda: len(bulkhead._waiting) == 2)
    assert sorted(order) == ["first", "second"]

    second.leave()
    eventually(lambda: len(order) == 3)
    first.leave()
    eventually(lambda: len(order) == 4)

    assert order[2:] == ["third", "fourth"]
    third.leave()
    fourth.leave()


def test_a_connection_goes_with_the_permit_and_not_with_the_thread():
    bulkhead, seen = Bulkhead(1), []

    def work() -> None:
        before = own()
        with bulkhead.permit():
            seen.append(own())
            assert own() is not before

    for _ in range(2):
        run(work).join(WAIT_SECONDS)

    assert len(seen) == 2
    assert seen[0] is seen[1]


def test_an_error_gives_the_permit_back():
    bulkhead, seen = Bulkhead(1), []

    def fail() -> None:
        with contextlib.suppress(ZeroDivisionError), bulkhead.permit():
            raise ZeroDivisionError
        with bulkhead.permit() as was_crowded:
            seen.append(was_crowded)

    run(fail).join(WAIT_SECONDS)

    assert seen == [False]


def test_somebody_else_has_a_permit_that_is_released():
    bulkhead, order = Bulkhead(1), []

    def work() -> None:
        with bulkhead.permit():
            order.append("in")
            with connection_released():
                other = Occupied(bulkhead, order, "other")
                eventually(lambda: "other" in order)
                other.leave()
            order.append("in again")

    run(work).join(WAIT_SECONDS)

    assert order == ["in", "other", "in again"]


def test_whoever_comes_back_goes_before_those_who_are_new():
    order: list[str] = []
    bulkhead = Bulkhead(1)
    back = threading.Event()

    def work() -> None:
        with bulkhead.permit():
            with connection_released():
                order.append("out")
                back.wait(WAIT_SECONDS)
            order.append("in again")

    first = run(work)
    eventually(lambda: "out" in order)
    second = Occupied(bulkhead, order, "second")
    eventually(lambda: "second" in order)
    third = Occupied(bulkhead, order, "third")
    eventually(lambda: len(bulkhead._waiting) == 1)
    back.set()
    eventually(lambda: len(bulkhead._waiting) == 2)

    second.leave()
    first.join(WAIT_SECONDS)
    eventually(lambda: "third" in order)

    assert order == ["out", "second", "in again", "third"]
    third.leave()


def wait_in_vain(bulkhead: Bulkhead, refused: list[str], seconds: float = WAIT_SECONDS) -> threading.Thread:
    def work() -> None:
        try:
            with answered_within(seconds), bulkhead.permit():
                refused.append("")
        except NoPermit as error:
            refused.append(error.detail)

    return run(work)


def test_nobody_waits_without_an_end():
    order: list[str] = []
    refused: list[str] = []
    bulkhead = Bulkhead(1)
    holder = Occupied(bulkhead, order, "holder")
    eventually(lambda: order == ["holder"])

    for thread in [wait_in_vain(bulkhead, refused, WORK_SECONDS + 0.1) for _ in range(3)]:
        thread.join(WAIT_SECONDS)

    assert len(refused) == 3
    assert all(refused)
    assert not bulkhead._waiting
    # Whoever gave up got no permit, and so keeps none.
    holder.leave()
    assert len(bulkhead._free) == 1


def test_whoever_comes_back_too_late_is_refused_and_keeps_no_permit():
    order: list[str] = []
    refused: list[str] = []
    bulkhead = Bulkhead(1)

    def work() -> None:
        try:
            with answered_within(WORK_SECONDS + 0.2), bulkhead.permit(), connection_released():
                order.append("out")
                eventually(lambda: "holder" in order)
        except NoPermit as error:
            refused.append(error.detail)

    thread = run(work)
    eventually(lambda: "out" in order)
    holder = Occupied(bulkhead, order, "holder")
    thread.join(WAIT_SECONDS)

    assert refused
    holder.leave()
    assert len(bulkhead._free) == 1


# Trouble.


def hold(bulkhead: Bulkhead, what: Callable[[], None]) -> str:
    """Hold a permit in a thread of its own; return why there was none, "" where there was one."""
    told: list[str] = []

    def work() -> None:
        try:
            with bulkhead.permit():
                what()
                told.append("")
        except NoPermit as error:
            told.append(error.detail)

    run(work).join(WAIT_SECONDS)
    return told[0]


def test_after_a_statement_that_waited_in_vain_all_are_sent_away_until_one_is_answered(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(bulkhead_module, "monotonic", lambda: now[0])
    order: list[str] = []
    refused: list[str] = []
    bulkhead = Bulkhead(2)
    holder = Occupied(bulkhead, order, "holder")
    eventually(lambda: order == ["holder"])
    second = Occupied(bulkhead, order, "second")
    eventually(lambda: len(order) == 2)
    waiting = [wait_in_vain(bulkhead, refused) for _ in range(3)]
    eventually(lambda: len(bulkhead._waiting) == 3)

    bulkhead.stop_waiting("no use")
    for thread in waiting:
        thread.join(WAIT_SECONDS)
    assert refused == ["no use"] * 3
    holder.leave()
    second.leave()

    # Nobody tries so soon, then one after the other does, and one who asked nothing leaves it to the next.
    assert hold(bulkhead, lambda: None) == "no use"
    now[0] += bulkhead_module.TRY_AGAIN_SECONDS
    assert hold(bulkhead, lambda: None) == ""
    trying = Occupied(bulkhead, order, "trying")
    eventually(lambda: "trying" in order)
    assert hold(bulkhead, lambda: None) == "no use"
    trying.leave()
    assert hold(bulkhead, lambda: stop_waiting("still no use")) == ""
    assert hold(bulkhead, lambda: None) == "still no use"
    now[0] += bulkhead_module.TRY_AGAIN_SECONDS
    assert hold(bulkhead, note_answer) == ""
    free = [Occupied(bulkhead, order, name) for name in ("one", "other")]
    eventually(lambda: {"one", "other"} <= set(order))
    for one in free:
        one.leave()


# Connections.


def test_within_a_transaction_the_permit_is_kept(transactional_db):
    bulkhead, seen = Bulkhead(1), []

    def work() -> None:
        with bulkhead.permit(), transaction.atomic():
            mine = own()
            with connection_released():
                seen.append(own() is mine and not bulkhead._free)
        close(bulkhead)

    run(work).join(WAIT_SECONDS)

    assert seen == [True]


def test_released_means_nothing_outside_of_the_server():
    before = own()

    with connection_released():
        assert own() is before


def test_a_permit_s_connection_reads(transactional_db):
    bulkhead, seen = Bulkhead(1), []

    def work() -> None:
        with bulkhead.permit(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            seen.append(cursor.fetchone())
        close(bulkhead)

    run(work).join(WAIT_SECONDS)

    assert seen == [(1,)]


def pid_here() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


@postgresql
def test_whoever_comes_back_to_a_connection_that_was_lost_meanwhile_gets_a_fresh_one(transactional_db):
    order: list[str] = []
    bulkhead, pids = Bulkhead(2), []

    def meet(barrier: threading.Barrier) -> None:
        with bulkhead.permit():
            pids.append(pid_here())
            barrier.wait(WAIT_SECONDS)

    def work() -> None:
        with bulkhead.permit():
            # What Django does as a request begins, with the connection held then alone.
            close_old_connections()
            pids.append(pid_here())
            with connection_released():
                other = Occupied(bulkhead, order, "other")
                eventually(lambda: "other" in order)
            try:
                pids.append(pid_here())
            finally:
                other.leave()

    barrier = threading.Barrier(2)
    for thread in [run(partial(meet, barrier)) for _ in range(2)]:
        thread.join(WAIT_SECONDS)
    with connection.cursor() as cursor:
        for pid in pids:
            cursor.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])
    run(work).join(WAIT_SECONDS)
    close(bulkhead)

    assert len(set(pids)) == 4


def limits_here() -> tuple[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
        return tuple(cursor.fetchone())


@postgresql
def test_the_database_ends_what_takes_longer_than_the_bulkhead_says(transactional_db):
    bulkhead, refused, told = Bulkhead(1, statement_seconds=2.5, lock_seconds=1), [], []

    def work() -> None:
        with bulkhead.permit():
            try:
                Config.objects.exists()
            except OperationalError as error:
                refused.append(error.__cause__)
            # Also after the rollback of a transaction, and on the connection that comes after a lost one.
            with transaction.atomic():
                transaction.set_rollback(True)
            told.append(limits_here())
            connection.close()
            told.append(limits_here())
            connection.close()

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE configs_config IN ACCESS EXCLUSIVE MODE")
        run(work).join(WAIT_SECONDS)

    assert [type(error) for error in refused] == [psycopg.errors.LockNotAvailable]
    assert told == [("1s", "2500ms"), ("1s", "2500ms")]
    assert limits_here() == ("0", "0")


@postgresql
def test_nothing_is_said_where_a_pooler_would_pass_it_on(transactional_db):
    bulkhead, told = Bulkhead(1), []

    def work() -> None:
        with bulkhead.permit():
            connection.settings_dict["OPTIONS"]["prepare_threshold"] = None
            told.append(limits_here())
            connection.close()

    run(work).join(WAIT_SECONDS)

    assert told == [("0", "0")]


# Over WSGI.


class Slow:
    """A view that answers when it is told to, and an application for everybody else."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.inside: list[str] = []

    def answer(self, request: Any) -> HttpResponse:
        self.inside.append(request.path_info)
        self.go.wait(WAIT_SECONDS)
        return HttpResponse("x")

    def __call__(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        self.inside.append(environ["PATH_INFO"])
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"x"]


@pytest.fixture
def slow():
    application = Slow()
    yield application
    application.go.set()


def device_application(slow: Slow, bulkhead: Bulkhead) -> DeviceApplication:
    application = DeviceApplication(slow, bulkhead)
    application._answer = slow.answer  # type: ignore[assignment]
    return application


@pytest.mark.parametrize("path", ["/health", "/metrics", "/static/x.css", "/d/clients/configs", "/admin/"])
def test_a_crowd_of_devices_holds_up_nobody_else(slow, path):
    bulkhead = Bulkhead(1)
    application = device_application(slow, bulkhead)
    threads = [run(lambda: call(application, "/clients/bootstrap/x")) for _ in range(20)]
    eventually(lambda: len(bulkhead._waiting) == 19)

    assert call(application, path).status == 200

    assert slow.inside.count("/clients/bootstrap/x") == 1
    slow.go.set()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert slow.inside.count("/clients/bootstrap/x") == 20


def test_what_only_begins_like_a_device_s_call_waits_for_no_permit(slow):
    bulkhead = Bulkhead(1)
    application = device_application(slow, bulkhead)
    holder = run(lambda: call(application, "/clients/bootstrap/x"))
    eventually(lambda: bool(slow.inside))

    assert call(application, "/clients/bootstrap/a/b").status == 200

    slow.go.set()
    holder.join(WAIT_SECONDS)


def test_devices_in_a_crowd_are_told_to_close(slow):
    answered: list[Answer] = []
    bulkhead = Bulkhead(1, crowd=1)
    application = device_application(slow, bulkhead)
    threads = []
    for number in range(3):
        threads.append(run(lambda: answered.append(call(application, "/clients/bootstrap/x"))))
        eventually(lambda: bool(slow.inside) and len(bulkhead._waiting) == number)  # noqa: B023

    slow.go.set()
    for thread in threads:
        thread.join(WAIT_SECONDS)

    assert [answer.headers.get("Connection") for answer in answered] == [None, None, "close"]


def test_a_device_for_which_there_is_no_permit_is_told_when_to_come_back(slow):
    bulkhead = Bulkhead(1)
    bulkhead.stop_waiting("no use")

    answer = call(DeviceApplication(slow, bulkhead), "/clients/bootstrap/x", headers={"Authorization": "Client key"})

    assert (answer.status, answer.headers["Retry-After"], answer.headers["Connection"]) == (503, "2", "close")
    assert b"no use" in answer.body
