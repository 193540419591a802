"""A run's words for people: the diff of a dry run, the summary table, and how to go on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any, Final

from enrollments.refresh.diff import SlotOutcome
from enrollments.refresh.report import ABSENT, ConfigOutcome, ConfigReport, Summary, field_changes
from enrollments.refresh.select import Selection

_MAX_VALUE_LENGTH: Final = 200
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
