"""Completion in shells: small scripts that ask the program itself, so they never fall behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, cast

from bootstrap_project.cli.command import Command
from bootstrap_project.cli.invocation import Invocation
from bootstrap_project.cli.options import COMMON, LINE

#: The first word of the question that the scripts ask: the words so far, the last one unfinished.
QUESTION: Final = "__complete"

_SCRIPTS: Final = {
    "bash": """\
# Completes magistrala-cli in bash: source <(magistrala-cli completion bash)
_magistrala_cli() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${line%%$'\\t'*}")
    done < <(magistrala-cli __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [ "${#COMPREPLY[@]}" -eq 1 ] && [ "${COMPREPLY[0]%/}" != "${COMPREPLY[0]}" ]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o default -F _magistrala_cli magistrala-cli
""",
    "zsh": """\
#compdef magistrala-cli
# Completes magistrala-cli in zsh: source <(magistrala-cli completion zsh), after compinit
_magistrala_cli() {
    local line word
    local -a found shown
    while IFS= read -r line; do
        word=${line%%$'\\t'*}
        found+=("$word")
        shown+=("$word  ${line#*$'\\t'}")
    done < <(magistrala-cli __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#found} )); then
        compadd -l -d shown -a found
    else
        _files
    fi
}
compdef _magistrala_cli magistrala-cli
""",
    "fish": """\
# Completes magistrala-cli in fish: magistrala-cli completion fish | source
function __magistrala_cli
    set -l words (commandline -opc) (commandline -ct)
    magistrala-cli __complete $words[2..-1] 2>/dev/null
end
complete -c magistrala-cli -a '(__magistrala_cli)'
""",
}

#: Where each is loaded.
_EXAMPLES: Final = {
    "bash": "source <(magistrala-cli completion bash)  # in ~/.bashrc",
    "zsh": "source <(magistrala-cli completion zsh)  # in ~/.zshrc, after compinit",
    "fish": "magistrala-cli completion fish > ~/.config/fish/completions/magistrala-cli.fish",
}


def _printer(shell: str) -> Command:
    def show(call: Invocation) -> None:
        call.output.text(_SCRIPTS[shell])

    return Command(shell, help=f"Print the script for {shell}.\n\n{_EXAMPLES[shell]}", callback=show)


COMPLETION: Final = Command(
    "completion",
    help="Print a script that completes commands and flags.",
    commands=[_printer(shell) for shell in _SCRIPTS],
)


def candidates(commands: Command, words: Sequence[str]) -> Iterator[str]:
    """Yield what may stand in place of the last word, with a tab and its summary."""
    *before, unfinished = words or ("",)
    line = LINE.make_context(None, list(before), resilient_parsing=True, ignore_unknown_options=True)
    for option in LINE.params:
        if option.metavar and before[-1:] == option.opts[-1:]:
            values = option.shell_complete(line, unfinished)
            yield from _beginning(unfinished, ((item.value, option.help) for item in values))
            return
    if unfinished.startswith("@"):
        yield from _files(unfinished[1:])
        return
    ctx = commands.find(word for word in line.args if not word.startswith("-") or word == "-")
    command = cast("Command", ctx.command)
    if unfinished.startswith("-"):
        flags = (option for option in LINE.params if option in COMMON or option in command.options)
        yield from _beginning(unfinished, ((option.opts[-1], option.help) for option in flags))
    elif not ctx.args:
        yield from _beginning(unfinished, ((one.name, one.summary) for one in command.commands.values()))


def _beginning(start: str, choices: Iterable[tuple[str | None, str | None]]) -> Iterator[str]:
    return (f"{word}\t{summary}" for word, summary in choices if word and word.startswith(start))


def _files(start: str) -> Iterator[str]:
    """Yield `@` and the paths that begin so."""
    folder, _, name = start.rpartition("/")
    root = Path(folder or ("/" if start.startswith("/") else "."))
    prefix = start[: len(start) - len(name)]
    try:
        entries = sorted(root.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(name) and (name or not entry.name.startswith(".")):
            yield f"@{prefix}{entry.name}{'/' if entry.is_dir() else ''}\tfile"
