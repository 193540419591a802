"""Which configs a run is about, and how they are read: page by page in the order of their ids."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from configs.models import Config
from enrollments.clock import LEEWAY, DatabaseClock
from enrollments.models import BindingSnapshot
from enrollments.refresh.errors import NothingSelected, UnknownSelection
from profiles.models import Profile

_NAMED_IN_MESSAGES: Final = 5


class ConfigRef(NamedTuple):
    """A config as a run needs it."""

    id: uuid.UUID
    domain_id: str
    external_id: str
    profile_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters that all have to fit; `after` is where an earlier run ended.

    `older_than` selects configs of which some copy was last written longer ago; a copy that the platform merely
    confirmed is not written.
    """

    domain_id: str = ""
    profile_id: uuid.UUID | None = None
    config_ids: tuple[uuid.UUID, ...] = ()
    slot: str = ""
    older_than: timedelta | None = None
    everything: bool = False
    after: uuid.UUID | None = None

    @property
    def is_empty(self) -> bool:
        """Return whether no filter is given, and `everything` is not either."""
        filters = (self.domain_id, self.profile_id, self.config_ids, self.slot, self.older_than is not None)
        return not any(filters) and not self.everything


class ConfigSet:
    """The configs of a selection, as of now: rows that appear behind the page that was read last are seen."""

    def __init__(self, selection: Selection) -> None:
        """Check the selection.

        Raises: NothingSelected without a filter; UnknownSelection for ids and a slot that do not exist.
        """
        if selection.is_empty:
            raise NothingSelected(
                "no configs are selected",
                "give a filter (--domain, --profile, --config, --slot, --older-than) or --all",
            )
        self.selection = selection
        self._now = DatabaseClock().now() if selection.older_than is not None else None
        self.domain_id = selection.domain_id
        self._check_profile()
        self._check_configs()
        self._check_slot()
        if self.domain_id and not Config.objects.in_domain(self.domain_id).exists():
            raise UnknownSelection(f"there is no config in the domain {self.domain_id}", "check the domain's id")

    def count(self) -> int:
        if not self.selection.config_ids:
            return self._all().count()
        return sum(self._filtered().filter(pk__in=part).count() for part in _parts(self._named()))

    def pages(self, size: int) -> Iterator[list[ConfigRef]]:
        """Yield the configs by id, at most `size` at a time.

        Cost: one statement a page, by the primary key; nothing is held from page to page.
        """
        if self.selection.config_ids:
            for part in _parts(self._named(), size):
                yield _config_refs(self._filtered().filter(pk__in=part))
            return
        configs = self._all()
        while True:
            page = _config_refs(configs[:size])
            if page:
                yield page
            if len(page) < size:
                return
            configs = self._filtered().filter(pk__gt=page[-1].id)

    def _named(self) -> list[uuid.UUID]:
        after = self.selection.after
        return sorted(one for one in set(self.selection.config_ids) if after is None or one > after)

    def _all(self) -> QuerySet[Config]:
        after = self.selection.after
        return self._filtered() if after is None else self._filtered().filter(pk__gt=after)

    def _filtered(self) -> QuerySet[Config]:
        chosen = self.selection
        configs: QuerySet[Config] = Config.objects.order_by("pk")
        if self.domain_id:
            configs = configs.filter(domain_id=self.domain_id)
        if chosen.profile_id:
            configs = configs.filter(profile_id=chosen.profile_id)
        if chosen.slot or chosen.older_than is not None:
            wanted = Q(config=OuterRef("pk"))
            if chosen.slot:
                wanted &= Q(slot=chosen.slot)
            if chosen.older_than is not None and self._now is not None:
                # What was dated by a clock that was ahead may be of any age.
                wanted &= Q(updated_at__lt=self._now - chosen.older_than) | Q(updated_at__gt=self._now + LEEWAY)
            configs = configs.filter(Exists(BindingSnapshot.objects.filter(wanted)))
        return configs

    def _check_profile(self) -> None:
        profile_id, domain_id = self.selection.profile_id, self.selection.domain_id
        if profile_id is None:
            return
        profiles = Profile.objects.in_domain(domain_id) if domain_id else Profile.objects.all()
        found = profiles.filter(pk=profile_id).values_list("domain_id", flat=True).first()
        if found is None:
            where = f" in the domain {domain_id}" if domain_id else ""
            raise UnknownSelection(f"there is no profile {profile_id}{where}", "check the profile's id")
        self.domain_id = found

    def _check_configs(self) -> None:
        configs = Config.objects.in_domain(self.domain_id) if self.domain_id else Config.objects.all()
        unknown = set(self.selection.config_ids)
        for part in _parts(self.selection.config_ids):
            unknown.difference_update(configs.filter(pk__in=part).values_list("pk", flat=True))
        if unknown:
            where = f" in the domain {self.domain_id}" if self.domain_id else ""
            shown = ", ".join(str(one) for one in sorted(unknown)[:_NAMED_IN_MESSAGES])
            more = f" and {len(unknown) - _NAMED_IN_MESSAGES} more" if len(unknown) > _NAMED_IN_MESSAGES else ""
            raise UnknownSelection(f"there is no config {shown}{more}{where}", "check the configs' ids")

    def _check_slot(self) -> None:
        name = self.selection.slot
        if not name or BindingSnapshot.objects.filter(slot=name).exists():
            return
        # Nothing may be bound to it yet.
        declared = Profile.objects.exclude(binding_slots=[]).only("binding_slots").iterator()
        if not any(slot.name == name for profile in declared for slot in profile.slots):
            raise UnknownSelection(f"no profile has a slot {name!r}", "check the slot's name")


def _config_refs(configs: QuerySet[Config]) -> list[ConfigRef]:
    return [ConfigRef(*row) for row in configs.values_list("pk", "domain_id", "external_id", "profile_id")]


def _parts(ids: Sequence[uuid.UUID], size: int = 500) -> Iterator[Sequence[uuid.UUID]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
