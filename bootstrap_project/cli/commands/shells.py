"""Commands for shells: `completion bash|zsh|fish`."""

from __future__ import annotations

from bootstrap_project.cli.completion import SCRIPTS
from bootstrap_project.cli.invocation import Invocation
from bootstrap_project.cli.tree import Command


def _printer(shell: str) -> Command:
    def show(call: Invocation) -> None:
        call.output.text(SCRIPTS[shell])

    where = {
        "bash": "source <(magistrala-cli completion bash)  # in ~/.bashrc",
        "zsh": "source <(magistrala-cli completion zsh)  # in ~/.zshrc, after compinit",
        "fish": "magistrala-cli completion fish > ~/.config/fish/completions/magistrala-cli.fish",
    }
    return Command(("completion", shell), f"Print the script for {shell}", show, examples=(where[shell],))


COMMANDS = (Command(("completion",), "Print a script that completes commands and flags"), *map(_printer, SCRIPTS))
