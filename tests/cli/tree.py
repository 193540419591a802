"""Every command of the program, to ask the same of all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bootstrap_project.cli.command import Argument, Command
from bootstrap_project.cli.main import COMMANDS


class Known(NamedTuple):
    """A command, the words that name it, and its whole line."""

    path: tuple[str, ...]
    command: Command
    usage: str

    @property
    def runs(self) -> bool:
        return self.command.callback is not None

    @property
    def arguments(self) -> list[Argument]:
        return self.command.params


def _below(command: Command, path: tuple[str, ...]) -> Iterator[Known]:
    yield Known(path, command, COMMANDS.find(path).get_usage())
    for name, child in command.commands.items():
        yield from _below(child, (*path, name))


EVERY = list(_below(COMMANDS, ()))
RUNNING = [known for known in EVERY if known.runs]
GROUPS = [known for known in EVERY if known.command.is_group]
