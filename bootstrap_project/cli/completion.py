"""Completion in shells: small scripts that ask the program itself, so they never fall behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bootstrap_project.cli.arguments import BY_NAME, FLAGS
from bootstrap_project.cli.tree import Command, children, find

#: The first word of the question that the scripts ask: the words so far, the last one unfinished.
QUESTION: Final = "__complete"

SCRIPTS: Final = {
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


def candidates(commands: Sequence[Command], words: Sequence[str]) -> Iterator[str]:
    """Yield what may stand in place of the last word, with a tab and its summary."""
    *before, unfinished = words or ("",)
    if before and before[-1].startswith("--"):
        flag = BY_NAME.get(before[-1][2:])
        if flag and flag.value:
            yield from _beginning(unfinished, [(choice, flag.summary) for choice in flag.choices])
            return
    if unfinished.startswith("@"):
        yield from _files(unfinished[1:])
        return
    command, rest = find(commands, _words(before))
    if unfinished.startswith("-"):
        flags = [flag for flag in FLAGS if flag.common or flag.name in command.flags]
        yield from _beginning(unfinished, [(f"--{flag.name}", flag.summary) for flag in flags])
    elif not rest:
        yield from _beginning(unfinished, [(one.path[-1], one.summary) for one in children(commands, command.path)])


def _words(parts: Sequence[str]) -> list[str]:
    """Return the words among the parts of an unfinished line."""
    words: list[str] = []
    skip = False
    for part in parts:
        if skip:
            skip = False
        elif part.startswith("-") and part != "-":
            flag = next((one for one in FLAGS if part in {f"--{one.name}", f"-{one.short}"}), None)
            skip = bool(flag and flag.value)
        else:
            words.append(part)
    return words


def _beginning(start: str, choices: Sequence[tuple[str, str]]) -> Iterator[str]:
    return (f"{word}\t{summary}" for word, summary in choices if word.startswith(start))


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
