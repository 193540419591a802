"""Errors: what went wrong in a template, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Missing:
    """One value that a render needed and did not find."""

    expression: str
    """The failing path as written, such as `.Vars.sitee`."""
    line: int
    column: int
    name: str
    """The missing key itself."""
    suggestion: str | None = None
    """The closest name that does exist, if any is close."""
    hint: str = ""
    """What to do about it, as a sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a template an error is: `line` and `column` count from 1, `column` in characters."""

    name: str = ""
    line: int = 0
    column: int = 0
    context: str = ""
    source_line: str = ""
    width: int = 1


class TemplateError(Exception):
    """Something is wrong with a template or with the data it was given.

    `str(error)` is Go's own message, `reason` the message without the place. Neither ever holds rendered content in
    strict mode.
    """

    def __init__(self, message: str, *, reason: str = "", place: Place | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message
        self.place = place if place is not None else Place()
        self.hint = hint

    @property
    def name(self) -> str:
        """Name of the template that was being parsed or executed."""
        return self.place.name

    @property
    def line(self) -> int:
        """Line of the place, from 1; 0 when there is none."""
        return self.place.line

    @property
    def column(self) -> int:
        """Column of the place in characters, from 1; 0 when there is none."""
        return self.place.column

    @property
    def context(self) -> str:
        """The failing expression in canonical form."""
        return self.place.context

    @property
    def source_line(self) -> str:
        """The whole line of the template that the place is on."""
        return self.place.source_line


class TemplateSyntaxError(TemplateError):
    """The text is not a template, or is larger or deeper than the limits allow."""


class TemplateExecError(TemplateError):
    """A template failed while it was executed; `missing` lists every value that the render lacked, if that was why."""

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        place: Place | None = None,
        hint: str = "",
        missing: tuple[Missing, ...] = (),
    ) -> None:
        super().__init__(message, reason=reason, place=place, hint=hint)
        self.missing = missing


class TemplateLimitError(TemplateExecError):
    """An execution went over one of its budgets and was stopped."""
