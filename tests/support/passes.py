"""The pytest plugin of `python -m tests`: counts for its last line, what runs on SQLite, and what runs first.

--tally FILE     write the numbers of this pass to FILE, as JSON
--on-sqlite DIR  run only the journeys and what is marked `sqlite`, on a database file in DIR
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.conf import settings

TESTS = Path(__file__).resolve().parents[1]
JOURNEYS = TESTS / "journeys"
#: Its tests take so long that a process which begins one when the others are done keeps them waiting.
SLOW = TESTS / "browser"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bootstrap", "passes of the whole run")
    group.addoption("--tally", metavar="FILE", help="write the numbers of this pass to FILE")
    group.addoption("--on-sqlite", metavar="DIR", help="run the journeys and tests marked sqlite, with a file in DIR")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sqlite: runs on SQLite too, in the second pass of the whole run")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    folder = config.getoption("on_sqlite")
    if folder:
        _use_file(Path(folder))
        _leave_out(config, items)
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if processes > 1:
        items[:] = slow_ones_first(items, processes)


def slow_ones_first(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """Return the items so that of their equal parts, one for each process, every second begins with slow ones."""
    slow = [item for item in items if SLOW in item.path.parents]
    rest = [item for item in items if SLOW not in item.path.parents]
    begun = (processes + 1) // 2
    ordered: list[pytest.Item] = []
    for number in range(processes):
        first = [] if number % 2 else slow[number // 2 :: begun]
        length = max(len(items) * (number + 1) // processes - len(ordered) - len(first), 0)
        ordered += [*first, *rest[:length]]
        del rest[:length]
    return ordered + rest


def _leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = [item for item in items if JOURNEYS in item.path.parents or item.get_closest_marker("sqlite")]
    left_out = [item for item in items if item not in set(chosen)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = chosen


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
