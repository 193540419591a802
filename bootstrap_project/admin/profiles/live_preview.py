"""A profile that is being written: what it gives for a device or for sample data, and what is wrong with it where."""

from __future__ import annotations

import copy
import json
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Final

from bootstrap_project.admin.display import pretty_json, sentence
from bootstrap_project.admin.profiles.annotated_source import check_template
from bootstrap_project.admin.profiles.samples import InvalidSample, make_sample, read_sample
from bootstrap_project.admin.profiles.slot_table import Row, row_errors
from bootstrap_project.diagnostics import NOWHERE, Diagnostic, Location
from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.json import parse_json
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.slots import RESOURCE_KINDS
from enrollments.previews.profile import render_preview
from enrollments.previews.trials import render_device
from profiles.errors import PreviewFailed, PreviewOutputInvalid
from profiles.models import Profile, TemplateFormat

#: Of longer outputs the beginning is shown, in characters.
MAX_OUTPUT: Final = 100_000
#: Keys that a snapshot has and templates seldom read there.
_SELDOM_READ: Final = ("id", "domain_id")


@dataclass(slots=True)
class PreviewResult:
    """What a draft gives; `output` is None when nothing could be rendered, `failure` says why.

    Shape: `problems` are what is wrong in each of the page's boxes.
    """

    problems: dict[str, list[Diagnostic]] = field(default_factory=dict)
    output: str | None = None
    is_cut: bool = False
    failure: str = ""
    sample: str | None = None
    device: str = ""
    unbound: list[str] = field(default_factory=list)
    milliseconds: float = 0.0
    names: list[str] = field(default_factory=list)

    def add(self, box: str, *found: Diagnostic) -> None:
        if found:
            self.problems.setdefault(box, []).extend(found)


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


def check_draft(draft: Draft) -> PreviewResult:
    """Return what `draft` gives and everything that is wrong with it; nothing is stored.

    Cost: parsing, lint and at most two executions, each within the template engine's budgets; two queries for a
    real device.
    """
    result = PreviewResult()
    profile = _profile(draft, result)
    is_whole = not result.problems
    listing = check_template(profile, is_lintable=is_whole)
    result.add("template", *listing.diagnostics)
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


def _profile(draft: Draft, result: PreviewResult) -> Profile:
    profile = Profile(
        domain_id=draft.domain_id, template_format=draft.template_format, content_template=draft.content_template
    )
    if draft.profile_id:
        profile.pk = draft.profile_id
    if profile.template_format not in TemplateFormat.values:
        profile.template_format = TemplateFormat.GO_TEMPLATE
    try:
        document = parse_json(draft.defaults) if draft.defaults.strip() else {}
        if isinstance(document, dict):
            profile.defaults = document
        else:
            result.add("defaults", _error('this must be an object, such as {"site": "north"}'))
    except InvalidDocument as error:
        result.add("defaults", _error(f"this is not valid JSON: {error.detail}", error.location))
    errors = row_errors(draft.rows)
    result.add("slots", *(_error(text, Location(number + 1, 0)) for number, text in errors.items()))
    if not errors:
        profile.binding_slots = [row.to_slot() for row in draft.rows if not row.is_empty]
    return profile


def _error(message: str, location: Location = NOWHERE) -> Diagnostic:
    return Diagnostic("invalid", "error", message, location=location)


def _render(draft: Draft, profile: Profile, result: PreviewResult) -> None:
    if draft.device_id is None:
        result.sample = draft.sample if draft.sample is not None else pretty_json(make_sample(profile))
    started = time.perf_counter()
    try:
        _render_into(draft, profile, result)
    except InvalidSample as error:
        result.add("sample", _error(error.message, error.location))
        result.failure = "The sample data cannot be read."
    except BootstrapError as error:
        _explain(error, draft, profile, result)
    result.milliseconds = round((time.perf_counter() - started) * 1000, 1)


def _explain(error: BootstrapError, draft: Draft, profile: Profile, result: PreviewResult) -> None:
    """Put a failed rendering into words, with its places in the template or in the output."""
    result.failure = sentence(error.message)
    if isinstance(error, PreviewOutputInvalid):
        result.add("output", *(replace(one, message=error.detail, hint="") for one in error.diagnostics))
        # What was refused helps to see why.
        as_text = copy.copy(profile)
        as_text.template_format = TemplateFormat.GO_TEMPLATE
        _render_into(draft, as_text, result)
    elif isinstance(error, PreviewFailed) and any(one.location.line for one in error.diagnostics):
        result.add("template", *error.diagnostics)
    elif error.kind is ErrorKind.NOT_FOUND:
        result.failure = sentence(error.detail)
    elif error.detail:
        result.failure = f"{result.failure} {sentence(error.detail)}"


def _render_into(draft: Draft, profile: Profile, result: PreviewResult) -> None:
    if draft.device_id is not None:
        rendered = render_device(profile=profile, device_id=draft.device_id)
        result.device, result.unbound, text = rendered.device.name, list(rendered.unbound), rendered.text
    else:
        text = render_preview(profile, read_sample(result.sample or "", profile))
    result.output, result.is_cut = text[:MAX_OUTPUT], len(text) > MAX_OUTPUT
