"""Token buckets: in the process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from devices.buckets import LocalBuckets
from tests.devices.test_gate import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def local(clock):
    return LocalBuckets(3, 0.5, clock=clock)


def test_a_burst_passes_and_then_the_rate(local, clock):
    taken = [local.take("a") for _ in range(4)]

    assert taken == [0, 0, 0, 2]
    assert local.wait("a") == 2
    clock.now += 2
    assert [local.take("a"), local.take("a")] == [0, 2]
    clock.now += 6
    assert [local.take("a") for _ in range(4)] == [0, 0, 0, 2]


def test_keys_do_not_share(local):
    for _ in range(4):
        local.take("a")

    assert local.take("b") == 0


def test_looking_takes_nothing(local):
    assert [local.wait("a") for _ in range(10)] == [0] * 10
    assert len(local) == 0


def test_what_is_given_back_can_be_taken_again(local):
    for _ in range(3):
        local.take("a")
    local.give_back("a")

    assert [local.take("a"), local.take("a")] == [0, 2]
    for _ in range(3):
        local.give_back("a")
    assert len(local) == 0


def test_memory_is_bounded():
    buckets = LocalBuckets(1, 0.001, capacity=100)

    for number in range(1000):
        buckets.take(str(number))

    assert len(buckets) == 100
    assert buckets.take("999") > 0
    assert buckets.take("0") == 0


def test_threads_get_no_more_than_there_is():
    buckets = LocalBuckets(100, 0.0001)

    with ThreadPoolExecutor(8) as executor:
        taken = list(executor.map(lambda _: buckets.take("a"), range(400)))

    assert taken.count(0) == 100
