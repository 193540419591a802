"""What a command is: its words, its arguments, its flags and what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from bootstrap_project.cli.errors import UsageMistake
from bootstrap_project.cli.invocation import Invocation

PROGRAM: Final = "magistrala-cli"


class Argument(NamedTuple):
    """One argument; left out at the end of a line it is taken from `variable`, where it has one."""

    name: str
    variable: str = ""
    #: `-` asks for it, and it is never repeated.
    secret: bool = False


class Command(NamedTuple):
    """A command; a group has no `run`, and only says what it is about."""

    path: tuple[str, ...]
    summary: str
    run: Callable[[Invocation], None] | None = None
    arguments: tuple[Argument, ...] = ()
    flags: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    #: What to answer in place of a command that is no more.
    retired: tuple[str, ...] = ()

    @property
    def is_group(self) -> bool:
        """It does nothing by itself."""
        return self.run is None and not self.retired

    @property
    def pattern(self) -> str:
        """The whole line: program, words and arguments."""
        words = [PROGRAM, *self.path]
        if self.is_group:
            words.append("<command>")
        return " ".join([*words, *(f"<{argument.name}>" for argument in self.arguments)])


JSON_CONFIG: Final = Argument("JSON_config")
CONFIG_ID: Final = Argument("config_id")
PROFILE_ID: Final = Argument("profile_id")
#: How every operator's command ends.
OPERATOR: Final = (Argument("domain_id", "MG_DOMAIN_ID"), Argument("user_auth_token", "MG_TOKEN", secret=True))


def children(commands: Iterable[Command], path: tuple[str, ...]) -> list[Command]:
    """Return the commands one word below `path`, in their order."""
    return [one for one in commands if len(one.path) == len(path) + 1 and one.path[:-1] == path]


def find(commands: Sequence[Command], words: Sequence[str]) -> tuple[Command, tuple[str, ...]]:
    """Return the command that the first words name, the longest, and the words after it."""
    by_path = {command.path: command for command in commands}
    for length in range(len(words), 0, -1):
        command = by_path.get(tuple(words[:length]))
        if command is not None:
            return command, tuple(words[length:])
    return by_path[()], tuple(words)


def unknown_word(commands: Sequence[Command], group: Command, word: str) -> UsageMistake:
    """Return the mistake of a word that names no command of `group`; only what looks like a command is repeated."""
    known = [child.path[-1] for child in children(commands, group.path)]
    if not (len(word) <= 20 and word.replace("-", "").isascii() and word.replace("-", "").isalpha()):
        return UsageMistake(f"that is no command; there are: {', '.join(known)}")
    import difflib  # noqa: PLC0415 - needed for a mistake alone.

    near = difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    return UsageMistake(f"there is no command {word}; {hint}")
