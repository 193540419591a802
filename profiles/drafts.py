"""A profile that is being written: what it gives for a device or for sample data, and what is wrong with it where."""

from __future__ import annotations

import copy
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from bootstrap_project.adminsite.display import pretty_json, sentence
from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.json import parse_json
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.slots import RESOURCE_KINDS
from profiles.devices import known_devices
from profiles.listing import Remark, check_template
from profiles.models import Profile, TemplateFormat
from profiles.samples import InvalidSample, make_sample, read_sample
from profiles.services import preview_profile
from profiles.slot_table import Row, row_errors

#: Of longer outputs the beginning is shown, in characters.
MOST_OUTPUT: Final = 100_000
#: Keys that a snapshot has and templates seldom read there.
_SELDOM_READ: Final = ("id", "domain_id")
_PLACE: Final = re.compile(r"(?:at )?line (\d+), column (\d+)")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in one of the page's boxes; `line` and `column` count from 1 and are 0 where there is no place."""

    box: str
    kind: str
    message: str
    hint: str = ""
    rule: str = ""
    line: int = 0
    column: int = 0
    width: int = 1


@dataclass(slots=True)
class Result:
    """What a draft gives; `output` is None when nothing could be rendered, `failure` says why."""

    problems: list[Problem] = field(default_factory=list)
    output: str | None = None
    is_cut: bool = False
    failure: str = ""
    sample: str | None = None
    device: str = ""
    unbound: list[str] = field(default_factory=list)
    milliseconds: float = 0.0
    names: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the boxes; `device_id` chooses a real device, otherwise `sample` is used, or one is made up."""

    domain_id: str
    template_format: str
    content_template: str
    defaults: str
    rows: tuple[Row, ...]
    profile_id: uuid.UUID | None = None
    device_id: uuid.UUID | None = None
    sample: str | None = None


def check_draft(draft: Draft) -> Result:
    """Return what `draft` gives and everything that is wrong with it; nothing is stored.

    Cost: parsing, lint and at most two executions, each within the template engine's budgets; two queries for a
    real device.
    """
    result = Result()
    profile = _profile(draft, result)
    is_whole = not result.problems
    listing = check_template(profile, is_lintable=is_whole)
    result.problems += map(problem_of, listing.remarks)
    result.names = names_of(profile) if is_whole else []
    if listing.errors:
        result.failure = "The template does not parse."
    elif not is_whole:
        result.failure = "The preview shows once the defaults and the slots are valid."
    else:
        _render(draft, profile, result)
    return result


def names_of(profile: Profile) -> list[str]:
    """Return what a template can write to read the defaults and slots of `profile`."""
    names = [_read("Vars", name) for name in profile.defaults]
    for slot in profile.slots:
        binding = _read("Bindings", slot.name)
        kind = RESOURCE_KINDS[slot.type]
        certain = [key for key in kind.snapshot_keys if key not in {*_SELDOM_READ, *kind.optional_keys}]
        names += [f"{binding}.ID", *(f"{binding}.Snapshot.{key}" for key in certain if slot.keeps(key))]
        names += [f"{binding}.Secret.{key}" for key in kind.secret_keys if slot.keeps(key)]
    return names


def _read(where: str, name: str) -> str:
    is_field = name.isidentifier() and name.isascii()
    return f".{where}.{name}" if is_field else f"(index .{where} {json.dumps(name, ensure_ascii=False)})"


def _profile(draft: Draft, result: Result) -> Profile:
    profile = Profile(
        domain_id=draft.domain_id, template_format=draft.template_format, content_template=draft.content_template
    )
    if draft.profile_id:
        profile.pk = draft.profile_id
    if profile.template_format not in TemplateFormat.values:
        profile.template_format = TemplateFormat.GO_TEMPLATE
    try:
        document = parse_json(draft.defaults.encode("utf-8", "surrogatepass")) if draft.defaults.strip() else {}
        if isinstance(document, dict):
            profile.defaults = document
        else:
            result.problems.append(Problem("defaults", "error", 'This must be an object, such as {"site": "north"}.'))
    except InvalidDocument as error:
        result.problems.append(_json_problem("defaults", error))
    errors = row_errors(draft.rows)
    result.problems += [Problem("slots", "error", text, line=number + 1) for number, text in errors.items()]
    if not errors:
        profile.binding_slots = [row.to_slot() for row in draft.rows if not row.is_empty]
    return profile


def _json_problem(box: str, error: InvalidDocument) -> Problem:
    place = error.location
    words = sentence(f"this is not valid JSON: {error.detail}")
    return Problem(box, "error", words, line=place.line, column=place.column)


def problem_of(remark: Remark) -> Problem:
    """Return what is wrong with a template as the editor marks it."""
    return Problem(
        box="template",
        kind="warning" if remark.rule else "error",
        message=remark.message if remark.rule else sentence(remark.message),
        hint=remark.hint,
        rule=remark.rule,
        line=remark.line,
        column=remark.column,
        width=max(1, remark.caret.count("^")),
    )


def _render(draft: Draft, profile: Profile, result: Result) -> None:
    if draft.device_id is None:
        result.sample = draft.sample if draft.sample is not None else pretty_json(make_sample(profile))
    started = time.perf_counter()
    try:
        _fill(draft, profile, result)
    except InvalidSample as error:
        words = sentence(error.message)
        result.problems.append(
            Problem("sample", "error", words, line=error.location.line, column=error.location.column)
        )
        result.failure = "The sample data cannot be read."
    except BootstrapError as error:
        _tell(error, draft, profile, result)
    result.milliseconds = round((time.perf_counter() - started) * 1000, 1)


def _tell(error: BootstrapError, draft: Draft, profile: Profile, result: Result) -> None:
    """Put a failed rendering into words, with its places in the template or in the output."""
    result.failure = sentence(error.message)
    if error.message.startswith("the rendered text is not valid"):
        match = _PLACE.search(error.detail)
        line, column = (int(match[1]), int(match[2])) if match else (0, 0)
        result.problems.append(Problem("output", "error", sentence(error.detail), line=line, column=column))
        # What was refused helps to see why.
        as_text = copy.copy(profile)
        as_text.template_format = TemplateFormat.GO_TEMPLATE
        _fill(draft, as_text, result)
    elif places := failures_of(error):
        result.problems += places
    elif error.kind is ErrorKind.NOT_FOUND:
        result.failure = sentence(error.detail)
    elif error.detail:
        result.failure = f"{result.failure} {sentence(error.detail)}"


def _fill(draft: Draft, profile: Profile, result: Result) -> None:
    if draft.device_id is not None:
        rendered = known_devices().render(profile=profile, device_id=draft.device_id)
        result.device, result.unbound, text = rendered.device.name, list(rendered.unbound), rendered.text
    else:
        device_of_sample, bindings = read_sample(result.sample or "", profile)
        text = preview_profile(profile=profile, device=device_of_sample, bindings=bindings)
    result.output, result.is_cut = text[:MOST_OUTPUT], len(text) > MOST_OUTPUT


def failures_of(error: BootstrapError) -> list[Problem]:
    """Return the places of a failed execution: each value that was missing, or the one that broke off.

    Only for what was rendered without secrets: the engine's words may quote values.
    """
    cause: Any = error
    while cause is not None and not getattr(cause, "line", 0):
        cause = cause.__cause__
    if cause is None:
        return []
    if missing := getattr(cause, "missing", ()):
        return [_gap(one) for one in missing]
    width = getattr(getattr(cause, "place", None), "width", 1)
    return [
        Problem("template", "error", sentence(cause.reason), cause.hint, "", cause.line, cause.column, max(1, width))
    ]


def _gap(missing: Any) -> Problem:
    """Return a missing value as a problem: what is wrong is the hint's first sentence, what to do the rest."""
    message, _, hint = missing.hint.partition(". ")
    return Problem(
        box="template",
        kind="error",
        message=sentence(message or f"`{missing.expression}` is missing"),
        hint=hint,
        line=missing.line,
        column=missing.column,
        width=len(missing.expression),
    )


def document_of(result: Result) -> Mapping[str, Any]:
    """Return `result` as the page's script reads it."""
    return {
        "problems": [asdict(problem) for problem in result.problems],
        "output": result.output,
        "is_cut": result.is_cut,
        "failure": result.failure,
        "sample": result.sample,
        "device": result.device,
        "unbound": result.unbound,
        "milliseconds": result.milliseconds,
        "names": result.names,
    }
