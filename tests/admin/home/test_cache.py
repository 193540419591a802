"""What took long is remembered, and for how long."""

from __future__ import annotations

import threading

import pytest

from bootstrap_project.admin.home.cache import Memo


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memo(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Memo:
    monkeypatch.setattr("bootstrap_project.admin.home.cache.CHEAP", 0.05)
    return Memo(clock)


def maker(clock: Clock, *, seconds: float):
    made: list[int] = []

    def make() -> int:
        clock.now += seconds
        made.append(len(made))
        return made[-1]

    return make


def test_what_is_cheap_is_found_out_anew(memo, clock):
    make = maker(clock, seconds=0.01)

    assert [memo.get("k", make), memo.get("k", make)] == [0, 1]


@pytest.mark.parametrize(("seconds", "kept"), [(0.06, 5), (1, 20), (60, 120)])
def test_what_is_dear_is_kept_in_proportion(memo, clock, seconds, kept):
    make = maker(clock, seconds=seconds)
    memo.get("k", make)

    clock.now += kept - 0.5
    assert memo.get("k", make) == 0
    assert memo.get("other", make) == 1
    clock.now += kept + 1
    assert memo.get("k", make) == 2


def test_while_one_renews_others_get_what_was(memo, clock):
    memo.get("k", maker(clock, seconds=1))
    clock.now += 100
    seen = []

    def renew() -> str:
        asker = threading.Thread(target=lambda: seen.append(memo.get("k", lambda: "made twice")))
        asker.start()
        asker.join()
        clock.now += 1
        return "new"

    assert memo.get("k", renew) == "new"
    assert seen == [0]
    assert memo.get("k", lambda: "made again") == "new"


def test_a_failure_is_not_remembered(memo, clock):
    memo.get("k", maker(clock, seconds=1))
    clock.now += 100

    with pytest.raises(ZeroDivisionError):
        memo.get("k", lambda: 1 // 0)

    assert memo.get("k", lambda: "well") == "well"
