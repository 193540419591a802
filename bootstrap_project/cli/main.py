"""The program `magistrala-cli`: from a command line to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import takewhile

from bootstrap_project.cli import completion, errors
from bootstrap_project.cli.arguments import BY_NAME, Line, read_line
from bootstrap_project.cli.config import DEFAULT_FILE, read_settings
from bootstrap_project.cli.credentials import resolve
from bootstrap_project.cli.errors import BadResponse, CLIError, RemovedCommand, UsageMistake
from bootstrap_project.cli.help import help_text
from bootstrap_project.cli.inputs import StandardInput
from bootstrap_project.cli.invocation import Invocation
from bootstrap_project.cli.output import Output
from bootstrap_project.cli.registry import COMMANDS
from bootstrap_project.cli.tree import PROGRAM, Command, find, unknown_word


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code (see docs/cli.md)."""
    output = Output(os.environ)
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv), output)
        output.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough: `magistrala-cli … | head`.
        output.abandon()
        return errors.BROKEN_PIPE
    except OSError as error:
        output.error(BadResponse(f"the output cannot be written: {error.strerror or error}"))
        output.abandon()
        return BadResponse.exit_code
    except KeyboardInterrupt:
        output.note("interrupted")
        return errors.INTERRUPTED
    return code


def _run(argv: list[str], output: Output) -> int:
    if argv[:1] == [completion.QUESTION]:
        output.text("".join(f"{line}\n" for line in completion.candidates(COMMANDS, argv[1:])))
        return 0
    # What a line that cannot be read is about: the words before its first flag.
    command, _words = find(COMMANDS, tuple(takewhile(lambda part: not part.startswith("-"), argv)))
    try:
        line = read_line(argv)
        output.raw = "raw" in line.flags
        if "version" in line.flags:
            output.text(f"{PROGRAM} {_version()}\n")
            return 0
        command, words = _named(line)
        if "help" in line.flags:
            output.text(help_text(COMMANDS, command))
            return 0
        _execute(command, words, line.flags, output)
    except UsageMistake as error:
        output.usage(command.pattern)
        output.flush()
        output.error(error)
        return error.exit_code
    except CLIError as error:
        output.error(error)
        return error.exit_code
    return 0


def _named(line: Line) -> tuple[Command, tuple[str, ...]]:
    """Return the command that a line names and the words after it; `get --all` is `get all --all`."""
    command, words = find(COMMANDS, line.words)
    if "all" in line.flags:
        command = next((one for one in COMMANDS if one.path == (*command.path, "all")), command)
    return command, words


def _execute(command: Command, words: tuple[str, ...], flags: dict[str, str], output: Output) -> None:
    """Run a command; raises CLIError."""
    if command.retired:
        raise RemovedCommand(*command.retired)
    if command.run is None:
        if words:
            raise unknown_word(COMMANDS, command, words[0])
        raise UsageMistake("a command is missing; --help lists them")
    for name in flags:
        if not (BY_NAME[name].common or name in command.flags):
            raise UsageMistake(f"--{name} does nothing here")
    stdin = StandardInput()
    values = resolve(command, words, os.environ, stdin)
    for argument in command.arguments:
        if argument.secret:
            output.hide(values[argument.name])
    settings = read_settings(flags, os.environ)
    if settings.url_was_found:
        # Whoever wrote that file is sent the token.
        clear = "; http: nothing is encrypted on the way" if settings.url.scheme == "http" else ""
        output.note(f"using {settings.url.geturl()}, the address in {DEFAULT_FILE} of this folder{clear}")
    call = Invocation(values=values, flags=flags, settings=settings, output=output, stdin=stdin)
    try:
        command.run(call)
    finally:
        call.close()


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - for this flag alone.

    try:
        return version("magistrala-bootstrap")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    sys.exit(main())
