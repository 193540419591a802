"""The pytest plugin of `python -m tests`: counts for its last line, what runs on SQLite, and what runs first.

--tally FILE     write the numbers of this pass to FILE, as JSON
--part PART      quick leaves out what is marked `slow`, slow runs that alone
--on-sqlite DIR  run only the journeys and what is marked `sqlite`, on a database file in DIR
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from django.conf import settings

TESTS = Path(__file__).resolve().parents[1]
JOURNEYS = TESTS / "journeys"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bootstrap", "passes of the whole run")
    group.addoption("--tally", metavar="FILE", help="write the numbers of this pass to FILE")
    group.addoption("--part", choices=["quick", "slow", "all"], default="all", help="the part of the suite to run")
    group.addoption("--on-sqlite", metavar="DIR", help="run the journeys and tests marked sqlite, with a file in DIR")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sqlite: runs on SQLite too, in the second pass of the whole run")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    folder = config.getoption("on_sqlite")
    if folder:
        _use_file(Path(folder))
        _keep(config, items, lambda item: JOURNEYS in item.path.parents or _is_marked(item, "sqlite"))
    part = config.getoption("part")
    if part != "all":
        _keep(config, items, lambda item: _is_marked(item, "slow") == (part == "slow"))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes > 1:
        items[:] = long_ones_first(items, processes)


def long_ones_first(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """Return the items so that of their equal parts, one for each process, every second begins with long ones.

    A process that begins one when the others are done keeps them waiting, and each with a test of a browser starts one.
    """
    long = [item for item in items if _is_long(item)]
    rest = [item for item in items if not _is_long(item)]
    begun = (processes + 1) // 2
    ordered: list[pytest.Item] = []
    for number in range(processes):
        first = [] if number % 2 else long[number // 2 :: begun]
        length = max(len(items) * (number + 1) // processes - len(ordered) - len(first), 0)
        ordered += [*first, *rest[:length]]
        del rest[:length]
    return ordered + rest


def _is_long(item: pytest.Item) -> bool:
    return _is_marked(item, "slow") or _is_marked(item, "browser")


def _is_marked(item: pytest.Item, name: str) -> bool:
    return item.get_closest_marker(name) is not None


def _keep(config: pytest.Config, items: list[pytest.Item], chosen: Callable[[pytest.Item], bool]) -> None:
    config.hook.pytest_deselected(items=[item for item in items if not chosen(item)])
    items[:] = [item for item in items if chosen(item)]


def _use_file(folder: Path) -> None:
    """Make Django's tests use a file: their default is memory, which has neither WAL nor other processes."""
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(folder / "test.sqlite3")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    path = config.getoption("tally")
    if not path:
        return
    counts = {name: len(reports) for name, reports in terminalreporter.stats.items() if name}
    Path(path).write_text(json.dumps(counts), encoding="utf-8")
