"""The flags of a command line: which there are, and how they are found among the words."""

from __future__ import annotations

import difflib
from typing import Final

import click
from click.parser import _OptionParser, _ParsingState

from bootstrap_project.documents.kinds import KINDS, any_of


def _flag(names: str, value: str, text: str, *choices: str) -> click.Option:
    """Return a flag; `value` names what follows it, "" for a switch.

    `choices` are for completion alone: the service may know more of them.
    """
    return click.Option(
        names.split(),
        metavar=value or None,
        is_flag=None if value else True,
        help=text,
        shell_complete=lambda _ctx, _option, start: [word for word in choices if word.startswith(start)],
    )


#: Every command takes these.
COMMON: Final = (
    _flag("-b --bootstrap-url", "URL", "Where the service is (MG_BOOTSTRAP_URL; else http://localhost:9013)"),
    _flag("-c --config", "FILE", "TOML file with `[remotes] bootstrap_url` (./config.toml where there is one)"),
    _flag("-x --curl", "", "Show each request as a curl command on standard error, without its secrets"),
    _flag("-h --help", "", "Show what the command does and takes"),
    _flag("-i --insecure", "", "Do not check the service's TLS certificate"),
    _flag("-r --raw", "", "Output for programs: JSON on one line, a bare id, no blank lines, no colours"),
    _flag("--timeout", "SECONDS", "How long to wait for each answer (30)"),
    _flag("--version", "", "Show the version"),
)
ALL: Final = _flag("-a --all", "", "Read every page, not one")
LIMIT: Final = _flag("-l --limit", "N", "How many to list, 1 to 100 (10); with --all, how many to ask for at a time")
NAME: Final = _flag("-n --name", "TEXT", "Only names that contain this")
OFFSET: Final = _flag("-o --offset", "N", "How many to skip (0)")
STATUS: Final = _flag(
    "-S --status", "STATUS", "Only this status: enabled (default), disabled or all", "enabled", "disabled", "all"
)
FORMAT: Final = _flag("-f --format", "FORMAT", f"What the file is: {any_of(KINDS)}", *KINDS)


class _Parser(_OptionParser):
    """click's parser, except that a certificate (`-----BEGIN …`) is an argument and `-l=5` is `-l 5`.

    click has no public way to say so.
    """

    def _process_opts(self, arg: str, state: _ParsingState) -> None:
        known = arg.partition("=")[0] in self._long_opt or arg[:2] in self._short_opt
        if known or len(arg.split(maxsplit=1)) < 2:
            super()._process_opts(arg, state)
        else:
            state.largs.append(arg)

    def _match_short_opt(self, arg: str, state: _ParsingState) -> None:
        for end, letter in enumerate(arg[1:], start=2):
            option = self._short_opt.get(f"-{letter}")
            if option is None or option.takes_value:
                if option is not None and arg[end : end + 1] == "=":
                    state.rargs.insert(0, arg[end + 1 :])
                    arg = arg[:end]
                break
        super()._match_short_opt(arg, state)


class Line(click.Command):
    """A whole line, read before its command is known, so that flags may stand anywhere in it.

    What follows `--` is a word even if it begins with a dash. Of a flag given twice the last one counts.
    """

    def make_parser(self, ctx: click.Context) -> _OptionParser:
        parser = _Parser(ctx)
        for option in self.params:
            option.add_to_parser(parser, ctx)
        return parser

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the flags; raises UsageError without click's words, which repeat what may be a secret."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            known = [name for option in self.params for name in option.opts]
            near = difflib.get_close_matches(error.option_name, known, n=1)
            # What is near to a flag is no secret.
            text = (
                f"there is no such flag: {error.option_name}; did you mean {near[0]}?"
                if near
                else "there is no such flag; an argument that begins with a dash stands behind `--`"
            )
        except click.BadOptionUsage as error:
            option = next(one for one in self.params if error.option_name in one.opts)
            text = f"{option.opts[-1]} {f'needs a value: {option.metavar}' if option.metavar else 'takes no value'}"
        raise click.UsageError(text)


LINE: Final = Line(
    None,
    params=[*COMMON, ALL, LIMIT, NAME, OFFSET, STATUS, FORMAT],
    add_help_option=False,
    context_settings={"allow_extra_args": True},
)


def given(line: click.Context) -> dict[str, str]:
    """Return the flags that stand on a line, in their order; a switch is True."""
    return {name: value for name, value in line.params.items() if value not in {None, False}}
