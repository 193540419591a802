"""Where in the rendered text an action stands: by itself between quotes, or without any."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from bootstrap_project.gotemplate.nodes import ActionNode
from bootstrap_project.rendering.analysis.outline import ACTION, CLOSE, ELSE, OPEN, Outline

_BLANKS: Final = (" ", "\t", "\r")
_ENDS: Final = ("\n", "")


class Place(NamedTuple):
    """An action that is a value, or with which one begins; `is_whole` says that nothing else is in it.

    `quote` is the mark around it, "" where there is none. `text` is the whole value where it stands on one line and in
    no branches, with a mark for each action; `at` is where in the outline it begins.
    """

    node: ActionNode
    quote: str
    is_first: bool
    is_whole: bool
    text: str = ""
    at: int = 0


def places(outline: Outline, template_format: str) -> Iterator[Place]:
    """Yield the places of the actions that print a value of the format; those in comments, keys and texts have none.

    Cost: one pass over the outline.
    """
    scanner = _SCANNERS[template_format](outline)
    # A branch begins where the one before it began.
    saved: list[_Scanner] = []
    skipped_until = 0
    for at, char in enumerate(outline.text):
        if char == OPEN:
            saved.append(copy.copy(scanner))
        elif char == ELSE:
            scanner = copy.copy(saved[-1])
        elif char == CLOSE:
            # Where the text was cut, blocks are left open, and none is closed that was not opened.
            saved.pop()
        elif at >= skipped_until:
            found = scanner.step(at, char)
            skipped_until = at + scanner.skipped
            if found is not None:
                yield found


@dataclass(slots=True)
class _Scanner:
    """Knows at each character what it is part of; `mode` is the state, `depth` the open brackets."""

    outline: Outline
    mode: str = "start"
    depth: str = ""
    previous: str = ""
    #: Where the value or the text in quotes began, and how much of it there is.
    start: int = 0
    length: int = 0
    is_escaped: bool = False
    #: Characters that are done with, the current one included.
    skipped: int = 1

    def step(self, at: int, char: str) -> Place | None:
        raise NotImplementedError

    def follows(self, at: int, allowed: str) -> bool:
        """Return whether the next character, spaces left out, is one of `allowed` or the end of the text."""
        following = self.outline.following(at)
        return not following or following in allowed

    def quoted(self, at: int, quote: str, allowed: str) -> Place | None:
        """Return the place of an action in quotes, where it is all that they hold."""
        ahead = self.outline.ahead(at)
        index, closing = next(ahead, (0, ""))
        if self.length or closing != quote[0]:
            return None
        following = next((char for _, char in self.outline.ahead(index) if char not in _BLANKS), "")
        if following and following not in allowed:
            return None
        return Place(self.outline.actions[at], quote, is_first=True, is_whole=True)

    def bare(self, at: int, *, is_whole: bool, text: str = "", is_first: bool = True) -> Place:
        return Place(self.outline.actions[at], "", is_first, is_whole, text, self.start)

    def step_in_quotes(self, char: str, *, then: str) -> None:
        """Take a character between double quotes; the closing one, unless escaped, leads to the mode `then`."""
        self.length += 1
        if self.is_escaped:
            self.is_escaped = False
        elif char == "\\":
            self.is_escaped = True
        elif char == '"':
            self.mode = then

    def push(self, opening: str) -> None:
        self.depth += opening

    def pop(self) -> None:
        self.depth = self.depth[:-1]


class _Json(_Scanner):
    """JSON: texts in double quotes, and everything else."""

    __slots__ = ()

    def step(self, at: int, char: str) -> Place | None:
        if self.mode == "text":
            return self.inside(at, char)
        found = None
        if char == '"':
            self.mode, self.length = "text", 0
            self.start = at if not self.previous or self.previous in ":[{,(=" else -1
        elif char == ACTION:
            self.start = at
            is_value = (not self.previous or self.previous in ":[{,") and self.follows(at, ",]}:")
            found = self.bare(at, is_whole=True) if is_value else None
        if char not in " \t\r\n":
            self.previous = char
        return found

    def inside(self, at: int, char: str) -> Place | None:
        found = self.quoted(at, '"', ",]}):\n") if char == ACTION and self.start >= 0 else None
        self.step_in_quotes(char, then="start")
        return found


class _Toml(_Scanner):
    """TOML: keys up to the equals sign, values behind it, arrays and tables on several lines."""

    __slots__ = ()

    def step(self, at: int, char: str) -> Place | None:
        self.skipped = 1
        if self.mode in {'"', "'", '"""', "'''"}:
            return self.inside(at, char)
        if char == "\n":
            self.mode = "value" if self.depth else "start"
        elif self.mode == "comment":
            pass
        elif char == "#":
            self.mode = "comment"
        elif self.mode == "start":
            self.mode = "value" if char == "=" else "start"
        else:
            return self.value(at, char)
        return None

    def value(self, at: int, char: str) -> Place | None:
        is_first = self.mode == "value"
        found = None
        if char in _BLANKS:
            return None
        if char in "[{":
            self.push(char)
            self.mode = "value" if char == "[" else "start"
        elif char in "]}":
            self.pop()
            self.mode = "after"
        elif char == ",":
            self.mode = "start" if self.depth.endswith("{") else "value"
        elif is_first and char in "\"'":
            triple = self.outline.text.startswith(char * 3, at)
            self.mode, self.length = char * 3 if triple else char, 0
            self.skipped = 3 if triple else 1
        else:
            self.mode = "after"
            if is_first and char == ACTION:
                self.start = at
                following = next((c for _, c in self.outline.ahead(at) if c not in _BLANKS), "")
                found = self.bare(at, is_whole=True) if not following or following in ",]}#\n" else None
        return found

    def inside(self, at: int, char: str) -> Place | None:
        found = self.quoted(at, self.mode, ",]}#\n") if char == ACTION and len(self.mode) == 1 else None
        self.length += 1
        if self.is_escaped:
            self.is_escaped = False
        elif char == "\\" and self.mode[0] == '"':
            self.is_escaped = True
        elif self.outline.text.startswith(self.mode, at):
            self.skipped = len(self.mode)
            self.mode = "after"
        elif char == "\n" and len(self.mode) == 1:
            self.mode = "start"
        return found


