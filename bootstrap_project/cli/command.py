"""What a command is: its words, its arguments, its flags and what it does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import click
from click import UsageError

from bootstrap_project.cli.errors import RemovedCommand
from bootstrap_project.cli.options import COMMON

PROGRAM: Final = "magistrala-cli"
#: How Magistrala's tokens begin: signed ones and personal access tokens.
_TOKEN_STARTS: Final = ("eyJ", "pat_", "Bearer ")
_ABOUT_KINDS: Final = {
    "json": "JSON stands in the argument itself, in a file (`@file`), or on standard input (`-`).\n",
    "pem": "Certificates and keys stand in the argument, in a file (`@file`), or on standard input (`-`).\n",
}


class Argument(click.Argument):
    """One argument; left out at the end of a line it is taken from the variable `envvar`, where it has one.

    `kind` is "json" or "pem" for one that may stand in a file, "domain", or "secret": `-` asks for it, and no error
    shows it.
    """

    def __init__(self, name: str, *, kind: str = "", optional: bool = False, envvar: str | None = None) -> None:
        super().__init__([name], metavar=f"<{name}>", envvar=envvar)
        # click would make it lower case.
        self.name = name
        self.kind = kind
        self.optional = optional

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value; raises UsageError."""
        if self.kind == "secret":
            value = ctx.obj.stdin.secret(self.name) if value == "-" else value
            # PowerShell begins what it pipes with a mark.
            value = value.removeprefix("\ufeff")
            ctx.obj.output.hide(value)
        if self.kind == "domain" and value.startswith(_TOKEN_STARTS):
            raise UsageError(f"{self.metavar} looks like a token; the domain stands before the token")
        if not value and not self.optional:
            raise UsageError(f"{self.metavar} is empty")
        return value


JSON_CONFIG: Final = Argument("JSON_config", kind="json")
CONFIG_ID: Final = Argument("config_id")
PROFILE_ID: Final = Argument("profile_id")
#: How every operator's command ends.
OPERATOR: Final = (
    Argument("domain_id", kind="domain", envvar="MG_DOMAIN_ID"),
    Argument("user_auth_token", kind="secret", envvar="MG_TOKEN"),
)


class Command(click.Group):
    """A command and the commands below it; one without a function only groups those.

    Its help is a summary, an empty line, and examples. `removed` is the error of a command that upstream had and that
    no longer does anything.
    """

    params: list[Argument]  # type: ignore[assignment]
    commands: dict[str, Command]  # type: ignore[assignment]

    def __init__(
        self, name: str | None, *, options: Sequence[click.Option] = (), removed: Sequence[str] = (), **attrs: Any
    ) -> None:
        super().__init__(name, add_help_option=False, invoke_without_command=True, **attrs)
        self.options = options
        self.removed = removed
        self.is_group = self.callback is None and not removed
        summary, _, examples = (self.help or "").partition("\n\n")
        self.summary = summary.removesuffix(".")
        self.examples = [line.strip() for line in examples.splitlines() if line.strip()]

    def find(self, words: Iterable[str], *, every_page: bool = False) -> click.Context:
        """Return the context of the command that the first words name, the longest; its `args` are the others.

        With `every_page` a list's own command counts: `get --all` is `get all --all`.
        """
        command, path, rest = self, [PROGRAM], list(words)
        while rest and rest[0] in command.commands:
            command = command.commands[rest[0]]
            path.append(rest.pop(0))
        if every_page and "all" in command.commands:
            command = command.commands["all"]
            path.append("all")
        # Wide, because help is not wrapped: its lines are short, and programs search them.
        ctx = click.Context(command, info_name=" ".join(path), terminal_width=1000)
        ctx.args = rest
        return ctx

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words behind the command's own; nothing is asked for before all arguments are there.

        Raises: UsageError, which repeats none of them; RemovedCommand.
        """
        if self.removed:
            raise RemovedCommand(*self.removed)
        if self.is_group:
            raise self._unknown(args)
        taken = {option.name for option in (*COMMON, *self.options)}
        for name in ctx.obj.flags:
            if name not in taken:
                raise UsageError(f"--{name} does nothing here")
        more = len(args) - len(self.params)
        if more > 0:
            words = f"{more} argument{'' if more == 1 else 's'} too many"
            raise UsageError(words if self.params else "it takes no arguments")
        for argument in self.params[len(args) :]:
            if argument.value_from_envvar(ctx) is None:
                where = f", and {argument.envvar} is not set" if argument.envvar else ""
                raise UsageError(f"{argument.metavar} is missing{where}")
        return click.Command.parse_args(self, ctx, ["--", *args])

    def invoke(self, ctx: click.Context) -> None:
        """Run the command with the Invocation in `ctx.obj`; raises ClickException."""
        if self.callback is not None:
            self.callback(ctx.obj)

    def _unknown(self, words: Sequence[str]) -> UsageError:
        """Return the mistake of words that name no command; only what looks like a command is repeated."""
        if not words:
            return UsageError("a command is missing; --help lists them")
        word, known = words[0], ", ".join(self.commands)
        letters = word.replace("-", "")
        if not (len(word) <= 20 and letters.isascii() and letters.isalpha()):
            return UsageError(f"that is no command; there are: {known}")
        near = difflib.get_close_matches(word, self.commands, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {known}"
        return UsageError(f"there is no command {word}; {hint}")

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the whole line: program, words and arguments."""
        names = ["<command>"] if self.is_group else [str(argument.metavar) for argument in self.params]
        formatter.write(" ".join([ctx.command_path, *names]))

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(f"{self.summary}.\n")
        with formatter.section("Usage"):
            formatter.write(f"  {ctx.get_usage()} [flags]\n")
        if self.commands:
            with formatter.section("Commands"):
                formatter.write_dl([(name, command.summary) for name, command in self.commands.items()])
        formatter.write("".join(self._about()))
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"  {example}\n" for example in self.examples))
        common = "Flags of every command" if self.options else "Flags"
        for title, options in (("Flags", self.options), (common, COMMON)):
            if options:
                with formatter.section(title):
                    formatter.write_dl([_spelled(option, ctx) for option in options])
        formatter.write(self.epilog or "")
        if self.is_group:
            formatter.write(f"\n`{ctx.get_usage()} --help` says more about a command.\n")

    def _about(self) -> list[str]:
        """Return what there is to say about the arguments, after an empty line."""
        kinds = {argument.kind for argument in self.params}
        lines = [text for kind, text in _ABOUT_KINDS.items() if kind in kinds]
        variables = " and ".join(argument.envvar for argument in self.params if isinstance(argument.envvar, str))
        if variables:
            lines.append(f"Left out, the last ones come from {variables}; `-` for a secret asks for it.\n")
        return ["\n", *lines] if lines else []


def _spelled(option: click.Option, ctx: click.Context) -> tuple[str, str]:
    """Return a row of help, with the long flags below each other."""
    names = option.get_help_spec(ctx)
    return names if "," in names else f"    {names}", option.help or ""
