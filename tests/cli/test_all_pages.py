"""`--all` of a list that changes while it is read: no row is missing that was there all the time."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest

from tests.cli.http_server import Asked, FakeServer, Reply

TOKEN = "the-operators-token"


class Changing:
    """A list of rows of which some go before the answer to some requests."""

    def __init__(self, number: int, *, member: str = "configs") -> None:
        self.rows = [{"id": f"{one:04}"} for one in range(number)]
        self.member = member
        self.before: dict[int, Callable[[], None]] = {}
        self.requests = 0

    def remove(self, *numbers: int) -> None:
        gone = {f"{one:04}" for one in numbers}
        self.rows = [row for row in self.rows if row["id"] not in gone]

    def answer(self, asked: Asked) -> Reply:
        self.requests += 1
        self.before.get(self.requests, lambda: None)()
        query = dict(pair.split("=") for pair in asked.target.partition("?")[2].split("&"))
        start, limit = int(query["offset"]), int(query["limit"])
        page = {self.member: self.rows[start : start + limit], "total": len(self.rows)}
        return Reply(200, json.dumps(page).encode())


def read(program, changing, *more):
    words = ["bootstrap", "get", "all"] if changing.member == "configs" else ["bootstrap", "profiles", "get", "all"]
    with FakeServer(changing.answer) as server:
        return program(*words, "--all", *more, "dom", TOKEN, "-b", server.url)


@pytest.mark.parametrize("member", ["configs", "profiles"])
@pytest.mark.parametrize(
    "gone",
    [
        {2: (0, 1, 2)},
        {3: tuple(range(150))},
        {2: (99,)},
        {2: (98, 99)},
        {2: (0,), 3: (1, 120), 4: (2,)},
        {2: range(100)},
    ],
    ids=str,
)
def test_rows_that_go_take_no_others_with_them(program, member, gone):
    changing = Changing(250, member=member)
    for request, numbers in gone.items():
        changing.before[request] = partial(changing.remove, *numbers)

    listed = read(program, changing).succeeded().json[member]

    ids = [row["id"] for row in listed]
    assert len(ids) == len(set(ids))
    assert {row["id"] for row in changing.rows} <= set(ids)


def test_as_many_that_come_as_go_hide_nothing(program):
    changing = Changing(250)

    def exchange():
        changing.remove(0, 1, 2)
        changing.rows += [{"id": "9997"}, {"id": "9998"}, {"id": "9999"}]

    changing.before[2] = exchange

    assert {row["id"] for row in changing.rows[3:]} <= {
        row["id"] for row in read(program, changing).succeeded().json["configs"]
    }


@pytest.mark.parametrize("limit", ["1", "2", "7"])
def test_small_pages_come_to_an_end(program, limit):
    changing = Changing(9)
    changing.before[2] = lambda: changing.remove(0)

    ids = [row["id"] for row in read(program, changing, "--limit", limit).succeeded().json["configs"]]

    assert ids[-8:] == [row["id"] for row in changing.rows]


def test_list_that_begins_later_does_so(program):
    assert len(read(program, Changing(250), "--offset", "240").succeeded().json["configs"]) == 10


def test_list_that_never_comes_to_rest_is_told(program):
    changing = Changing(5000)
    for request in range(2, 5000):
        changing.before[request] = lambda: changing.rows.__delitem__(slice(0, 60))

    done = read(program, changing, "--limit", "50")

    if done.code:
        done.failed(3, "the list changes faster than it can be read")
        assert done.out == ""
