"""The gate before slow hashes: how many work, how many wait, and when everyone else may come back."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from bootstrap_project.places import WORK_SECONDS, NoPlace, Places
from devices.gate import FIRST_GUESS_SECONDS, MAX_RETRY_SECONDS, Busy, Gate
from tests.services.waiting import eventually


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def make_gate(**values):
    return Gate(**{"at_once": 1, "waiting": 0, "wait_seconds": 0.05, **values})


def test_no_more_than_the_slots_work_and_the_rest_is_refused_at_once():
    gate = make_gate(at_once=2)

    with ExitStack() as stack:
        stack.enter_context(gate.slot())
        stack.enter_context(gate.slot())
        with pytest.raises(Busy), gate.slot():
            pass

    with gate.slot():
        pass


def test_waiting_ends_with_a_slot_or_after_its_time():
    gate = make_gate(waiting=1, wait_seconds=60)
    entered, release = threading.Event(), threading.Event()

    def work():
        with gate.slot():
            entered.set()
            release.wait(60)

    with ThreadPoolExecutor(2) as executor:
        first = executor.submit(work)
        entered.wait(60)
        second = executor.submit(work)
        while not gate._waiting:
            pass
        with pytest.raises(Busy), gate.slot():
            pass
        release.set()
        first.result(60)
        second.result(60)


def test_nobody_waits_for_longer_than_allowed():
    gate = make_gate(waiting=1, wait_seconds=0.02)

    with gate.slot(), pytest.raises(Busy), gate.slot():
        pass

    assert (gate._working, gate._waiting) == (0, 0)


def test_a_slot_is_free_again_after_an_error():
    gate = make_gate()

    with pytest.raises(ZeroDivisionError), gate.slot():
        raise ZeroDivisionError

    with gate.slot():
        pass


def test_spare_slots_are_for_when_nobody_waits():
    gate = make_gate(waiting=1, wait_seconds=60)
    order = []
    with ThreadPoolExecutor(2) as executor:
        with gate.slot():

            def background():
                with gate.spare_slot():
                    order.append("background")

            def caller():
                with gate.slot():
                    order.append("caller")

            later = executor.submit(background)
            sooner = executor.submit(caller)
            while not gate._waiting:
                pass
        sooner.result(60)
        later.result(60)

    assert order == ["caller", "background"]


def test_each_refusal_books_the_next_slot():
    clock = Clock()
    gate = make_gate(at_once=2, clock=clock)
    gate._seconds = 1.0

    booked = [gate.book() for _ in range(6)]
    clock.now += 3
    later = gate.book()

    assert booked == [2, 2, 3, 3, 4, 4]
    assert later == 2


def test_bookings_end_somewhere_and_recover():
    clock = Clock()
    gate = make_gate(clock=clock)
    gate._seconds = 1.0

    booked = [gate.book() for _ in range(1000)]
    clock.now += MAX_RETRY_SECONDS

    assert max(booked) == MAX_RETRY_SECONDS
    assert gate.book() == 2


def test_what_a_slot_costs_is_learned():
    clock = Clock()
    gate = make_gate(clock=clock)

    for _ in range(60):
        with gate.slot():
            clock.now += 2.0

    assert 1.9 < gate._seconds <= 2.0


@pytest.mark.parametrize("answer_seconds", [WORK_SECONDS, WORK_SECONDS + FIRST_GUESS_SECONDS / 2])
def test_a_hash_that_would_be_ready_too_late_is_not_begun(answer_seconds):
    gate, places = Gate(at_once=1, waiting=4, wait_seconds=30), Places(1, answer_seconds=answer_seconds)

    with ThreadPoolExecutor(1) as executor:

        def work() -> None:
            with places.place(), gate.slot():
                pytest.fail("begun")

        with pytest.raises(Busy):
            executor.submit(work).result()

    with gate.slot():
        assert gate._working == 1


def test_nobody_waits_for_a_slot_longer_than_there_is_time_for_the_answer():
    gate, places = Gate(at_once=1, waiting=4, wait_seconds=600), Places(1, answer_seconds=WORK_SECONDS + 0.3)

    def work() -> None:
        with places.place(), gate.slot():
            pytest.fail("begun")

    with gate.slot(), ThreadPoolExecutor(1) as executor, pytest.raises((Busy, NoPlace)):
        executor.submit(work).result()

    assert gate._working == gate._waiting == 0


def test_whoever_finds_no_place_after_the_wait_leaves_the_slot_to_others():
    gate, places = Gate(at_once=1, waiting=4, wait_seconds=60), Places(1, wait_seconds=0.05)
    taken, over = threading.Event(), threading.Event()

    def hold() -> None:
        with places.place():
            taken.set()
            over.wait(60)

    def work() -> None:
        with places.place(), gate.slot():
            pytest.fail("begun")

    with ThreadPoolExecutor(2) as executor:
        with gate.slot():
            waiting = executor.submit(work)
            eventually(lambda: gate._waiting == 1)
            executor.submit(hold)
            taken.wait(60)
        with pytest.raises(NoPlace):
            waiting.result()
        over.set()

    assert gate._working == 0
