"""Lexer: template text to tokens, as Go's text/template/parse splits it."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final, NamedTuple

from bootstrap_project.diagnostics import Location

from .go.strconv import is_word, quote, unicode_name
from .limits import Limits

# Kinds of token. Keywords are kinds of their own, spelled as in the template.
TEXT, LEFT, RIGHT, EOF, ERROR, SPACE = "text", "{{", "}}", "EOF", "error", "space"
FIELD, VARIABLE, IDENTIFIER, DOT, NIL, BOOL = "field", "variable", "identifier", ".", "nil", "bool"
NUMBER, COMPLEX, CHARACTER, STRING, RAW_STRING = "number", "complex", "character", "string", "raw string"
PIPE, ASSIGN, DECLARE, LEFT_PAREN, RIGHT_PAREN, CHAR = "|", "=", ":=", "(", ")", "char"

KEYWORDS: Final = frozenset(
    ["block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with", DOT]
)

_SPACES: Final = " \t\r\n"
_TERMINATORS: Final = frozenset(_SPACES + ".,|:)(") | {""}
_SCAN_NUMBER: Final = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?"
    r"|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_QUOTED: Final = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_CHARACTER: Final = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")
_WORD_RUN: Final = re.compile(r"\w*")
# What nearly every action consists of, several times as fast as `other`, which scans the rest.
_COMMON: Final = re.compile(
    r"(?P<space>[ \t\r\n]+(?!-\}\}))"
    r"|(?P<field>\.[A-Za-z_][A-Za-z0-9_]*)(?=[ \t\r\n.|)(]|\}\})"
    r"|(?P<right>\}\})"
    r"|(?P<identifier>[A-Za-z_][A-Za-z0-9_]*)(?=[ \t\r\n.|)(]|\}\})"
    r"|(?P<variable>\$[A-Za-z0-9_]*)(?=[ \t\r\n.,|)(:]|\}\})"
    r'|(?P<string>"[^"\\\n]*")'
)


class Token(NamedTuple):
    """One lexical element; `pos` is the offset of its first character in the source."""

    kind: str
    pos: int
    value: str

    def describe(self) -> str:
        """Return the token as Go names it in error messages."""
        if self.kind == EOF:
            return "EOF"
        if self.kind == ERROR:
            return self.value
        if self.kind in KEYWORDS:
            return f"<{self.value}>"
        if len(self.value.encode("utf-8", "surrogateescape")) > 10:
            return quote(self.value[:10]) + "..."
        return quote(self.value)


class Source:
    """The text of a template and where its lines begin."""

    __slots__ = ("name", "starts", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]

    def position(self, pos: int) -> tuple[int, int]:
        """Return the line and column of an offset, both counted from 1, the column in characters."""
        line = bisect_right(self.starts, pos)
        return line, pos - self.starts[line - 1] + 1

    def byte_column(self, pos: int) -> int:
        """Return how many bytes stand before the offset on its line: the column of Go's messages."""
        start = self.starts[bisect_right(self.starts, pos) - 1]
        return len(self.text[start:pos].encode("utf-8", "surrogateescape"))

    def location(self, pos: int, text: str = "") -> Location:
        """Return the place of an offset, as wide as `text` where that stands there letter by letter."""
        return Location(*self.position(pos), max(1, len(text)) if self.text.startswith(text, pos) else 1)


class _Stop(Exception):
    """The scan cannot go on: a token of kind ERROR ends the list."""

    def __init__(self, pos: int, message: str) -> None:
        super().__init__(message)
        self.pos = pos
        self.message = message


def tokenize(text: str, limits: Limits) -> list[Token]:
    """Split a template into tokens; the last one is of kind EOF, or ERROR with the message as its value.

    Source: Go text/template/parse, lex.go.
    """
    lexer = _Lexer(text, limits.max_tokens)
    try:
        lexer.run()
    except _Stop as stop:
        lexer.tokens.append(Token(ERROR, stop.pos, stop.message))
    return lexer.tokens


def _kind_of(word: str) -> str:
    return word if word in KEYWORDS else BOOL if word in {"true", "false"} else IDENTIFIER


