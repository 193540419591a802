"""Reading tokens one by one, and saying what is wrong with them: what all rules of the grammar stand on."""

from __future__ import annotations

from typing import NoReturn

from . import lexer as lx
from .errors import TemplateSyntaxError
from .lexer import Source, Token


class Reader:
    """A place in the tokens of a template; `action_line` is the line on which the action at hand began."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        """Begin before the first token."""
        self.source = source
        self.tokens = tokens
        self.index = 0
        self.farthest = 0
        self.action_line = 0

    def next(self) -> Token:
        """Return the next token and go past it."""
        tokens, index = self.tokens, self.index
        if index >= len(tokens):
            index = len(tokens) - 1
        if index > self.farthest:
            self.farthest = index
        self.index = index + 1
        return tokens[index]

    def peek(self) -> Token:
        """Return the next token."""
        token = self.next()
        self.index -= 1
        return token

    def next_non_space(self) -> Token:
        """Return the next token that is not space and go past it."""
        token = self.next()
        if token.kind == lx.SPACE:
            token = self.next()
        return token

    def peek_non_space(self) -> Token:
        """Return the next token that is not space; the spaces before it are gone."""
        token = self.next_non_space()
        self.index -= 1
        return token

    # Errors.

    def fail(self, reason: str, pos: int | None = None) -> NoReturn:
        """Give up; Go names the line of the farthest token, ours is the place that is meant."""
        farthest = self.tokens[self.farthest]
        go_line, _ = self.source.position(farthest.pos)
        pos = farthest.pos if pos is None else pos
        name = self.source.name
        raise TemplateSyntaxError(
            f"template: {name}:{go_line}: {reason}", reason=reason, name=name, location=self.source.location(pos)
        )

    def unexpected(self, token: Token, context: str) -> NoReturn:
        """Refuse a token."""
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
        """Return the next token, which has to be of this kind."""
        token = self.next_non_space()
        if token.kind != kind:
            self.unexpected(token, context)
        return token

    def at(self, pos: int) -> tuple[int, int, int]:
        """Return the place every node begins with."""
        line, column = self.source.position(pos)
        return pos, line, column
