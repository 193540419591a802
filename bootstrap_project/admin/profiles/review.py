"""What saving a changed profile would do: the differences, the devices that they reach, and those that would fail."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.safestring import SafeString

from bootstrap_project.admin.display import placed, render_code
from bootstrap_project.admin.profiles.annotated_source import check_template
from bootstrap_project.admin.profiles.diff import FieldDiff, compare_values, copy_values
from enrollments.previews.trials import TrialRender, count_bound, render_devices
from profiles.models import Profile
from profiles.services import EDITABLE

#: How many devices a review renders the new version for, and for how long, in seconds.
MAX_TRIED: Final = 20
_MAX_SECONDS: Final = 2.0
#: Counts go no further.
MAX_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class LostSlot:
    """A slot that is not there any more, or is of another type, and how many devices have bound it."""

    name: str
    is_retyped: bool
    devices: int


@dataclass(frozen=True, slots=True)
class FailedRender:
    """A device that would get nothing; `is_new` when it gets something today."""

    trial: TrialRender
    is_new: bool

    @property
    def words(self) -> SafeString:
        """Return where and why it fails, with its code set as code."""
        return render_code(placed(self.trial.failure)) if self.trial.failure else SafeString("")


@dataclass(frozen=True, slots=True)
class Review:
    """Everything that a page says before a profile is saved."""

    sections: Sequence[FieldDiff]
    lost_slots: Sequence[LostSlot]
    devices: int
    tried: int
    failures: Sequence[FailedRender]
    warnings: int

    @property
    def is_more(self) -> bool:
        """Return whether there are more devices than were counted."""
        return self.devices >= MAX_COUNTED

    @property
    def new_failures(self) -> int:
        """Return how many devices would fail that do not fail today."""
        return sum(failure.is_new for failure in self.failures)

    @property
    def old_failures(self) -> int:
        """Return how many devices fail with or without the change."""
        return len(self.failures) - self.new_failures


def find_lost_slots(old: Profile, new: Profile) -> list[LostSlot]:
    """Return the slots of `old` that are not there in `new` and that devices have bound.

    Cost: one query for each slot that is removed or retyped.
    """
    kept = {slot.name: slot.type for slot in new.slots}
    lost = [slot for slot in old.slots if kept.get(slot.name) != slot.type]
    counted = [
        LostSlot(
            slot.name,
            slot.name in kept,
            count_bound(profile_id=old.pk, slot=slot.name, most=MAX_COUNTED),
        )
        for slot in lost
    ]
    return [slot for slot in counted if slot.devices]


def review_change(old: Profile, new: Profile) -> Review:
    """Return what saving `new` in the place of `old` would do; nothing is stored.

    Cost: some twenty renders, bounded in time; a handful of queries.
    """
    trials = _render_devices(new)
    failing = [trial for trial in trials if trial.failure]
    failed_before = {trial.device.id for trial in _render_devices(old) if trial.failure} if failing else set()
    return Review(
        sections=compare_values(copy_values(old), copy_values(new)),
        lost_slots=find_lost_slots(old, new),
        devices=old.configs.order_by().values("pk")[:MAX_COUNTED].count(),
        tried=len(trials),
        failures=[FailedRender(trial, trial.device.id not in failed_before) for trial in failing],
        warnings=check_template(new).warnings,
    )


def _render_devices(profile: Profile) -> list[TrialRender]:
    trials: list[TrialRender] = []
    end = time.monotonic() + _MAX_SECONDS
    for trial in render_devices(profile=profile, most=MAX_TRIED):
        trials.append(trial)
        if time.monotonic() > end:
            break
    return trials


def with_values(profile: Profile, values: dict[str, object]) -> Profile:
    """Return an unsaved copy of `profile` with other values."""
    changed = Profile(id=profile.pk, domain_id=profile.domain_id, version=profile.version)
    for name in EDITABLE:
        setattr(changed, name, values.get(name, getattr(profile, name)))
    return changed
