"""A token stream with look-ahead, and the errors that name a place in it."""

from __future__ import annotations

from typing import NoReturn

from . import lexer as lx
from .errors import TemplateSyntaxError
from .faults import MAX_QUOTED_LENGTH, shortened
from .lexer import Source, Token


class TokenStream:
    """The tokens of a template; `action_line` is the line on which the current action began."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.index = 0
        self.farthest = 0
        self.action_line = 0

    def next(self) -> Token:
        """Consume the next token."""
        tokens, index = self.tokens, self.index
        if index >= len(tokens):
            index = len(tokens) - 1
        if index > self.farthest:
            self.farthest = index
        self.index = index + 1
        return tokens[index]

    def back_up(self) -> None:
        self.index -= 1

    def peek(self) -> Token:
        token = self.next()
        self.index -= 1
        return token

    def next_non_space(self) -> Token:
        """Consume the next token that is not space."""
        token = self.next()
        if token.kind == lx.SPACE:
            token = self.next()
        return token

    def peek_non_space(self) -> Token:
        """Consume the space before the next token, and return that."""
        token = self.next_non_space()
        self.index -= 1
        return token

    # Errors.

    def fail(self, reason: str, pos: int | None = None, *, code: str = "", about: str = "") -> NoReturn:
        """Raise a TemplateSyntaxError; Go's message has the line of the farthest token, `location` the place meant."""
        # Of a name or a text that somebody sent, both ends are enough.
        reason = shortened(reason, 2 * MAX_QUOTED_LENGTH)
        farthest = self.tokens[self.farthest]
        go_line, _ = self.source.position(farthest.pos)
        pos = farthest.pos if pos is None else pos
        name = self.source.name
        raise TemplateSyntaxError(
            f"template: {name}:{go_line}: {reason}",
            reason=reason,
            name=name,
            location=self.source.location(pos, about),
            code=code,
            about=about,
        )

    def unexpected(self, token: Token, context: str) -> NoReturn:
        if token.kind == lx.ERROR:
            extra = ""
            line, _ = self.source.position(token.pos)
            if self.action_line not in (0, line):
                # Go avoids saying "action in action".
                joint = " started at" if token.value.endswith(" action") else " in action started at"
                extra = f"{joint} {self.source.name}:{self.action_line}"
            self.fail(token.value + extra, token.pos)
        self.fail(f"unexpected {token.describe()} in {context}", token.pos)

    def expect(self, kind: str, context: str) -> Token:
        """Consume the next token; raises TemplateSyntaxError for another kind."""
        token = self.next_non_space()
        if token.kind != kind:
            self.unexpected(token, context)
        return token

    def at(self, pos: int) -> tuple[int, int, int]:
        """Return the first three members of a node that begins here."""
        line, column = self.source.position(pos)
        return pos, line, column
