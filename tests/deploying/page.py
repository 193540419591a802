"""Reads the commands of the page on deploying, with what each prints and why one is not run."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLOCK = re.compile(r"(?:<!-- (?P<note>.+?) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One command; `expected` are the lines that it must print, in which "…" stands for anything."""

    text: str
    expected: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """One block of the page; `note` is the comment before it."""

    kind: str
    note: str
    text: str

    @property
    def reason(self) -> str:
        """Why it is not run; empty where it is."""
        return self.note.removeprefix("not run: ") if self.note.startswith("not run: ") else ""

    @property
    def program(self) -> str:
        """The program without which it cannot be run here; empty where there is none."""
        return self.note.removeprefix("needs: ") if self.note.startswith("needs: ") else ""

    def commands(self) -> list[Command]:
        """Return the commands of a console."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
        return [Command(text, tuple(expected)) for text, expected in found]


def blocks(page: str) -> list[Block]:
    """Return all blocks of a page, in order."""
    return [Block(found["kind"], found["note"] or "", found["text"]) for found in _BLOCK.finditer(page)]


def is_printed(expected: tuple[str, ...], printed: str) -> bool:
    """Tell whether the lines were printed in this order, whatever stands between them."""
    lines = iter(printed.splitlines())
    for line in expected:
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        if line != "…" and not any(pattern.fullmatch(one) for one in lines):
            return False
    return True
