"""A checked draft as the editor's script takes it: HTML to put into the page, and markers for the boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from bootstrap_project.admin.display import pluralized, render_code, sentence
from bootstrap_project.admin.profiles.live_preview import PreviewResult
from bootstrap_project.admin.profiles.snippets import name_groups
from bootstrap_project.diagnostics import Diagnostic

_TEMPLATES = "admin/profiles/profile"


@dataclass(frozen=True, slots=True)
class Marker:
    """A problem as a box marks it; `rule` is the lint rule's id, "" for an error."""

    box: str
    kind: str
    message: str
    hint: str
    rule: str
    line: int
    column: int
    width: int

    @classmethod
    def of(cls, box: str, diagnostic: Diagnostic) -> Marker:
        is_error, place = diagnostic.severity == "error", diagnostic.location
        return cls(
            box=box,
            kind=diagnostic.severity,
            message=sentence(diagnostic.message) if is_error else diagnostic.message,
            hint=diagnostic.hint,
            rule="" if is_error else diagnostic.code,
            line=place.line,
            column=place.column,
            width=max(1, place.width),
        )

    @property
    def shown_message(self) -> SafeString:
        return render_code(self.message)

    @property
    def shown_hint(self) -> SafeString:
        return render_code(self.hint)


def markers_of(box: str, diagnostics: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """Return what is wrong in one box as the script marks it."""
    return [asdict(Marker.of(box, diagnostic)) for diagnostic in diagnostics]


def answer_of(result: PreviewResult) -> dict[str, Any]:
    """Return `result` as the page's script reads it."""
    markers = [Marker.of(box, diagnostic) for box, found in result.problems.items() for diagnostic in found]
    # Errors first: warnings about the whole come before places otherwise.
    remarks = sorted(
        (marker for marker in markers if marker.box == "template"),
        key=lambda marker: (marker.kind != "error", marker.line == 0, marker.line),
    )
    return {
        "output": result.output,
        "sample": result.sample,
        "is_bad": bool(result.failure or result.unbound),
        "markers": [asdict(marker) for marker in markers],
        "html": {
            "state": _state(result, markers),
            "verdict": _verdict(result, remarks),
            "problems": render_to_string(f"{_TEMPLATES}/live_problems.html", {"remarks": remarks}),
            "names": {
                group.kind: render_to_string(f"{_TEMPLATES}/chips.html", {"snippets": group.snippets})
                for group in name_groups(result.names)
            },
        },
    }


def _state(result: PreviewResult, markers: Sequence[Marker]) -> str:
    def first_of(box: str) -> Marker | None:
        return next((marker for marker in markers if marker.box == box and marker.kind == "error"), None)

    found = first_of("template")
    context = {"result": result, "output": first_of("output"), "first": found if found and found.line else None}
    return render_to_string(f"{_TEMPLATES}/live_state.html", context)


def _verdict(result: PreviewResult, remarks: Sequence[Marker]) -> str:
    errors = sum(remark.kind == "error" for remark in remarks)
    counts = ((errors, "error"), (len(remarks) - errors, "warning"))
    if found := [pluralized(number, noun) for number, noun in counts if number]:
        return f"Found {', '.join(found)}"
    is_whole = not {"defaults", "slots"} & result.problems.keys()
    return "Nothing is wrong" if is_whole else "Warnings show once the defaults and the slots are valid"
