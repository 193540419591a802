"""A template line by line, with what is wrong beside each line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from bootstrap_project.admin.display import pluralized, render_code, sentence
from bootstrap_project.diagnostics import Diagnostic, excerpt
from bootstrap_project.rendering.errors import TemplateInvalid
from bootstrap_project.rendering.renderer import validate_template
from profiles.models import Profile
from profiles.services import lint_profile

#: Longer templates show the lines around what is wrong in them.
MAX_LINES: Final = 2_000
#: In characters; of longer lines the beginning shows, and for what is wrong further on a cutting.
MAX_LINE_LENGTH: Final = 400
_AROUND: Final = 3


@dataclass(frozen=True, slots=True)
class Note:
    """A diagnostic as it stands below its line; `caret` points at its place, in `excerpt` where the line is long."""

    diagnostic: Diagnostic
    excerpt: str = ""
    caret: str = ""

    @property
    def rule(self) -> str:
        """Return the id of the lint rule; "" for what keeps the template from being saved."""
        return self.diagnostic.code if self.diagnostic.severity == "warning" else ""

    @property
    def message(self) -> SafeString:
        return render_code(self.diagnostic.message)

    @property
    def hint(self) -> SafeString:
        return render_code(self.diagnostic.hint)


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and the notes that stand below it; `is_after_gap` where lines before it are left out."""

    number: int
    text: str
    notes: Sequence[Note]
    is_after_gap: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A template's lines; `general` notes are about no line, and `errors` keep the template from being saved."""

    lines: Sequence[Line]
    general: Sequence[Note]
    errors: int
    warnings: int
    is_lintable: bool

    @property
    def notes(self) -> list[Note]:
        """Return all that is wrong, first what is about no line."""
        return [*self.general, *(note for line in self.lines for note in line.notes)]

    @property
    def diagnostics(self) -> list[Diagnostic]:
        return [note.diagnostic for note in self.notes]

    @property
    def verdict(self) -> str:
        if self.errors:
            return "does not parse"
        if not self.is_lintable:
            return "warnings show once slots and defaults are valid"
        return pluralized(self.warnings, "warning") if self.warnings else "no warnings"

    @property
    def is_open(self) -> bool:
        """Return whether there is something that has to be seen."""
        return bool(self.errors or self.warnings)


def check_template(profile: Profile, *, is_lintable: bool = True) -> Listing:
    """Return the template of `profile`, stored or not, with its defect or its warnings; slots and defaults are valid.

    Cost: parsing and lint, some 10 ms for a page; no queries.
    """
    source = profile.content_template.removesuffix("\n")
    texts = source.split("\n")
    errors = _defects(profile)
    warnings = lint_profile(profile=profile) if is_lintable and not errors else []
    notes = [_note(source, texts, diagnostic) for diagnostic in errors or warnings]
    return Listing(
        lines=_lines(texts, notes),
        general=[note for note in notes if not _is_in(texts, note)],
        errors=len(errors),
        warnings=len(warnings),
        is_lintable=is_lintable,
    )


def render_listing(listing: Listing, *, is_only_view: bool = False) -> SafeString:
    """Return the listing as HTML; open where something is wrong, and always where there is nothing else to see."""
    context = {"listing": listing, "is_open": is_only_view or listing.is_open}
    return render_to_string("admin/profiles/profile/listing.html", context)


def _defects(profile: Profile) -> list[Diagnostic]:
    try:
        validate_template(template_format=profile.template_format, content_template=profile.content_template)
    except TemplateInvalid as error:
        return [
            replace(defect, message=sentence(defect.message), hint=sentence(defect.hint) if defect.hint else "")
            for defect in error.diagnostics
        ]
    return []


def _note(source: str, texts: Sequence[str], diagnostic: Diagnostic) -> Note:
    text, caret = excerpt(source, diagnostic.location, length=MAX_LINE_LENGTH)
    is_shown = not text or text == _cut(texts[diagnostic.location.line - 1].removesuffix("\r"))
    return Note(diagnostic, "" if is_shown else text, caret)


def _lines(texts: Sequence[str], notes: Iterable[Note]) -> list[Line]:
    by_line: dict[int, list[Note]] = defaultdict(list)
    for note in notes:
        by_line[note.diagnostic.location.line].append(note)
    numbers: Iterable[int] = range(1, len(texts) + 1)
    if len(texts) > MAX_LINES:
        near = {near for number in by_line for near in range(number - _AROUND, number + _AROUND + 1)}
        numbers = sorted(near.intersection(numbers)) or range(1, MAX_LINES + 1)
    lines: list[Line] = []
    before = 0
    for number in numbers:
        lines.append(Line(number, _cut(texts[number - 1]), by_line.get(number, ()), number != before + 1))
        before = number
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= MAX_LINE_LENGTH else f"{text[:MAX_LINE_LENGTH]}…"


def _is_in(texts: Sequence[str], note: Note) -> bool:
    return 0 < note.diagnostic.location.line <= len(texts)
