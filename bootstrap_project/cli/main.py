"""The program `magistrala-cli`: from a command line to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import takewhile
from typing import Final

import click

from bootstrap_project.cli import completion, errors
from bootstrap_project.cli.command import PROGRAM, Command
from bootstrap_project.cli.commands import configs, devices, enrollments, profiles
from bootstrap_project.cli.config import DEFAULT_FILE, read_settings
from bootstrap_project.cli.errors import CLIError
from bootstrap_project.cli.http import Service
from bootstrap_project.cli.invocation import Invocation
from bootstrap_project.cli.options import LINE, given
from bootstrap_project.cli.output import Output

_EXIT_CODES: Final = """
Exit codes:
  0  done
  1  the service refused
  2  the command line is wrong, or a file that it names
  3  the service was not reached in time, or is not ready (429, 502, 503, 504): try again later
  4  the answer cannot be read (a wrong crypto key), or cannot be written
"""
_BOOTSTRAP: Final = Command(
    "bootstrap",
    help="Configs, profiles, bindings, and what devices get.",
    commands=[*configs.COMMANDS, *devices.COMMANDS, profiles.PROFILES, enrollments.ENROLLMENTS],
)
COMMANDS: Final = Command(
    None,
    help="Command line of Magistrala's Bootstrap service.",
    epilog=_EXIT_CODES,
    commands=[_BOOTSTRAP, completion.COMPLETION],
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code (see docs/cli.md)."""
    output = Output()
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv), output)
        output.flush()
    except BrokenPipeError:
        # The reader of our output has seen enough: `magistrala-cli … | head`.
        output.abandon()
        return errors.BROKEN_PIPE
    except OSError as error:
        output.error(f"the output cannot be written: {error.strerror or error}")
        output.abandon()
        return errors.UNUSABLE
    except KeyboardInterrupt:
        output.note("interrupted")
        return errors.INTERRUPTED
    return code


def _run(argv: list[str], output: Output) -> int:
    if argv[:1] == [completion.QUESTION]:
        output.text("".join(f"{line}\n" for line in completion.candidates(COMMANDS, argv[1:])))
        return 0
    if argv[:1] == ["help"]:
        argv = [*argv[1:], "--help"]
    # A line that cannot be read is about the words before its first flag.
    ctx = COMMANDS.find(takewhile(lambda part: not part.startswith("-"), argv))
    try:
        line = LINE.make_context(None, argv)
        output.raw = line.params["raw"]
        if line.params["version"]:
            output.text(f"{PROGRAM} {_version()}\n")
            return 0
        ctx = COMMANDS.find(line.args, every_page=line.params["all"])
        if line.params["help"]:
            output.text(f"{ctx.get_help()}\n")
        else:
            _execute(ctx, given(line), output)
    except click.UsageError as error:
        output.usage(ctx.get_usage())
        output.flush()
        output.error(error.message)
        return error.exit_code
    except CLIError as error:
        output.error(error.message, *error.details)
        return error.exit_code
    return 0


def _execute(ctx: click.Context, flags: dict[str, str], output: Output) -> None:
    """Run a command; raises UsageError, CLIError."""
    call = ctx.obj = Invocation(ctx, flags, output)
    ctx.command.parse_args(ctx, ctx.args)
    settings = read_settings(flags, os.environ)
    if settings.url_was_found:
        # The author of that file is sent the token.
        url = settings.url
        clear = "; http: nothing is encrypted on the way" if url.scheme == "http" else ""
        output.note(f"using {url.geturl()}, the address in {DEFAULT_FILE} of this folder{clear}")
    with closing(Service(settings)) as call.service:
        ctx.command.invoke(ctx)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow, and for this flag alone.

    try:
        return version("magistrala-bootstrap")
    except PackageNotFoundError:
        return "(not installed)"
