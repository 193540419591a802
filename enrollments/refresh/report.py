"""What a run says of each config and of all: as data, as the lines of a dry run, and as the table at its end."""

from __future__ import annotations

import json
import shlex
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from enrollments.refresh.diff import RefreshedSlot, SlotOutcome
from enrollments.refresh.select import ConfigRef, Selection

_EXAMPLES: Final = 3
_MAX_VALUE_LENGTH: Final = 200


class ConfigOutcome(Enum):
    """What became of one config."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    #: Nothing of what its profile declares is bound, or it has no profile.
    UNBOUND = "unbound"
    #: Removed while the run was under way.
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """One config after a run; no secret is in it."""

    config: ConfigRef
    outcome: ConfigOutcome
    slots: tuple[RefreshedSlot, ...] = ()
    #: For FAILED: a word for counting, the slot, and a sentence that names it.
    reason: str = ""
    slot: str = ""
    message: str = ""
    #: Whether it failed because a service of the platform did.
    outage: bool = False
    #: How many bindings it is about, also where it failed.
    bindings: int = 0

    def to_json(self, *, dry_run: bool) -> dict[str, Any]:
        """Return the object that `--json` prints for the config."""
        document: dict[str, Any] = {
            "config_id": str(self.config.id),
            "domain_id": self.config.domain_id,
            "external_id": self.config.external_id,
            "outcome": self.outcome.value,
        }
        if dry_run:
            document["dry_run"] = True
        if self.outcome is ConfigOutcome.FAILED:
            document["error"] = {"reason": self.reason, "slot": self.slot, "message": self.message}
        else:
            document["slots"] = [_slot_document(slot, dry_run=dry_run) for slot in self.slots]
        return document


def _slot_document(slot: RefreshedSlot, *, dry_run: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "slot": slot.slot,
        "type": slot.type,
        "resource_id": slot.resource_id,
        "outcome": slot.outcome.value,
        "secret_changed": slot.secret_changed,
    }
    if dry_run and slot.outcome is SlotOutcome.CHANGED:
        document["diff"] = {
            name: {key: value for key, value in (("before", before), ("after", after)) if value is not ABSENT}
            for name, before, after in field_changes(slot)
        }
    return document


#: Stands for a field that one side of a diff does not have.
ABSENT: Final = object()


def field_changes(slot: RefreshedSlot) -> list[tuple[str, Any, Any]]:
    """Return name, old and new value of each open field that differs, ABSENT where a side has none."""
    return [
        (name, slot.before.get(name, ABSENT), slot.after.get(name, ABSENT))
        for name in sorted(slot.before.keys() | slot.after.keys())
        if _differ(slot.before, slot.after, name)
    ]


def _differ(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    if (name in before) != (name in after):
        return True
    # As text, because Python holds 1 and 1.0 for equal.
    return json.dumps(before[name], sort_keys=True) != json.dumps(after[name], sort_keys=True)


@dataclass(slots=True)
class Summary:
    """Counts of a run so far."""

    total: int = 0
    seconds: float = 0.0
    resources: int = 0
    bindings: int = 0
    outcomes: Counter[ConfigOutcome] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    #: The first configs of each reason, with what went wrong.
    examples: dict[str, list[tuple[uuid.UUID, str]]] = field(default_factory=dict)
    #: Where to go on: everything up to this id is done. None before the first.
    done_up_to: uuid.UUID | None = None
    interrupted: bool = False
    #: Why the run gave up before its end; "" when it did not.
    gave_up: str = ""

    @property
    def done(self) -> int:
        """Return how many configs are finished."""
        return self.outcomes.total()

    @property
    def complete(self) -> bool:
        return not self.interrupted and not self.gave_up

    def add(self, report: ConfigReport) -> None:
        self.outcomes[report.outcome] += 1
        self.bindings += report.bindings
        # What an outage left behind is taken up again by the run that goes on.
        if not report.outage:
            self.done_up_to = report.config.id
        if report.outcome is ConfigOutcome.FAILED:
            self.reasons[report.reason] += 1
            examples = self.examples.setdefault(report.reason, [])
            if len(examples) < _EXAMPLES:
                examples.append((report.config.id, report.message))


_ALWAYS_SHOWN: Final = (ConfigOutcome.CHANGED, ConfigOutcome.UNCHANGED, ConfigOutcome.FAILED)
_NAMES: Final = {
    ConfigOutcome.CHANGED: "changed",
    ConfigOutcome.UNCHANGED: "unchanged",
    ConfigOutcome.UNBOUND: "nothing bound",
    ConfigOutcome.GONE: "removed meanwhile",
    ConfigOutcome.FAILED: "failed",
}


def diff_lines(report: ConfigReport) -> Iterator[str]:
    """Yield what a refresh would change of a config; of secrets only that they change."""
    if report.outcome is not ConfigOutcome.CHANGED:
        return
    yield f"{report.config.id} ({_text(report.config.external_id)})"
    for slot in report.slots:
        if slot.outcome is not SlotOutcome.CHANGED:
            continue
        yield f"  {_text(slot.slot)}: {slot.type} {_text(slot.resource_id)}"
        for name, before, after in field_changes(slot):
            yield f"    {name}: {_value(before)} -> {_value(after)}"
        if slot.secret_changed:
            yield "    secret changed"


def summary_lines(summary: Summary, *, dry_run: bool) -> Iterator[str]:
    """Yield the table at a run's end."""
    verb = "Compared" if dry_run else "Refreshed"
    yield (
        f"{verb} {summary.done:,} of {summary.total:,} configs: {summary.bindings:,} bindings,"
        f" {summary.resources:,} resources, {summary.seconds:.1f} s"
    )
    for outcome, name in _NAMES.items():
        number = summary.outcomes[outcome]
        if number or outcome in _ALWAYS_SHOWN:
            yield f"  {'would change' if dry_run and outcome is ConfigOutcome.CHANGED else name:<18}{number:>10,}"
    for reason, number in summary.reasons.most_common():
        yield f"    {reason:<16}{number:>10,}"
        for config_id, message in summary.examples[reason]:
            yield f"      {config_id}: {_text(message)}"
        more = number - len(summary.examples[reason])
        if more > 0:
            yield f"      and {more:,} more (--json names them all)"


def ending_lines(summary: Summary, *, command: str) -> Iterator[str]:
    """Yield why a run ended before its end, and the command that goes on from there."""
    if summary.complete:
        return
    if summary.gave_up:
        yield f"Gave up: {summary.gave_up}"
    else:
        yield "Interrupted. What is counted above is done, whole; nothing else was touched."
    yield f"To go on: {command}"


def command_to_go_on(summary: Summary, selection: Selection, options: list[str]) -> str:
    """Return the command line for what a run has not done; `options` are those that do not select."""
    words = ["manage.py", "refresh_bindings"]
    if selection.domain_id:
        words += ["--domain", selection.domain_id]
    if selection.profile_id:
        words += ["--profile", str(selection.profile_id)]
    if selection.config_ids:
        words += ["--config", *map(str, selection.config_ids)]
    if selection.slot:
        words += ["--slot", selection.slot]
    if selection.older_than is not None:
        words += ["--older-than", f"{int(selection.older_than.total_seconds())}s"]
    if selection.everything:
        words.append("--all")
    if summary.done_up_to is not None:
        words += ["--after", str(summary.done_up_to)]
    return shlex.join([*words, *options])


def _value(value: Any) -> str:
    if value is ABSENT:
        return "(none)"
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[:_MAX_VALUE_LENGTH]}…"


def _text(text: str) -> str:
    """Return `text` without characters that a terminal would obey."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
