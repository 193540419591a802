"""The command line in its two parts: flags, wherever they stand, and words.

argparse wants each sub-command's flags behind it and takes a certificate (`-----BEGIN …`) for a flag; this does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from bootstrap_project.cli.errors import UsageMistake


class Flag(NamedTuple):
    """A flag; `value` names what follows it, "" for a switch."""

    name: str
    short: str
    value: str
    summary: str
    #: Every command takes it.
    common: bool = True
    choices: tuple[str, ...] = ()


FLAGS: Final = (
    Flag("bootstrap-url", "b", "URL", "Where the service is (MG_BOOTSTRAP_URL; else http://localhost:9013)"),
    Flag("config", "c", "FILE", "TOML file with `[remotes] bootstrap_url` (./config.toml where there is one)"),
    Flag("curl", "x", "", "Show each request as a curl command on standard error, without its secrets"),
    Flag("help", "h", "", "Show what the command does and takes"),
    Flag("insecure", "i", "", "Do not check the service's TLS certificate"),
    Flag("raw", "r", "", "Output for programs: JSON on one line, a bare id, no blank lines, no colours"),
    Flag("timeout", "", "SECONDS", "How long to wait for each answer (30)"),
    Flag("version", "", "", "Show the version"),
    Flag("all", "a", "", "Read every page, not one", common=False),
    Flag("limit", "l", "N", "How many to list, 1 to 100 (10); with --all, how many to ask for at a time", common=False),
    Flag("name", "n", "TEXT", "Only names that contain this", common=False),
    Flag("offset", "o", "N", "How many to skip (0)", common=False),
    Flag(
        "status", "S", "STATUS", "Only this status: enabled (default), disabled or all", common=False,
        choices=("enabled", "disabled", "all"),
    ),
    Flag(
        "format", "f", "FORMAT", "What the file is: json, yaml or toml", common=False,
        choices=("json", "yaml", "toml"),
    ),
)  # fmt: skip
BY_NAME: Final = {flag.name: flag for flag in FLAGS}
_BY_SHORT: Final = {flag.short: flag for flag in FLAGS if flag.short}


class Line(NamedTuple):
    """A command line, read: the value of each flag ("" for a switch) and the words in their order."""

    flags: dict[str, str]
    words: tuple[str, ...]


def read_line(argv: Sequence[str]) -> Line:
    """Return the flags and words of a command line; of a flag given twice the last one counts.

    What follows `--` is a word even if it begins with a dash, and so are `-` itself and whatever holds whitespace.
    Raises: UsageMistake, which repeats nothing that could be a secret.
    """
    flags: dict[str, str] = {}
    words: list[str] = []
    rest = list(reversed(argv))
    while rest:
        part = rest.pop()
        if part == "--":
            words.extend(reversed(rest))
            break
        if part.startswith("--"):
            name, equals, value = part[2:].partition("=")
            if name not in BY_NAME and _has_whitespace(part):
                words.append(part)
                continue
            flag = BY_NAME.get(name)
            if flag is None:
                raise _unknown()
            flags[flag.name] = _long_value(flag, value if equals else None, rest)
        elif part.startswith("-") and part != "-" and not (_has_whitespace(part) and part[1] not in _BY_SHORT):
            _read_short(part[1:], rest, flags)
        else:
            words.append(part)
    return Line(flags, tuple(words))


def number(flags: dict[str, str], name: str, *, default: int, least: int = 0) -> int:
    """Return the whole number that a flag gives; raises UsageMistake."""
    text = flags.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least):
        raise UsageMistake(f"--{name} takes a whole number, {least} or more")
    return int(text)


def _read_short(letters: str, rest: list[str], flags: dict[str, str]) -> None:
    """Read `-rl5` as `-r -l 5`."""
    while letters:
        flag = _BY_SHORT.get(letters[0])
        if flag is None:
            raise _unknown()
        letters = letters[1:]
        if flag.value:
            flags[flag.name] = letters.removeprefix("=") if letters else _next(flag, rest)
            return
        flags[flag.name] = ""


def _long_value(flag: Flag, value: str | None, rest: list[str]) -> str:
    if flag.value:
        return _next(flag, rest) if value is None else value
    if value is not None:
        raise UsageMistake(f"--{flag.name} takes no value")
    return ""


def _next(flag: Flag, rest: list[str]) -> str:
    if not rest:
        raise UsageMistake(f"--{flag.name} needs a value: {flag.value}")
    return rest.pop()


def _has_whitespace(text: str) -> bool:
    return len(text.split(maxsplit=1)) > 1


def _unknown() -> UsageMistake:
    return UsageMistake("there is no such flag; an argument that begins with a dash stands behind `--`")
