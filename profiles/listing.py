"""A template line by line, with what is wrong beside each line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from bootstrap_project.adminsite.display import counted, prose, sentence
from bootstrap_project.diagnostics import Location
from bootstrap_project.rendering.errors import TemplateInvalid
from bootstrap_project.rendering.renderer import validate_template
from profiles.models import Profile
from profiles.services import lint_profile

#: Longer templates show the lines around what is wrong in them.
MOST_LINES: Final = 2_000
#: In characters; of longer lines the beginning shows, and for what is wrong further on a cutting.
LONGEST_LINE: Final = 400
_AROUND: Final = 3
_BEFORE: Final = 60


@dataclass(frozen=True, slots=True)
class Remark:
    """What is wrong at one place; `excerpt` is the place in a line too long to be shown whole, `caret` points at it."""

    rule: str
    message: str
    hint: str = ""
    line: int = 0
    column: int = 0
    excerpt: str = ""
    caret: str = ""

    @property
    def shown_message(self) -> SafeString:
        """Return the message with its code set as code."""
        return prose(self.message)

    @property
    def shown_hint(self) -> SafeString:
        """Return the hint with its code set as code."""
        return prose(self.hint)


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and the remarks that stand below it; `is_after_gap` where lines before it are left out."""

    number: int
    text: str
    remarks: Sequence[Remark]
    is_after_gap: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A template's lines; `general` remarks are about no line, and `errors` keep the template from being saved."""

    lines: Sequence[Line]
    general: Sequence[Remark]
    errors: int
    warnings: int
    is_lintable: bool

    @property
    def remarks(self) -> list[Remark]:
        """Return all that is wrong, first what is about no line."""
        return [*self.general, *(remark for line in self.lines for remark in line.remarks)]

    @property
    def verdict(self) -> str:
        """Return how it stands with the template, in a few words."""
        if self.errors:
            return "does not parse"
        if not self.is_lintable:
            return "warnings show once slots and defaults are valid"
        return counted(self.warnings, "warning") if self.warnings else "no warnings"

    @property
    def is_open(self) -> bool:
        """Tell whether there is something that has to be seen."""
        return bool(self.errors or self.warnings)


def check_template(profile: Profile, *, is_lintable: bool = True) -> Listing:
    """Return the template of `profile`, stored or not, with its defect or its warnings; slots and defaults are valid.

    Cost: parsing and lint, some 10 ms for a page; no queries.
    """
    texts = profile.content_template.removesuffix("\n").split("\n")
    errors = list(_defects(profile, texts))
    warnings: list[Remark] = []
    if is_lintable and not errors:
        warnings = [
            _remark(texts, warning.code, warning.message, warning.hint, warning.location)
            for warning in lint_profile(profile=profile)
        ]
    remarks = errors or warnings
    return Listing(
        lines=_lines(texts, remarks),
        general=[remark for remark in remarks if not _is_in(texts, remark)],
        errors=len(errors),
        warnings=len(warnings),
        is_lintable=is_lintable,
    )


def render_listing(listing: Listing, *, is_only_view: bool = False) -> SafeString:
    """Return the listing as HTML; open where something is wrong, and always where there is nothing else to see."""
    context = {"listing": listing, "is_open": is_only_view or listing.is_open}
    return render_to_string("admin/profiles/profile/listing.html", context)


def _defects(profile: Profile, texts: Sequence[str]) -> Iterable[Remark]:
    try:
        validate_template(template_format=profile.template_format, content_template=profile.content_template)
    except TemplateInvalid as error:
        # Only rendering knows the class of what the template engine raised.
        cause: Any = error.__cause__
        yield _remark(
            texts,
            "",
            sentence(getattr(cause, "reason", error.detail)),
            sentence(cause.hint) if getattr(cause, "hint", "") else "",
            Location(
                getattr(cause, "line", 0),
                getattr(cause, "column", 0),
                max(1, getattr(getattr(cause, "place", None), "width", 1)),
            ),
        )


def _remark(texts: Sequence[str], rule: str, message: str, hint: str, location: Location) -> Remark:
    line, column, width = location.line, location.column, location.width
    if not 0 < line <= len(texts):
        return Remark(rule, message, hint, line, column)
    text, offset, excerpt = texts[line - 1], max(0, column - 1), ""
    if offset + width > LONGEST_LINE:
        start = max(0, offset - _BEFORE)
        text, offset = text[start : start + LONGEST_LINE // 2], offset - start
        excerpt = text
    # Tabs stay tabs in the padding, so that the caret lines up whatever their width.
    padding = "".join("\t" if character == "\t" else " " for character in text[:offset])
    return Remark(rule, message, hint, line, column, excerpt, padding + "^" * max(1, min(width, len(text) - offset)))


def _lines(texts: Sequence[str], remarks: Iterable[Remark]) -> list[Line]:
    by_line: dict[int, list[Remark]] = defaultdict(list)
    for remark in remarks:
        by_line[remark.line].append(remark)
    numbers: Iterable[int] = range(1, len(texts) + 1)
    if len(texts) > MOST_LINES:
        near = {near for number in by_line for near in range(number - _AROUND, number + _AROUND + 1)}
        numbers = sorted(near.intersection(numbers)) or range(1, MOST_LINES + 1)
    lines: list[Line] = []
    before = 0
    for number in numbers:
        lines.append(Line(number, _cut(texts[number - 1]), by_line.get(number, ()), number != before + 1))
        before = number
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else f"{text[:LONGEST_LINE]}…"


def _is_in(texts: Sequence[str], remark: Remark) -> bool:
    return 0 < remark.line <= len(texts)
