"""Writes what changed of a page of configs, in one transaction that locks only those that change."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from django.db import DatabaseError, connection, transaction

from bootstrap_project.errors import BootstrapError
from bootstrap_project.slots import BindingSlot
from configs.errors import ConfigNotFound
from configs.models import Config
from enrollments.binding.fetch import ResourceRef
from enrollments.clock import microseconds
from enrollments.errors import named
from enrollments.refresh.cache import Answer, Failure
from enrollments.refresh.diff import FetchedResource, RefreshedSlot, SnapshotChange, compare
from enrollments.refresh.report import ConfigOutcome, ConfigReport
from enrollments.refresh.rows import StoredBinding, replace_snapshots
from enrollments.refresh.run_one import apply_known, outcome_of
from enrollments.refresh.select import ConfigRef
from profiles.models import Profile

logger = logging.getLogger(__name__)

#: What became of a question whose answer nobody waited for any longer.
_OUT_OF_TIME: Final = Failure("timeout", "Magistrala did not answer everything about this config in time; try again.")
#: Place among the reports, config, and what is to be written of it.
_Changing: TypeAlias = "tuple[int, ConfigWork, list[SnapshotChange]]"


@dataclass(slots=True)
class ConfigWork:
    """A config, the version of its profile, and its declared bindings with their resources, as they were read."""

    config: ConfigRef
    version: int
    wanted: list[tuple[BindingSlot, StoredBinding, ResourceRef]] = field(repr=False)


class Profiles:
    """Slots of the profiles of a page."""

    def __init__(self) -> None:
        self._known: dict[uuid.UUID, tuple[int, tuple[BindingSlot, ...]]] = {}

    def load(self, ids: Iterable[uuid.UUID | None]) -> None:
        """Read the profiles of a page; anew, since a run is long.

        Cost: one statement.
        """
        wanted = {one for one in ids if one is not None}
        self._known.clear()
        if not wanted:
            return
        for profile in Profile.objects.filter(pk__in=wanted).only("version", "binding_slots"):
            self._known[profile.pk] = (profile.version, profile.slots)

    def get(self, profile_id: uuid.UUID | None) -> tuple[int, tuple[BindingSlot, ...]]:
        """Return version and slots; none for a profile that is gone, or for no profile."""
        return self._known.get(profile_id, (0, ())) if profile_id is not None else (0, ())


def write(
    page: Sequence[ConfigWork], answers: Mapping[ResourceRef, Answer], *, slot: str, dry_run: bool, now: datetime
) -> list[ConfigReport]:
    """Write what differs and return what became of each config, in their order.

    Configs that need nothing written are not locked. The others are, in the order of their ids; one whose row, profile
    or bindings are not as they were read is read and compared again under the lock. When the database refuses the page,
    each config is tried by itself, so that one cannot spoil the others. `now` is the database's.

    Raises: django.db.Error when the database is not there any more.
    """
    reports: list[ConfigReport] = []
    changing: list[_Changing] = []
    for work in page:
        report, changes = _compared(work, answers, microseconds(now))
        if changes and not dry_run:
            changing.append((len(reports), work, changes))
        reports.append(report)
    if changing:
        for place, work, _changes in _write_together(changing):
            reports[place] = _apply_alone(work, answers, slot=slot)
    return reports


def _compared(
    work: ConfigWork, answers: Mapping[ResourceRef, Answer], now: int
) -> tuple[ConfigReport, list[SnapshotChange]]:
    """Compare a config as it was read; the first slot whose resource could not be had decides that it fails."""
    slots: list[RefreshedSlot] = []
    changes: list[SnapshotChange] = []
    for slot, binding, ref in work.wanted:
        answer = answers.get(ref, _OUT_OF_TIME)
        if isinstance(answer, Failure):
            message = f"{named(slot.name)}: {answer.message}"
            return _failed(work, slot.name, answer.reason, message, outage=answer.outage), []
        outcome, change = compare(slot, binding, answer, now=now)
        slots.append(outcome)
        if change is not None:
            changes.append(change)
    return _report(work, tuple(slots), changed=bool(changes)), changes


def _write_together(changing: Sequence[_Changing]) -> Sequence[_Changing]:
    """Write what can be written together, and return the configs that have to be looked at one by one.

    Raises: django.db.Error when the database is not there any more.
    """
    try:
        with transaction.atomic():
            unchanged = _unchanged(changing)
            changes = [change for one in changing if one[0] in unchanged for change in one[2]]
            _write_as_read(changes)
    except _Moved:
        return changing
    except DatabaseError as error:
        if not connection.is_usable():
            raise
        # One row that the database refuses must not keep the other configs of the page from their news. The error's
        # own text may quote the row.
        logger.warning("the database refused a page of configs", extra={"error": type(error).__name__})
        return changing
    return [one for one in changing if one[0] not in unchanged]


class _Moved(Exception):
    """A row is not any more as it was read."""


def _write_as_read(changes: Sequence[SnapshotChange]) -> None:
    if replace_snapshots([change.new_snapshot() for change in changes]) != len(changes):
        # Somebody else has written one of the rows meanwhile: leaving the transaction undoes all of this.
        raise _Moved


def _unchanged(changing: Sequence[_Changing]) -> set[int]:
    """Lock the configs and return the indexes of those unchanged since they were read."""
    rows = _locked([work.config.id for _place, work, _changes in changing])
    profile_ids = {profile_id for _domain_id, profile_id in rows.values() if profile_id is not None}
    versions: dict[uuid.UUID, int] = dict(Profile.objects.filter(pk__in=profile_ids).values_list("pk", "version"))
    return {
        place
        for place, work, _changes in changing
        if rows.get(work.config.id) == (work.config.domain_id, work.config.profile_id)
        and work.version == (versions.get(work.config.profile_id) if work.config.profile_id else None)
    }


def _locked(ids: list[uuid.UUID]) -> dict[uuid.UUID, tuple[str, uuid.UUID | None]]:
    """Lock those of the configs that still exist, in the order of their ids, and return their domains and profiles."""
    if connection.vendor == "postgresql":
        # By hand, because the ORM takes longer over hundreds of parameters than the database over the locks.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, domain_id, profile_id FROM configs_config WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [ids]
            )
            rows = cursor.fetchall()
    else:
        found = Config.objects.select_for_update().filter(pk__in=ids).order_by("pk")
        rows = list(found.values_list("pk", "domain_id", "profile_id"))
    return {config_id: (domain_id, profile_id) for config_id, domain_id, profile_id in rows}


def _apply_alone(work: ConfigWork, answers: Mapping[ResourceRef, Answer], *, slot: str) -> ConfigReport:
    """Read, compare and write one config under its lock, as a refresh over REST does."""
    known = {ref: answer for *_, ref in work.wanted if isinstance(answer := answers.get(ref), FetchedResource)}
    try:
        result = apply_known(config_id=work.config.id, known=known, slot=slot)
    except ConfigNotFound:
        return ConfigReport(work.config, ConfigOutcome.GONE)
    except BootstrapError as error:
        return _failed(work, "", outcome_of(error), error.detail or error.message)
    except DatabaseError as error:
        if not connection.is_usable():
            raise
        return _failed(work, "", "error", f"the database refused the new snapshots ({type(error).__name__})")
    return _report(work, result.slots, changed=bool(result.changed))


def _report(work: ConfigWork, slots: tuple[RefreshedSlot, ...], *, changed: bool) -> ConfigReport:
    outcome = ConfigOutcome.CHANGED if changed else ConfigOutcome.UNCHANGED if slots else ConfigOutcome.UNBOUND
    return ConfigReport(work.config, outcome, slots, bindings=len(slots))


def _failed(work: ConfigWork, slot: str, reason: str, message: str, *, outage: bool = False) -> ConfigReport:
    return ConfigReport(
        work.config,
        ConfigOutcome.FAILED,
        reason=reason,
        slot=slot,
        message=message,
        outage=outage,
        bindings=len(work.wanted),
    )
