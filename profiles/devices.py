"""What the pages of profiles ask about devices; who knows devices stands above profiles and answers here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from django.utils.safestring import SafeString

from bootstrap_project.adminsite.display import prose
from profiles.models import Profile


@dataclass(frozen=True, slots=True)
class Device:
    """A device as people choose it."""

    id: str
    name: str
    external_id: str
    uses: str
    """The id of the profile that it uses; "" for none."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What an unsaved profile gives a device; `unbound` are the required slots for which it would get nothing yet."""

    device: Device
    text: str
    unbound: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """What a device would get with a changed profile; `failure` is what went wrong, "" for nothing."""

    device: Device
    failure: str
    place: tuple[int, int] = (0, 0)

    @property
    def shown_failure(self) -> SafeString:
        """Return where and why it fails, with its code set as code."""
        line, column = self.place
        return prose(f"Line {line}, column {column}: {self.failure}" if line else self.failure)


class Devices(Protocol):
    """The questions. Every caller says which domain it may ask about."""

    def find(self, *, domain_id: str, text: str, prefer: uuid.UUID | None) -> list[Device]:
        """Return the first few devices whose name or external id holds `text`, those of the profile `prefer` first."""

    def render(self, *, profile: Profile, device_id: uuid.UUID) -> Rendered:
        """Return what the unsaved `profile` gives a device of its domain, secrets masked."""

    def try_out(self, *, profile: Profile, most: int) -> Iterator[Trial]:
        """Try the unsaved `profile` on at most so many of the devices that use it, one by one."""

    def count_bound(self, *, profile_id: uuid.UUID, slot: str, most: int) -> int:
        """Return how many devices of a profile have bound `slot`; counts no further than `most`."""


_registered: Final[list[Devices]] = []


def register_devices(devices: Devices) -> None:
    """Make `devices` the one who answers."""
    _registered[:] = [devices]


def known_devices() -> Devices:
    """Return who answers; an application above profiles registers when it starts."""
    return _registered[0]
