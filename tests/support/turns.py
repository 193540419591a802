"""The pytest plugin that lets some tests have the machine to themselves while a run has several processes.

`@pytest.mark.alone` is for tests that measure, or put load on the machine: nothing else of the run goes on meanwhile.
`@pytest.mark.turns("name")` is for tests that would get in each other's way: those of one name run one at a time.

--turns DIR  where the processes of a run keep the locks that they share; without it, nobody waits
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bootstrap")
    group.addoption("--turns", metavar="DIR", help="a folder for the locks that the processes of a run share")


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("turns")
    if folder:
        config.pluginmanager.register(Turns(Path(folder)), "bootstrap-turns")


class Turns:
    """Asks for a test's turn before its fixtures are made, and gives it back after they are gone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        with ExitStack() as stack:
            alone = item.get_closest_marker("alone") is not None
            # Whoever waits for the machine holds the gate, so that it is not others' turn again and again.
            with self._locked("gate"):
                stack.enter_context(self._locked("machine", shared=not alone))
            for marker in item.iter_markers("turns"):
                stack.enter_context(self._locked(f"turns-{marker.args[0]}"))
            return (yield)

    @contextmanager
    def _locked(self, name: str, *, shared: bool = False) -> Iterator[None]:
        # The kernel takes the lock from a process that dies.
        with (self._folder / name).open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            try:
                yield
            finally:
                # A process that a test forked may still have the file open.
                fcntl.flock(file, fcntl.LOCK_UN)
