from __future__ import annotations

import threading

import pytest

from bootstrap_project.observability.request_id import (
    accept_request_id,
    current_request_id,
    enter_request,
    leave_request,
    new_request_id,
)


@pytest.mark.parametrize("candidate", ["abcdefgh", "A.b_c-9.", "x" * 64, "4bf92f3577b34da6a3ce929d0e0e4736"])
def test_well_formed_id_of_the_caller_is_kept(candidate):
    assert accept_request_id(candidate) == candidate


@pytest.mark.parametrize(
    "candidate",
    [
        None,
        "",
        "short12",
        "x" * 65,
        "has space",
        "line\nbreak",
        "abcdefgh\n",
        "abcdefgh\r\nSet-Cookie: a=b",
        'quote"quote',
        "ünïcödé-id",
        "1234567\u0661",
        "nul\x00nul-nul",
    ],
)
def test_any_other_id_is_replaced_by_a_fresh_one(candidate):
    accepted = accept_request_id(candidate)

    assert accepted != candidate
    assert len(accepted) == 32
    assert set(accepted) <= set("0123456789abcdef")


def test_fresh_ids_differ():
    assert new_request_id() != new_request_id()


def test_id_is_current_between_enter_and_leave_and_nested_ones_come_back():
    outer = enter_request("outer-id")
    inner = enter_request("inner-id")

    seen = [current_request_id()]
    leave_request(inner)
    seen.append(current_request_id())
    leave_request(outer)
    seen.append(current_request_id())

    assert seen == ["inner-id", "outer-id", ""]


def test_id_of_one_thread_is_not_seen_by_another():
    token = enter_request("this-thread")
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.append(current_request_id()))

    thread.start()
    thread.join()
    leave_request(token)

    assert seen == [""]
