"""What can go wrong with assigning, binding and refreshing."""

from __future__ import annotations

from typing import Final

from bootstrap_project.deadline import seconds_left
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.magistrala.errors import MagistralaError, deadline_passed

NOTHING_STORED: Final = "nothing was stored, the bindings are as they were; the same call can be repeated"
INCOMPLETE: Final = "nothing was stored; connections made so far stay, and the same call can be repeated"


class InvalidEnrollment(BootstrapError):
    """A wish that the config or its profile does not allow."""

    kind = ErrorKind.INVALID


class InvalidBinding(InvalidEnrollment):
    """A binding request that does not fit the profile's slots (docs/contract.md#e1)."""


class ResourceDisabled(InvalidBinding):
    """A resource that the platform has switched off is not given to a device."""


class EnrollmentChanged(BootstrapError):
    """Somebody else changed the config while the platform was being asked."""

    kind = ErrorKind.CONFLICT


def check_time() -> None:
    """Check that whoever asked for this still waits for it; to be called right before something is stored.

    Raises: DeadlinePassed.
    """
    if seconds_left() <= 0:
        error = deadline_passed()
        error.detail = NOTHING_STORED
        raise error


def at_slot(error: MagistralaError, slot: str, *, doing: str = "", is_incomplete: bool = False) -> MagistralaError:
    """Return a copy of `error` whose message begins with the slot, and with what was being done.

    Its detail says that nothing was stored. With `is_incomplete` it also says that connections were made before.
    """
    defect = f"{doing}: {error.message}" if doing else error.message
    placed = error.again(f"{named(slot)}: {defect}")
    placed.slot, placed.defect, placed.is_incomplete = slot, defect, is_incomplete
    placed.detail = INCOMPLETE if is_incomplete else NOTHING_STORED
    return placed


def named(slot: str) -> str:
    """Return how messages call a slot, cut to a length that fits a sentence."""
    return f"slot {slot if len(slot) <= 256 else slot[:255] + '…'!r}"
