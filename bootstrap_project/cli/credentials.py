"""The arguments of a command: from the line, from the environment, or asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bootstrap_project.cli.errors import UsageMistake
from bootstrap_project.cli.inputs import StandardInput
from bootstrap_project.cli.tree import Argument, Command

#: How Magistrala's tokens begin: signed ones and personal access tokens.
_TOKEN_STARTS = ("eyJ", "pat_", "Bearer ")


def resolve(command: Command, words: Sequence[str], environ: Mapping[str, str], stdin: StandardInput) -> dict[str, str]:
    """Return the value of each argument by its name.

    Arguments are left out from the right: the last one first. `-` for a secret asks for it on a terminal and reads a
    line of standard input elsewhere.
    Raises: UsageMistake.
    """
    arguments = command.arguments
    if len(words) > len(arguments):
        raise UsageMistake(
            f"{len(words) - len(arguments)} arguments too many" if arguments else "it takes no arguments"
        )
    values = dict(zip((argument.name for argument in arguments), words, strict=False))
    for argument in arguments[len(words) :]:
        value = environ.get(argument.variable) if argument.variable else ""
        if not value:
            where = f", and {argument.variable} is not set" if argument.variable else ""
            raise UsageMistake(f"<{argument.name}> is missing{where}")
        values[argument.name] = value
    for argument in arguments:
        values[argument.name] = _checked(argument, values[argument.name], stdin)
    return values


def _checked(argument: Argument, value: str, stdin: StandardInput) -> str:
    if argument.secret and value == "-":
        value = stdin.secret(argument.name)
    if argument.name == "domain_id" and value.startswith(_TOKEN_STARTS):
        raise UsageMistake("<domain_id> looks like a token; the domain stands before the token")
    optional = argument.name in {"client_cert", "client_key", "ca_cert"}
    if not value and not optional:
        raise UsageMistake(f"<{argument.name}> is empty")
    return value
