"""What a run says of each config, and of all of them."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from enrollments.refresh.diff import RefreshedSlot, SlotOutcome
from enrollments.refresh.select import ConfigRef

_EXAMPLES: Final = 3


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
        """Return whether the run came to its end."""
        return not self.interrupted and not self.gave_up

    def add(self, report: ConfigReport) -> None:
        """Count one finished config."""
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
