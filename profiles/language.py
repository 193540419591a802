"""The shipped `docs/templates.md` as a page: headings, paragraphs, tables and code, which is all that it has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from django.utils.safestring import SafeString

from bootstrap_project.adminsite.display import prose

_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_EMPHASIS: Final = re.compile(r"(?<!\*)\*([^*]+)\*(?!\*)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A heading, a paragraph or a table; a table's first row is its head."""

    kind: str
    text: SafeString | str = ""
    rows: Sequence[Sequence[SafeString]] = ()


@cache
def language_text() -> tuple[Piece, ...]:
    """Return the page, without its own title.

    Cost: reads a small file, once for each process.
    """
    text = (files("bootstrap_project") / "docs" / "templates.md").read_text(encoding="utf-8")
    return tuple(_piece(block) for block in text.strip().split("\n\n")[1:])


def _piece(block: str) -> Piece:
    if block.startswith("#"):
        return Piece("heading", block.lstrip("# "))
    if block.startswith("|"):
        rows = [[_prose(cell.strip()) for cell in line.strip("|").split(" | ")] for line in block.split("\n")]
        return Piece("table", rows=[rows[0], *rows[2:]])
    return Piece("paragraph", _prose(" ".join(block.split())))


def _prose(text: str) -> SafeString:
    return prose(_EMPHASIS.sub(r"\1", _LINK.sub(r"\1", text)))
