"""All rules, by id; `docs/lint.md` describes each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.rendering.lint.rules import output, slots, structure, variables
from bootstrap_project.rendering.lint.subject import Subject


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its id, why it is there in one line, and what looks for it."""

    id: str
    reason: str
    check: Callable[[Subject], Iterator[Diagnostic]]


RULES: Final = (
    Rule("undeclared-slot", "Nothing can be bound on a slot that the profile does not declare.", slots.undeclared_slot),
    Rule("unused-slot", "Operators have to bind what no template reads.", slots.unused_slot),
    Rule("optional-slot", "A device without the slot gets no configuration at all.", slots.optional_slot),
    Rule("slot-always-true", "The condition does not tell bound from unbound.", slots.slot_always_true),
    Rule("missing-snapshot-key", "The snapshot never holds this key.", slots.missing_snapshot_key),
    Rule("missing-secret", "The secret snapshot never holds this key.", slots.missing_secret),
    Rule("optional-snapshot-key", "Resources without the key break the render.", slots.optional_snapshot_key),
    Rule("required-variable", "Devices that do not set it get nothing.", variables.required_variable),
    Rule("index-without-default", "Printing a missing value fails.", variables.index_without_default),
    Rule("default-too-late", "The field fails before its fallback is asked.", variables.default_too_late),
    Rule("unused-default", "A default that nothing reads is often a misspelt one.", variables.unused_default),
    Rule("quoted-value", "A quote in the value breaks the document.", output.quoted_value),
    Rule("quoted-json", "The text gets two pairs of quotes.", output.quoted_json),
    Rule("printf-verb", "The error marker of a misfit fails the render.", output.printf_verb),
    Rule("invalid-output", "No device can ever get this text.", output.invalid_output),
    Rule("unknown-member", "Reading what does not exist fails on every device.", structure.unknown_member),
    Rule("undefined-template", "Calling what does not exist fails when it is reached.", structure.undefined_template),
    Rule("unused-define", "Nobody will see its mistakes.", structure.unused_define),
    Rule("unused-variable", "It was meant to be read somewhere.", structure.unused_variable),
    Rule("constant-condition", "One of its branches is never rendered.", structure.constant_condition),
    Rule("unreachable", "It is never rendered.", structure.unreachable),
)
