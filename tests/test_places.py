"""Places: few at once, in the order of arrival, each with its connection; and who waits for which of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from functools import partial
from ipaddress import ip_network
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, close_old_connections, connection, connections, transaction

from bootstrap_project import reception as reception_module
from bootstrap_project.acquaintances import Acquaintances
from bootstrap_project.observability.health import DATABASE_ANSWERS
from bootstrap_project.places import WORK_SECONDS, NoPlace, Places, _in_time, outside
from bootstrap_project.reception import PROOF_SECONDS, Reception
from configs.models import Config
from tests.services.waiting import eventually

WAIT_SECONDS = 10.0


def own() -> object:
    """This thread's connection, as everything in a request finds it."""
    return connections["default"]


def run(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


class Occupied:
    """A place that another thread holds until it is told to go."""

    def __init__(self, places: Places, order: list[str], name: str) -> None:
        self._go = threading.Event()
        self._order, self._name = order, name
        self.thread = run(lambda: self._hold(places))

    def _hold(self, places: Places) -> None:
        with places.place():
            self._order.append(self._name)
            self._go.wait(WAIT_SECONDS)

    def leave(self) -> None:
        self._go.set()
        self.thread.join(WAIT_SECONDS)


def test_no_more_than_there_are_places_and_the_others_in_the_order_of_arrival():
    order: list[str] = []
    places = Places(2)
    first, second = Occupied(places, order, "first"), Occupied(places, order, "second")
    eventually(lambda: len(order) == 2)
    third = Occupied(places, order, "third")
    eventually(lambda: len(places._waiting) == 1)
    fourth = Occupied(places, order, "fourth")
    eventually(lambda: len(places._waiting) == 2)
    assert order == ["first", "second"] or order == ["second", "first"]

    second.leave()
    eventually(lambda: len(order) == 3)
    first.leave()
    eventually(lambda: len(order) == 4)

    assert order[2:] == ["third", "fourth"]
    third.leave()
    fourth.leave()


def test_a_place_tells_whether_there_was_a_crowd():
    places = Places(2, crowd=2)
    seen: dict[int, bool] = {}

    def work(number: int) -> None:
        with places.place() as was_crowded:
            seen[number] = was_crowded

    order: list[str] = []
    holders = [Occupied(places, order, name) for name in ("first", "second")]
    eventually(lambda: len(order) == 2)
    threads = []
    for number in range(4):
        threads.append(run(partial(work, number)))
        eventually(lambda: len(places._waiting) == len(threads))
    for holder in holders:
        holder.leave()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    run(partial(work, 4)).join(WAIT_SECONDS)

    assert seen == {0: False, 1: False, 2: True, 3: True, 4: False}


def test_a_connection_goes_with_the_place_and_not_with_the_thread():
    places, seen = Places(1), []

    def work() -> None:
        before = own()
        with places.place():
            seen.append(own())
            assert own() is not before

    for _ in range(2):
        run(work).join(WAIT_SECONDS)

    assert len(seen) == 2
    assert seen[0] is seen[1]


def test_an_error_gives_the_place_back():
    places, seen = Places(1), []

    def fail() -> None:
        with contextlib.suppress(ZeroDivisionError), places.place():
            raise ZeroDivisionError
        with places.place() as was_crowded:
            seen.append(was_crowded)

    run(fail).join(WAIT_SECONDS)

    assert seen == [False]


def test_outside_somebody_else_has_the_place():
    places, order = Places(1), []

    def work() -> None:
        with places.place():
            order.append("in")
            with outside():
                other = Occupied(places, order, "other")
                eventually(lambda: "other" in order)
                other.leave()
            order.append("in again")

    run(work).join(WAIT_SECONDS)

    assert order == ["in", "other", "in again"]


def test_whoever_comes_back_goes_before_those_who_are_new():
    order: list[str] = []
    places = Places(1)
    back = threading.Event()

    def work() -> None:
        with places.place():
            with outside():
                order.append("out")
                back.wait(WAIT_SECONDS)
            order.append("in again")

    first = run(work)
    eventually(lambda: "out" in order)
    second = Occupied(places, order, "second")
    eventually(lambda: "second" in order)
    third = Occupied(places, order, "third")
    eventually(lambda: len(places._waiting) == 1)
    back.set()
    eventually(lambda: len(places._preferred) == 1)

    second.leave()
    first.join(WAIT_SECONDS)
    eventually(lambda: "third" in order)

    assert order == ["out", "second", "in again", "third"]
    third.leave()


def test_the_preferred_go_first_and_leave_every_other_place_to_the_rest():
    order: list[str] = []
    places = Places(1)
    holder = Occupied(places, order, "holder")
    eventually(lambda: order == ["holder"])

    def work(name: str, *, preferred: bool) -> None:
        with places.place(preferred=preferred):
            order.append(name)

    threads = []
    for kind in ("new", "known"):
        for number in range(3):
            threads.append(run(partial(work, f"{kind} {number}", preferred=kind == "known")))
            eventually(lambda: len(places._waiting) + len(places._preferred) == len(threads))
    holder.leave()
    for thread in threads:
        thread.join(WAIT_SECONDS)

    assert order == ["holder", "known 0", "new 0", "known 1", "new 1", "known 2", "new 2"]


def wait_in_vain(places: Places, refused: list[str]) -> threading.Thread:
    def work() -> None:
        try:
            with places.place():
                refused.append("")
        except NoPlace as error:
            refused.append(error.detail)

    return run(work)


@pytest.mark.parametrize("limit", ["wait_seconds", "answer_seconds"])
def test_nobody_waits_without_an_end(limit):
    order: list[str] = []
    refused: list[str] = []
    by_wait, by_answer = Places(1, wait_seconds=0.1), Places(1, answer_seconds=WORK_SECONDS + 0.1)
    places = by_wait if limit == "wait_seconds" else by_answer
    holder = Occupied(places, order, "holder")
    eventually(lambda: order == ["holder"])

    for thread in [wait_in_vain(places, refused) for _ in range(3)]:
        thread.join(WAIT_SECONDS)

    assert len(refused) == 3
    assert all(refused)
    assert not places._waiting
    # Whoever gave up got no place, and so keeps none.
    holder.leave()
    assert len(places._free) == 1


def test_whoever_comes_back_too_late_is_refused_and_keeps_no_place():
    order: list[str] = []
    refused: list[str] = []
    places = Places(1, wait_seconds=0.1)

    def work() -> None:
        try:
            with places.place(), outside():
                order.append("out")
                eventually(lambda: "holder" in order)
        except NoPlace as error:
            refused.append(error.detail)

    thread = run(work)
    eventually(lambda: "out" in order)
    holder = Occupied(places, order, "holder")
    thread.join(WAIT_SECONDS)

    assert refused
    holder.leave()
    assert len(places._free) == 1


def test_closed_places_send_away_who_waits_and_who_comes_until_they_are_open():
    order: list[str] = []
    refused: list[str] = []
    places = Places(1)
    holder = Occupied(places, order, "holder")
    eventually(lambda: order == ["holder"])
    waiting = [wait_in_vain(places, refused) for _ in range(3)]
    eventually(lambda: len(places._waiting) == 3)

    places.close("no use")
    for thread in [*waiting, wait_in_vain(places, refused)]:
        thread.join(WAIT_SECONDS)
    assert refused == ["no use"] * 4

    places.open()
    holder.leave()
    wait_in_vain(places, refused).join(WAIT_SECONDS)
    assert refused[4:] == [""]


@pytest.mark.parametrize(("left", "seconds"), [(60, 5), (4, 3), (2, None)])
def test_a_connection_is_not_waited_for_longer_than_there_is_time(left, seconds):
    places, given = Places(1, answer_seconds=left), []
    place = places._all[0].connection

    def work() -> None:
        with places.place():
            try:
                given.append(_in_time({"connect_timeout": 5})["connect_timeout"])
            except OperationalError:
                given.append(None)

    run(work).join(WAIT_SECONDS)
    place.close()

    assert given == [seconds]


def test_within_a_transaction_the_place_is_kept(transactional_db):
    places, seen = Places(1), []

    def work() -> None:
        with places.place(), transaction.atomic():
            mine = own()
            with outside():
                seen.append(own() is mine and not places._free)
        places._free[0].connection.close()

    run(work).join(WAIT_SECONDS)

    assert seen == [True]


def test_outside_means_nothing_without_a_place():
    before = own()

    with outside():
        assert own() is before


def test_a_place_reads_and_writes(transactional_db):
    places, seen = Places(1), []

    def work() -> None:
        with places.place(), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            seen.append(cursor.fetchone())
        places._free[0].connection.close()

    run(work).join(WAIT_SECONDS)

    assert seen == [(1,)]


def pid_here() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def terminate(pids: list[int]) -> None:
    with connection.cursor() as cursor:
        for pid in pids:
            cursor.execute("SELECT pg_terminate_backend(%s, 2000)", [pid])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server")
def test_whoever_comes_back_to_a_connection_that_was_lost_meanwhile_gets_a_fresh_one(transactional_db):
    order: list[str] = []
    places, pids = Places(2), []

    def meet(barrier: threading.Barrier) -> None:
        with places.place():
            pids.append(pid_here())
            barrier.wait(WAIT_SECONDS)

    def work() -> None:
        with places.place():
            # What Django does as a request begins, with the connection held then alone.
            close_old_connections()
            pids.append(pid_here())
            with outside():
                other = Occupied(places, order, "other")
                eventually(lambda: "other" in order)
            try:
                pids.append(pid_here())
            finally:
                other.leave()

    barrier = threading.Barrier(2)
    for thread in [run(partial(meet, barrier)) for _ in range(2)]:
        thread.join(WAIT_SECONDS)
    terminate(pids)
    run(work).join(WAIT_SECONDS)
    for place in places._all:
        place.connection.close()

    assert len(set(pids)) == 4


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server")
def test_a_body_made_at_a_place_whose_connection_was_lost_meanwhile_gets_a_fresh_one(transactional_db):
    places, pids = Places(1), []

    def work() -> None:
        with places.place():
            pids.append(pid_here())

    run(work).join(WAIT_SECONDS)
    terminate(pids)
    run(work).join(WAIT_SECONDS)
    places._all[0].connection.close()

    assert len(set(pids)) == 2


def lock_timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server")
def test_a_lock_is_not_waited_for_longer_than_the_place_says(transactional_db):
    places, refused, told = Places(1, lock_timeout_seconds=1), [], []

    def work() -> None:
        with places.place():
            try:
                Config.objects.exists()
            except OperationalError as error:
                refused.append(error.__cause__)
            # Also after the rollback of a transaction, and on the connection that comes after a lost one.
            with transaction.atomic():
                transaction.set_rollback(True)
            told.append(lock_timeout())
            connection.close()
            told.append(lock_timeout())
            connection.close()

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE configs_config IN ACCESS EXCLUSIVE MODE")
        run(work).join(WAIT_SECONDS)

    assert [type(error) for error in refused] == [psycopg.errors.LockNotAvailable]
    assert told == ["1s", "1s"]
    assert lock_timeout() == "0"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server")
@pytest.mark.parametrize(("seconds", "prepared"), [(0, True), (5, False)])
def test_the_wait_for_locks_is_the_database_s_own_where_it_is_off_or_a_pooler_would_pass_it_on(
    transactional_db, seconds, prepared
):
    places, told = Places(1, lock_timeout_seconds=seconds), []
    place = places._all[0].connection
    options = place.settings_dict["OPTIONS"] | ({} if prepared else {"prepare_threshold": None})
    place.settings_dict = place.settings_dict | {"OPTIONS": options}

    def work() -> None:
        with places.place():
            told.append(lock_timeout())
            connection.close()

    run(work).join(WAIT_SECONDS)

    assert told == ["0"]


# --- Who waits for which ---------------------------------------------------------------------------------------------


def start_response(_status: str, _headers: list[tuple[str, str]], *_rest: object) -> None:
    """Take what is answered, and do nothing with it."""


class Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.inside: list[str] = []

    def __call__(self, environ, start):
        self.inside.append(environ["PATH_INFO"])
        self.go.wait(WAIT_SECONDS)
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"x"]