@dataclass(slots=True)
class _Yaml(_Scanner):
    """YAML: plain and quoted texts, flow style, comments, and block texts by their indentation."""

    column: int = 0
    #: The column of the key or the dash that a block text would belong to, and that of the value being read.
    parent: int = -1
    own: int = 0

    def step(self, at: int, char: str) -> Place | None:
        if self.mode == "block" and not self.column and self._indentation(at, char) <= self.parent:
            self.mode = "start"
        found = getattr(self, f"_{self.mode}")(at, char)
        self.column = 0 if char == "\n" else self.column + 1
        self.previous = char
        return found if isinstance(found, Place) else None

    def _indentation(self, at: int, char: str) -> int:
        """Return how far the line that begins here is indented; empty lines belong to whatever is around them."""
        column = 0
        for _, one in self._line(at, char):
            if one != " ":
                break
            column += 1
        else:
            return self.parent + 1
        return self.parent + 1 if one in "\r\n" else column

    def _line(self, at: int, char: str) -> Iterator[tuple[int, str]]:
        yield at, char
        yield from self.outline.ahead(at)

    def _next(self, at: int) -> str:
        return next((char for _, char in self.outline.ahead(at)), "")

    def _start(self, at: int, char: str) -> Place | None:
        if char == "\n" or char in _BLANKS:
            return None
        if not self.column and self.outline.text.startswith("---", at):
            self.parent = -1
        if char == "#" and self.previous in {"", "\n", *_BLANKS}:
            self.mode = "comment"
        elif char in "-?" and self._next(at) in {*_BLANKS, *_ENDS}:
            self.parent = self.column
        elif char in "[{":
            self.push(char)
        elif char in "]}" and self.depth:
            self.pop()
            self.mode = "after"
        elif char in "|>" and not self.depth:
            self.mode = "head"
        elif char in "&!":
            self.mode = "property"
        elif char in "\"'":
            self.mode, self.start, self.own, self.length = "double" if char == '"' else "single", at, self.column, 0
        elif char != "," or not self.depth:
            self.mode, self.start, self.own = "plain", at, self.column
            return self._plain(at, char)
        return None

    def _plain(self, at: int, char: str) -> Place | None:
        if char == "\n":
            self.mode = "start"
        elif char == ":" and (self._next(at) in {*_BLANKS, *_ENDS} or (self.depth and self._next(at) in ",]}[{")):
            self.mode, self.parent = "start", self.own
        elif char == "#" and self.previous in _BLANKS:
            self.mode = "comment"
        elif self.depth and char == ",":
            self.mode = "start"
        elif self.depth and char in "]}":
            self.pop()
            self.mode = "after"
        elif char == ACTION:
            return self._plain_value(at)
        return None

    def _plain_value(self, at: int) -> Place | None:
        """Return the place of an action in a plain text, which is a value unless a colon follows it."""
        end, previous = at + 1, ACTION
        for index, char in self.outline.ahead(at):
            if previous == ":" and char in {*_BLANKS, "\n"}:
                return None
            if char == "\n" or (char == "#" and previous in _BLANKS) or (self.depth and char in ",]}"):
                break
            end = index + 1 if char not in _BLANKS else end
            previous = char
        text = self.outline.text[self.start : end]
        is_plain = not any(mark in text for mark in (OPEN, ELSE, CLOSE, "\n"))
        is_first = at == self.start
        return self.bare(at, is_whole=is_first and end == at + 1, text=text if is_plain else "", is_first=is_first)

    def _double(self, at: int, char: str) -> Place | None:
        found = self.quoted(at, '"', ",]}:#\n") if char == ACTION else None
        self.step_in_quotes(char, then="after")
        return found

    def _single(self, at: int, char: str) -> Place | None:
        found = self.quoted(at, "'", ",]}:#\n") if char == ACTION else None
        self.length += 1
        if char == "'":
            self.mode = "after"
        return found

    def _after(self, at: int, char: str) -> None:
        if char == "'" and self.previous == "'":
            # Two of them stand for one.
            self.mode = "single"
        elif char == ":":
            self.mode, self.parent = "start", self.own
        elif char == "\n" or (char == "," and self.depth):
            self.mode = "start"
        elif char in "]}":
            self.pop()
        elif char == "#" and self.previous in _BLANKS:
            self.mode = "comment"

    def _property(self, _at: int, char: str) -> None:
        if char == "\n" or char in _BLANKS:
            self.mode = "start"

    def _comment(self, _at: int, char: str) -> None:
        if char == "\n":
            self.mode = "start"

    def _head(self, _at: int, char: str) -> None:
        if char == "\n":
            self.mode = "block"

    def _block(self, _at: int, _char: str) -> None:
        """Go on: every character is part of the text."""


_SCANNERS: Final[dict[str, type[_Scanner]]] = {"json": _Json, "toml": _Toml, "yaml": _Yaml}
#: The formats whose values have places.
SCANNED: Final = frozenset(_SCANNERS)
