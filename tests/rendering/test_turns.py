"""Tenants whose templates take long take turns, and nobody else waits for them."""

import threading

import pytest

from bootstrap_project.rendering import turns as module
from bootstrap_project.rendering.turns import CREDIT_SECONDS, FORGIVEN_A_SECOND, FREE_SECONDS, NoTurn, Turns


class Times:
    """A clock and a processor that tests move; pauses are noted and move the clock."""

    def __init__(self):
        self.now = 100.0
        self.worked = 0.0
        self.pauses = []

    def pause(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def times():
    return Times()


@pytest.fixture
def turns(times):
    return Turns(clock=lambda: times.now, work=lambda: times.worked, pause=times.pause)


def work(turns, times, domain, seconds):
    with turns.work_for(domain):
        times.worked += seconds
        times.now += seconds


def test_usual_renderings_owe_nothing_however_many(turns, times):
    for _ in range(10_000):
        work(turns, times, "a", FREE_SECONDS * 0.9)

    assert not turns.owes("a")
    assert times.pauses == []


def test_a_tenant_whose_work_takes_long_owes_and_the_others_do_not(turns, times):
    work(turns, times, "b", CREDIT_SECONDS + 2 * FREE_SECONDS)

    assert turns.owes("b")
    assert not turns.owes("a")


def test_what_is_owed_is_forgiven_with_time(turns, times):
    for _ in range(50):
        work(turns, times, "b", 10.0)

    times.now += module.MAX_OWED_SECONDS / FORGIVEN_A_SECOND

    assert not turns.owes("b")


def test_work_that_fails_is_charged_as_well(turns, times):
    def fail():
        times.worked += 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), turns.work_for("b"):
        fail()

    assert turns.owes("b")


def test_those_who_owe_leave_time_between_their_turns(turns, times):
    work(turns, times, "a", 0.0)
    work(turns, times, "b", 1.0)

    work(turns, times, "b", 1.0)
    work(turns, times, "b", 1.0)

    assert times.pauses == [0.0, pytest.approx(module.PAUSE_FACTOR * 1.0)]


def test_a_tenant_who_is_alone_waits_for_nothing(turns, times, monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING", 0)
    work(turns, times, "a", 0.0)
    times.now += module.ACTIVE_SECONDS + 1

    for _ in range(10):
        work(turns, times, "b", 1.0)

    assert turns.owes("b")
    assert times.pauses == []
    work(turns, times, "a", 0.0)
    with pytest.raises(NoTurn):
        work(turns, times, "b", 1.0)


def test_one_who_owes_waits_for_another_one_and_who_does_not_goes_on(turns, times):
    work(turns, times, "a", 0.0)
    work(turns, times, "b", 1.0)
    work(turns, times, "c", 1.0)
    order = []
    has_begun, may_end = threading.Event(), threading.Event()

    def of_b():
        with turns.work_for("b"):
            has_begun.set()
            may_end.wait(30)
            order.append("b")

    def of_c():
        with turns.work_for("c"):
            order.append("c")

    threads = [threading.Thread(target=of_b), threading.Thread(target=of_c)]
    threads[0].start()
    assert has_begun.wait(30)
    threads[1].start()
    with turns.work_for("a"):
        order.append("a")
    may_end.set()
    for thread in threads:
        thread.join()

    assert order == ["a", "b", "c"]


def test_work_within_work_has_the_turn_already(turns, times):
    work(turns, times, "a", 0.0)
    work(turns, times, "b", 1.0)

    with turns.work_for("b"), turns.work_for("b"):
        pass


def test_too_many_are_not_let_wait(turns, times, monkeypatch):
    work(turns, times, "a", 0.0)
    work(turns, times, "b", 1.0)
    monkeypatch.setattr(module, "MAX_WAITING", 0)

    with pytest.raises(NoTurn) as told, turns.work_for("b"):
        pytest.fail("there was a turn")

    assert told.value.retry_after


def test_nobody_waits_for_ever(turns, times, monkeypatch):
    work(turns, times, "a", 0.0)
    work(turns, times, "b", 1.0)
    monkeypatch.setattr(module, "MAX_WAIT_SECONDS", 0.0)
    refused = []

    def other():
        try:
            with turns.work_for("b"):
                pass
        except NoTurn:
            refused.append(True)

    with turns.work_for("b"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    assert refused == [True]


def test_debts_are_bounded_in_number(turns, times):
    for number in range(3_000):
        work(turns, times, f"d{number}", 1.0)

    assert len(turns._owed) <= 1024