@pytest.fixture
def slow():
    application = Slow()
    yield application
    application.go.set()


@pytest.mark.parametrize("path", ["/health", "/metrics", "/static/x.css", "/d/clients/configs", "/admin/"])
def test_a_crowd_of_devices_holds_up_nobody_else(slow, path):
    reception = Reception(slow, devices=1, others=1)
    threads = [run(lambda: reception({"PATH_INFO": "/clients/bootstrap/x"}, start_response)) for _ in range(20)]
    eventually(lambda: len(reception._devices._waiting) == 19)

    threads.append(run(lambda: reception({"PATH_INFO": path}, start_response)))
    eventually(lambda: path in slow.inside)

    assert slow.inside.count("/clients/bootstrap/x") == 1
    slow.go.set()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert slow.inside.count("/clients/bootstrap/x") == 20


def test_busy_operators_hold_up_neither_devices_nor_health(slow):
    reception = Reception(slow, devices=1, others=1)
    for _ in range(5):
        run(lambda: reception({"PATH_INFO": "/d/clients/configs"}, start_response))
    eventually(lambda: len(reception._others._waiting) == 4)

    for path in ("/clients/bootstrap/x", "/health"):
        run(partial(reception, {"PATH_INFO": path}, start_response))
        eventually(partial(slow.inside.__contains__, path))


