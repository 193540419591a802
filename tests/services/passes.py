"""The pytest plugin of `python -m tests`: counts for its last line, and the choice of what runs on SQLite.

--tally FILE     write the numbers of this pass to FILE, as JSON
--on-sqlite DIR  run only the journeys and what is marked `sqlite`, on a database file in DIR
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.conf import settings

JOURNEYS = Path(__file__).resolve().parents[1] / "journeys"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bootstrap", "passes of the whole run")
    group.addoption("--tally", metavar="FILE", help="write the numbers of this pass to FILE")
    group.addoption("--on-sqlite", metavar="DIR", help="run the journeys and tests marked sqlite, with a file in DIR")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sqlite: runs on SQLite too, in the second pass of the whole run")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    folder = config.getoption("on_sqlite")
    if not folder:
        return
    _use_file(Path(folder))
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
