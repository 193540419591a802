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

    `str(error)` is Go's own message; `explain()` shows the line with a caret and says what to do. `reason` is the
    message without the place. Neither ever holds rendered content in strict mode.
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

    def explain(self) -> str:
        """Return several lines of text: the message, the source line, a caret under the place, and the hint."""
        lines = [f"{self.name or 'template'}:{self.line}:{self.column}: {self.reason}"]
        if self.place.line:
            shown, offset = _window(self.place.source_line, self.place.column - 1)
            # Tabs stay tabs in the padding, so that the caret lines up whatever their width.
            pad = "".join("\t" if c == "\t" else " " for c in shown[:offset])
            width = max(1, min(self.place.width, len(shown) - offset))
            lines += [f"  {shown}", f"  {pad}{'^' * width}"]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


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

    def explain(self) -> str:
        """Return the text of `TemplateError.explain`, followed by the other missing values."""
        text = super().explain()
        others = [m for m in self.missing if (m.line, m.column) != (self.line, self.column)]
        return "\n".join([text, *(f"  also missing at {m.line}:{m.column}: {m.expression}. {m.hint}" for m in others)])


class TemplateLimitError(TemplateExecError):
    """An execution went over one of its budgets and was stopped."""


def _window(line: str, offset: int, room: int = 160) -> tuple[str, int]:
    """Cut a long line around `offset`; return the cut and where the offset is in it."""
    offset = max(0, min(offset, len(line)))
    start = 0 if offset < room * 3 // 4 else offset - room // 2
    return line[start : start + room], offset - start
