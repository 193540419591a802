"""Rate limits: tokens by key, in the process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from devices.rate_limit import RateLimit


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limit(clock):
    return RateLimit(3, 0.5, clock=clock)


def test_a_burst_passes_and_then_the_rate(limit, clock):
    assert [limit.spend("a") for _ in range(4)] == [0, 0, 0, 2]
    assert limit.wait("a") == 2
    clock.now += 2
    assert [limit.spend("a"), limit.spend("a")] == [0, 2]
    clock.now += 1e9
    assert [limit.spend("a") for _ in range(4)] == [0, 0, 0, 2]


def test_keys_do_not_share(limit):
    for _ in range(4):
        limit.spend("a")

    assert limit.spend("b") == 0


def test_looking_takes_nothing(limit):
    assert [limit.wait("a") for _ in range(10)] == [0] * 10


def test_what_is_refunded_can_be_taken_again_and_no_more(limit, clock):
    for _ in range(3):
        limit.spend("a")
    limit.refund("a")

    assert [limit.spend("a"), limit.spend("a")] == [0, 2]
    clock.now += 100
    limit.refund("a")
    limit.refund("never spent")
    assert [limit.spend("a") for _ in range(4)] == [0, 0, 0, 2]


@pytest.mark.parametrize(("burst", "per_second"), [(0, 0), (0.5, 0.005)])
def test_a_rate_without_a_whole_token_lets_nothing_pass(burst, per_second):
    limit = RateLimit(burst, per_second)

    assert limit.spend("a") > 0
    assert limit.wait("a") > 0


def test_a_rate_of_a_billion_lets_everything_pass(clock):
    limit = RateLimit(1e9, 1e9, clock=clock)

    assert not any(limit.spend("a") for _ in range(10_000))


def test_memory_is_bounded_by_forgetting_who_came_longest_ago():
    limit = RateLimit(1, 0.001, max_keys=100)

    for number in range(1000):
        limit.spend(str(number))

    assert [limit.wait(str(number)) > 0 for number in (0, 899, 900, 999)] == [False, False, True, True]


def test_threads_get_no_more_than_there_is():
    limit = RateLimit(100, 0.0001)

    with ThreadPoolExecutor(8) as executor:
        taken = list(executor.map(lambda _: limit.spend("a"), range(400)))

    assert taken.count(0) == 100
