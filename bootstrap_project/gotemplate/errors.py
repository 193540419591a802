"""Errors: what went wrong in a template and where, as data; what to do about it is for those who know the product."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bootstrap_project.diagnostics import NOWHERE, Location


@dataclass(frozen=True, slots=True)
class MissingValue:
    """One value that a render needed and did not find.

    Shape: `path` leads to it from the root, with "[]" for what the template computes and no message may quote; it is
    empty where the value is no part of the data. `expression` is how people write it, `name` the missing key,
    `suggestion` the closest one that exists. `kind` is "key" where the path ends too early, "null" where a nil was to
    be printed (`null_at` is where in the value, if not all of it), "required" where `required` was given nothing.
    """

    location: Location
    path: tuple[str, ...]
    expression: str
    name: str
    kind: Literal["key", "null", "required"]
    suggestion: str | None = None
    null_at: str = ""
    #: The expression as the template has it.
    written: str = field(default="", compare=False)


class TemplateError(Exception):
    """Something is wrong with a template or with the data it was given.

    `str(error)` is Go's own message, `reason` the message without the place. Neither ever holds rendered content in
    strict mode. `name` is the template that was being parsed or executed, `expression` the failing one in canonical
    form. `missing` lists every value that an execution lacked, if that was why it failed. `code` is the kind of failure
    where what to do about it is known, `about` the word that it is about. `unplaced` is Go's message without its
    column, which counts bytes up to the part that Go means.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        name: str = "",
        location: Location = NOWHERE,
        expression: str = "",
        missing: tuple[MissingValue, ...] = (),
        code: str = "",
        about: str = "",
        unplaced: str = "",
    ) -> None:
        super().__init__(message)
        self.reason = reason or message
        self.name = name
        self.location = location
        self.expression = expression
        self.missing = missing
        self.code = code
        self.about = about
        self.unplaced = unplaced or message


class TemplateSyntaxError(TemplateError):
    """The text is not a template, or is larger or deeper than the limits allow."""


class TemplateExecError(TemplateError):
    """A template failed while it was executed."""


class TemplateLimitError(TemplateExecError):
    """An execution went over one of its budgets and was stopped."""
