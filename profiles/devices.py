"""What the pages of profiles ask about devices; who knows devices stands above profiles and answers here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from bootstrap_project.diagnostics import Diagnostic
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
class TrialRender:
    """What a device would get with a changed profile: something, or `failure`."""

    device: Device
    failure: Diagnostic | None = None


class Devices(Protocol):
    """The questions. Every caller says which domain it may ask about."""

    def find(self, *, domain_id: str, text: str, prefer: uuid.UUID | None) -> list[Device]:
        """Return the first few devices whose name or external id holds `text`, those of the profile `prefer` first."""

    def render(self, *, profile: Profile, device_id: uuid.UUID) -> Rendered:
        """Return what the unsaved `profile` gives a device of its domain, secrets masked."""

    def render_devices(self, *, profile: Profile, most: int) -> Iterator[TrialRender]:
        """Render the unsaved `profile` for at most so many of the devices that use it, one by one."""

    def count_bound(self, *, profile_id: uuid.UUID, slot: str, most: int) -> int:
        """Return how many devices of a profile have bound `slot`; counts no further than `most`."""


_registered: Final[list[Devices]] = []


def register_devices(devices: Devices) -> None:
    """Make `devices` the one who answers."""
    _registered[:] = [devices]


def known_devices() -> Devices:
    """Return who answers; an application above profiles registers when it starts."""
    return _registered[0]
