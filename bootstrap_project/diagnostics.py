"""What is wrong with a text, and where: one form for the template engine, lint, previews, forms and the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

#: Characters of a line that an excerpt shows, unless its caller has more or less room.
EXCERPT_LENGTH: Final = 120


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a text.

    Units: `line` and `column` count from 1, columns in characters; `width` is that of the marked text in characters.
    """

    line: int
    column: int
    width: int = 1


#: For what is about the whole and no place in it.
NOWHERE: Final = Location(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: what is wrong, where, and how to fix it, as sentences whose code stands between backticks.

    Shape: `code` is the id of a lint rule or the kind of an error; `path` leads to a value in the data, such as
    ("Vars", "site"); `expression` is the part of a template that is meant, in canonical form.
    """

    code: str
    severity: Literal["error", "warning"]
    message: str
    hint: str = ""
    location: Location = NOWHERE
    path: tuple[str, ...] = ()
    expression: str = ""


class Excerpt(NamedTuple):
    """A line, cut around a place, and the carets to be shown below it; both are empty where there is no such line."""

    text: str
    caret: str


def excerpt(source: str, location: Location, *, length: int = EXCERPT_LENGTH) -> Excerpt:
    """Return the line of `source` at a location; of a line longer than `length`, the part around it."""
    lines = source.split("\n")
    if not 0 < location.line <= len(lines):
        return Excerpt("", "")
    line = lines[location.line - 1].removesuffix("\r")
    offset = min(max(0, location.column - 1), len(line))
    start = 0 if len(line) <= length or offset < length * 3 // 4 else offset - length // 2
    shown = line[start : start + length]
    # Tabs stay tabs in the padding, so that the caret lines up whatever their width.
    padding = "".join("\t" if character == "\t" else " " for character in shown[: offset - start])
    width = max(1, min(location.width, len(shown) - len(padding)))
    before, after = "…" if start else "", "…" if start + length < len(line) else ""
    return Excerpt(f"{before}{shown}{after}", f"{' ' if start else ''}{padding}{'^' * width}")