def _is_waiting(reception: Reception, slow: Slow, number: int) -> bool:
    return bool(slow.inside) and len(reception._devices._waiting) == number


def test_devices_in_a_crowd_are_told_to_close(slow):
    answered: list[dict[str, str]] = []

    def start(_status: str, headers: list[tuple[str, str]], *_rest: object) -> None:
        answered.append(dict(headers))

    reception = Reception(slow, devices=1, others=1, crowd=1)
    threads = []
    for number in range(3):
        threads.append(run(lambda: reception({"PATH_INFO": "/clients/bootstrap/x"}, start)))
        eventually(partial(_is_waiting, reception, slow, number))

    slow.go.set()
    for thread in threads:
        thread.join(WAIT_SECONDS)

    assert [headers.get("Connection") for headers in answered] == [None, None, "close"]


class Answering:
    """An application that answers each path with the status that stands for it, and holds the path `/hold` up."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.statuses: dict[str, str] = {}
        self.inside: list[tuple[str, str]] = []

    def __call__(self, environ, start):
        path = environ["PATH_INFO"].removeprefix("/clients/bootstrap")
        self.inside.append((path, environ["REMOTE_ADDR"]))
        if path == "/hold":
            self.go.wait(WAIT_SECONDS)
        start(self.statuses.get(path, "403 Forbidden"), [])
        return []


def call(reception: Reception, path: str, source: str) -> None:
    reception({"PATH_INFO": f"/clients/bootstrap{path}", "REMOTE_ADDR": source}, lambda *_args: None)


@pytest.mark.parametrize(
    ("last", "first_in_line"),
    [("200 OK", True), ("304 Not Modified", True), ("403 Forbidden", False), ("503 Service Unavailable", False)],
)
def test_a_device_whose_last_call_went_well_goes_before_strangers(last, first_in_line):
    application = Answering()
    reception = Reception(application, devices=1, others=1)
    application.statuses = {"/pi": "200 OK"}
    call(reception, "/pi", "10.0.0.1")
    application.statuses = {"/pi": last}
    call(reception, "/pi", "10.0.0.1")
    application.inside.clear()

    threads = []
    callers = [("/hold", "10.0.0.9"), ("/new", "10.0.0.2"), ("/pi", "10.0.0.66"), ("/pi", "10.0.0.1")]
    for number, caller in enumerate(callers):
        threads.append(run(partial(call, reception, *caller)))
        queues = reception._devices
        eventually(lambda: bool(application.inside) and len(queues._waiting) + len(queues._preferred) == number)  # noqa: B023
    application.go.set()
    for thread in threads:
        thread.join(WAIT_SECONDS)

    # The same id from another address is nobody we know.
    strangers = [("/new", "10.0.0.2"), ("/pi", "10.0.0.66")]
    device = [("/pi", "10.0.0.1")]
    assert application.inside[1:] == (device + strangers if first_in_line else strangers + device)


@pytest.mark.parametrize(
    ("answer", "proves"), [("200 OK", True), ("304 Not Modified", True), ("403 Forbidden", False), ("503 Busy", False)]
)
def test_a_device_that_was_served_proves_for_a_moment_that_the_database_answers(monkeypatch, answer, proves):
    now, told = [100.0], []
    monkeypatch.setattr(reception_module, "monotonic", lambda: now[0])

    def application(environ, start):
        told.append(DATABASE_ANSWERS in environ)
        start(answer, [])
        return []

    reception = Reception(application, devices=1, others=1)

    def work() -> None:
        for path in ("/health", "/clients/bootstrap/pi", "/health", "/d/clients/configs"):
            reception({"PATH_INFO": path}, start_response)
        now[0] += PROOF_SECONDS + 0.1
        reception({"PATH_INFO": "/health"}, start_response)

    run(work).join(WAIT_SECONDS)

    assert told == [False, False, proves, False, False]


def test_behind_a_proxy_a_device_is_known_by_its_own_address(settings):
    settings.TRUSTED_PROXIES = (ip_network("10.0.0.9"),)
    application = Answering()
    application.statuses = {"/pi": "200 OK"}
    reception = Reception(application, devices=1, others=1)

    def call_from(source: str) -> None:
        environ = {"PATH_INFO": "/clients/bootstrap/pi", "REMOTE_ADDR": "10.0.0.9", "HTTP_X_FORWARDED_FOR": source}
        reception(environ, lambda *_args: None)

    run(lambda: call_from("192.0.2.1")).join(WAIT_SECONDS)
    application.statuses = {}
    run(lambda: call_from("192.0.2.66")).join(WAIT_SECONDS)

    # The wrong key of a stranger who knows the id makes nobody forget the device.
    assert hash(("192.0.2.1", "/clients/bootstrap/pi")) in reception._acquaintances
    assert len(reception._acquaintances) == 1


def test_acquaintances_are_bounded_and_who_called_longest_ago_is_forgotten():
    known = Acquaintances(4)
    for caller in range(100):
        known.note(caller, well=True)
        known.note(1000, well=True)
        assert len(known) <= 4

    assert {99, 1000} <= {caller for caller in [*range(100), 1000] if caller in known}
    assert 90 not in known


def test_an_acquaintance_who_fails_is_one_no_longer():
    known = Acquaintances(4)
    for caller in (1, 2, 3):
        known.note(caller, well=True)
    for caller in (1, 3):
        known.note(caller, well=False)

    assert [caller in known for caller in (1, 2, 3)] == [False, True, False]


def test_a_body_that_is_made_while_it_is_sent_has_a_place_then():
    seen: list[object] = []

    class Body:
        streaming = True
        closed = False

        def __iter__(self):
            seen.append(own())
            yield b"x"

        def close(self):
            self.closed = True

    body = Body()
    reception = Reception(lambda _environ, _start: body, devices=1, others=1)

    def work() -> None:
        answer: Any = reception({"PATH_INFO": "/d"}, start_response)
        assert reception._others._free
        assert b"".join(answer) == b"x"
        answer.close()

    run(work).join(WAIT_SECONDS)

    assert body.closed
    assert seen == [reception._others._free[0].connection]


def test_who_goes_away_in_the_middle_of_a_body_leaves_its_place():
    class Body:
        streaming = True

        def __iter__(self):
            yield b"x"
            yield b"y"

        def close(self):
            pass

    reception = Reception(lambda _environ, _start: Body(), devices=1, others=1)
    free: list[int] = []

    def work() -> None:
        answer: Any = reception({"PATH_INFO": "/d"}, start_response)
        assert next(iter(answer)) == b"x"
        free.append(len(reception._others._free))
        answer.close()
        free.append(len(reception._others._free))

    run(work).join(WAIT_SECONDS)

    total = len(reception._others._all)
    assert free == [total - 1, total]