class _Lexer:
    __slots__ = ("depth", "max_tokens", "text", "tokens")

    def __init__(self, text: str, max_tokens: int) -> None:
        self.text = text
        self.tokens: list[Token] = []
        self.depth = 0
        self.max_tokens = max_tokens

    def run(self) -> None:
        """Scan text until an opening delimiter, then the action, and again."""
        text, pos = self.text, 0
        while (at := text.find("{{", pos)) >= 0:
            trim = text.startswith("-", at + 2) and text[at + 3 : at + 4] in tuple(_SPACES)
            chunk = text[pos:at].rstrip(_SPACES) if trim else text[pos:at]
            if chunk:
                self.tokens.append(Token(TEXT, pos, chunk))
            inside = at + 4 if trim else at + 2
            if text.startswith("/*", inside):
                pos = self.comment(inside)
            else:
                self.tokens.append(Token(LEFT, at, "{{"))
                self.depth = 0
                pos = self.action(inside)
            if len(self.tokens) > self.max_tokens:
                raise _Stop(at, f"template has more than {self.max_tokens} elements")
        if pos < len(text):
            self.tokens.append(Token(TEXT, pos, text[pos:]))
        self.tokens.append(Token(EOF, len(text), ""))

    def comment(self, pos: int) -> int:
        """Skip a comment and return where the text goes on."""
        end = self.text.find("*/", pos + 2)
        if end < 0:
            raise _Stop(pos, "unclosed comment")
        end += 2
        if self.closes_trimming(end):
            return self.skip_spaces(end + 4)
        if self.text.startswith("}}", end):
            return end + 2
        raise _Stop(pos, "comment ends before closing delimiter")

    def closes_trimming(self, pos: int) -> bool:
        """Return whether ` -}}` stands here."""
        return self.text.startswith("-}}", pos + 1) and self.text[pos] in _SPACES

    def skip_spaces(self, pos: int) -> int:
        text = self.text
        while pos < len(text) and text[pos] in _SPACES:
            pos += 1
        return pos

    def action(self, pos: int) -> int:
        """Scan the inside of an action and return where the text goes on."""
        match, push, tokens = _COMMON.match, self.tokens.append, self.tokens
        text = self.text
        while True:
            found = match(text, pos)
            if found is None:
                if self.closes_trimming(pos):
                    return self.skip_spaces(self.close(pos, pos + 2))
                pos = self.other(pos)
                if len(tokens) > self.max_tokens:
                    raise _Stop(pos, f"template has more than {self.max_tokens} elements")
                continue
            kind, value = found.lastgroup, found.group()
            if kind == "identifier":
                kind = _kind_of(value)
            elif kind == "right":
                return self.close(pos, pos)
            push(Token(kind or "", pos, value))
            pos = found.end()

    def close(self, start: int, pos: int) -> int:
        """End the action that closes from `start` on; return where the text goes on."""
        if self.depth:
            raise _Stop(start, "unclosed left paren")
        self.tokens.append(Token(RIGHT, pos, "}}"))
        return pos + 2

    def other(self, pos: int) -> int:
        """Scan one element that is not among the common ones; return where it ends."""
        char = self.text[pos : pos + 1]
        if not char:
            raise _Stop(pos, "unclosed action")
        if char in _SPACES:
            # The last space of the run belongs to the trim marker that follows it.
            end = self.skip_spaces(pos) - 1
            return self.push(SPACE, pos, end)
        if char in "\"`'":
            return self.quoted(char, pos)
        if char == "." and not self.text[pos + 1 : pos + 2].isdecimal() and pos + 1 < len(self.text):
            return self.name(FIELD, pos)
        if char == "$":
            return self.name(VARIABLE, pos)
        if char in "+-.0123456789":
            return self.number(pos)
        if is_word(char):
            return self.identifier(pos)
        return self.symbol(char, pos)

    def push(self, kind: str, start: int, end: int) -> int:
        self.tokens.append(Token(kind, start, self.text[start:end]))
        return end

    def symbol(self, char: str, pos: int) -> int:
        if char == ":":
            if not self.text.startswith("=", pos + 1):
                raise _Stop(pos, "expected :=")
            return self.push(DECLARE, pos, pos + 2)
        if char == "(":
            self.depth += 1
        elif char == ")":
            self.depth -= 1
            if self.depth < 0:
                raise _Stop(pos, "unexpected right paren")
        elif char not in "=|" and not " " <= char <= "~":
            raise _Stop(pos, f"unrecognized character in action: {unicode_name(char)}")
        return self.push(char if char in "=|()" else CHAR, pos, pos + 1)

    def word_end(self, pos: int) -> int:
        """Return where the run of letters, digits and underscores ends."""
        found = _WORD_RUN.match(self.text, pos)
        end = found.end() if found else pos
        run = self.text[pos:end]
        if not run.isascii():
            # A word of Python's regular expressions is a little wider than Go's.
            end = pos
            while end < len(self.text) and is_word(self.text[end]):
                end += 1
        return end

    def check_terminator(self, start: int, pos: int) -> None:
        """Refuse a name that runs into something that cannot follow a name."""
        if not self.at_terminator(pos):
            raise _Stop(start, f"bad character {unicode_name(self.text[pos : pos + 1])}")

    def at_terminator(self, pos: int) -> bool:
        return self.text[pos : pos + 1] in _TERMINATORS or self.text.startswith("}}", pos)

    def name(self, kind: str, pos: int) -> int:
        """Scan a field or a variable, whose first character stands at `pos`."""
        if self.at_terminator(pos + 1):
            return self.push(DOT if kind == FIELD else VARIABLE, pos, pos + 1)
        end = self.word_end(pos + 1)
        self.check_terminator(pos, end)
        return self.push(kind, pos, end)

    def identifier(self, pos: int) -> int:
        end = self.word_end(pos)
        self.check_terminator(pos, end)
        return self.push(_kind_of(self.text[pos:end]), pos, end)

    def number(self, pos: int) -> int:
        """Scan a number, loosely: the parser refuses what only looks like one."""
        end = self.number_end(pos, pos)
        if self.text[end : end + 1] in ("+", "-"):
            end = self.number_end(pos, end)
            if self.text[end - 1] != "i":
                raise _Stop(pos, f"bad number syntax: {quote(self.text[pos:end])}")
            return self.push(COMPLEX, pos, end)
        return self.push(NUMBER, pos, end)

    def number_end(self, start: int, pos: int) -> int:
        found = _SCAN_NUMBER.match(self.text, pos)
        end = found.end() if found else pos
        if end < len(self.text) and is_word(self.text[end]):
            raise _Stop(start, f"bad number syntax: {quote(self.text[start : end + 1])}")
        return end

    def quoted(self, char: str, pos: int) -> int:
        if char == "`":
            end = self.text.find("`", pos + 1) + 1
            if not end:
                raise _Stop(pos, "unterminated raw quoted string")
            return self.push(RAW_STRING, pos, end)
        found = (_QUOTED if char == '"' else _CHARACTER).match(self.text, pos)
        if found is None:
            what = "quoted string" if char == '"' else "character constant"
            raise _Stop(pos, f"unterminated {what}")
        return self.push(STRING if char == '"' else CHARACTER, pos, found.end())
