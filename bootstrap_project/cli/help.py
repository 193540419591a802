"""What `--help` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bootstrap_project.cli.arguments import BY_NAME, FLAGS, Flag
from bootstrap_project.cli.tree import PROGRAM, Command, children

_ABOUT_ARGUMENTS: Final = {
    "JSON": "JSON stands in the argument itself, in a file (`@file`), or on standard input (`-`).",
    "cert": "Certificates and keys stand in the argument, in a file (`@file`), or on standard input (`-`).",
    "variable": "Left out, the last ones come from {variables}; `-` for a secret asks for it.",
}
_EXIT_CODES: Final = """\
Exit codes:
  0  done
  1  the service refused
  2  the command line is wrong, or a file that it names
  3  the service was not reached in time, or is not ready (429, 502, 503, 504): try again later
  4  the answer cannot be read (a wrong crypto key), or cannot be written
"""


def help_text(commands: Sequence[Command], command: Command) -> str:
    """Return the help of a command or of a group."""
    parts = [f"{command.summary}.\n", f"Usage:\n  {command.pattern} [flags]\n"]
    below = children(commands, command.path)
    if below:
        parts.append("Commands:\n" + _table([(one.path[-1], one.summary) for one in below]))
    about = _about_arguments(command)
    if about:
        parts.append(about)
    if command.examples:
        parts.append("Examples:\n" + "".join(f"  {example}\n" for example in command.examples))
    own = [BY_NAME[name] for name in command.flags]
    if own:
        parts.append("Flags:\n" + _flags(own))
    parts.append(("Flags of every command:\n" if own else "Flags:\n") + _flags([one for one in FLAGS if one.common]))
    if not command.path:
        parts.append(_EXIT_CODES)
    if command.is_group:
        parts.append(f"`{PROGRAM} {' '.join([*command.path, '<command>'])} --help` says more about a command.\n")
    return "\n".join(parts)


def _about_arguments(command: Command) -> str:
    names = [argument.name for argument in command.arguments]
    variables = [argument.variable for argument in command.arguments if argument.variable]
    lines = []
    if any(name.startswith("JSON") for name in names):
        lines.append(_ABOUT_ARGUMENTS["JSON"])
    if "ca_cert" in names:
        lines.append(_ABOUT_ARGUMENTS["cert"])
    if variables:
        lines.append(_ABOUT_ARGUMENTS["variable"].format(variables=" and ".join(variables)))
    return "".join(f"{line}\n" for line in lines)


def _flags(flags: Sequence[Flag]) -> str:
    return _table([(spelled(flag), flag.summary) for flag in flags])


def spelled(flag: Flag) -> str:
    """Return a flag as help shows it."""
    short = f"-{flag.short}, " if flag.short else "    "
    return f"{short}--{flag.name}{' ' if flag.value else ''}{flag.value}"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(left) for left, _ in rows)
    return "".join(f"  {left:<{width}}  {right}\n" for left, right in rows)
