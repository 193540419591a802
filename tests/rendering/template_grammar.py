"""Random templates: most of them parse, few of them make sense."""

from __future__ import annotations

import random

from bootstrap_project.gotemplate import FUNCTIONS

_PATHS = [
    ".", "$", ".Vars", "$.Vars", ".Vars.text", ".Vars.site", ".Vars.mqtt.host", ".Vars.list", ".Vars.items", ".x.y",
    ".Bindings", ".Bindings.m", ".Bindings.m.ID", ".Bindings.o.Snapshot.name", ".Bindings.c.Snapshot.metadata.a",
    ".Bindings.n.Secret.secret", ".Device", ".Device.ID", ".Device.Nope", ".Nope", "$.Bindings.nope",
]  # fmt: skip
_LITERALS = ['"text"', '"m"', '"site"', '""', "`%s %d`", "0", "1", "2.5", "true", "false", "nil", "'a'", "1i", "0x1p4"]
_FUNCTIONS = sorted(FUNCTIONS)
_TEXT = ["", " ", "text", '"', "'", "\n", '{"a": "', '"}', "a: '", "é\n  "]


def random_template(chance: random.Random) -> str:
    """Return a template of a few actions and definitions."""
    size = chance.randrange(1, 6)
    parts = [_block(chance, 3) for _ in range(size)]
    if chance.random() < 0.4:
        parts.insert(0, f'{{{{ define "t" }}}}{_block(chance, 2)}{{{{ end }}}}')
    return "".join(parts)


def _block(chance: random.Random, depth: int) -> str:
    return "".join(_part(chance, depth) for _ in range(chance.randrange(1, 4)))


def _part(chance: random.Random, depth: int) -> str:
    kind = chance.randrange(12) if depth else chance.randrange(6)
    if kind < 2:
        return chance.choice(_TEXT)
    if kind < 5:
        return f"{{{{ {_pipe(chance, 3)} }}}}"
    if kind == 5:
        return f"{{{{ $v := {_pipe(chance, 2)} }}}}{{{{ $v }}}}"
    if kind == 6:
        return f'{{{{ template "t" {_pipe(chance, 1)} }}}}'
    if kind == 7:
        branch = f"{{{{ if {_pipe(chance, 2)} }}}}{{{{ $w = {_pipe(chance, 2)} }}}}{{{{ end }}}}"
        return f"{{{{ $w := 1 }}}}{branch}{{{{ $w.a }}}}"
    word = chance.choice(["if", "with", "range", "range $i, $e :=", "with $x :="])
    inside = _block(chance, depth - 1)
    if word.startswith("range"):
        inside += chance.choice(["", "", "{{ break }}", "{{ continue }}"]) + _block(chance, depth - 1)
        inside += "{{ $e }}{{ $i }}" if "$e" in word else ""
    other = f"{{{{ else }}}}{_block(chance, depth - 1)}" if chance.random() < 0.4 else ""
    return f"{{{{ {word} {_pipe(chance, 2)} }}}}{inside}{other}{{{{ end }}}}"


def _pipe(chance: random.Random, depth: int) -> str:
    commands = [_command(chance, depth)]
    while chance.random() < 0.25:
        commands.append(_call(chance, depth))
    return " | ".join(commands)


def _command(chance: random.Random, depth: int) -> str:
    return _call(chance, depth) if chance.random() < 0.5 else _operand(chance, depth)


def _call(chance: random.Random, depth: int) -> str:
    operands = [_operand(chance, depth) for _ in range(chance.randrange(4))]
    return " ".join([chance.choice(_FUNCTIONS), *operands])


def _operand(chance: random.Random, depth: int) -> str:
    roll = chance.random()
    if depth and roll < 0.3:
        return f"({_pipe(chance, depth - 1)})" + chance.choice(["", "", ".ID", ".Snapshot.name", ".a.b"])
    return chance.choice(_PATHS if roll < 0.75 else _LITERALS)
