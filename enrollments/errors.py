"""What can go wrong with assigning, binding and refreshing."""

from __future__ import annotations

from typing import Final

from bootstrap_project.deadline import seconds_left
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.magistrala.errors import MagistralaError, deadline_passed

NOTHING_STORED: Final = "nothing was stored, the bindings are as they were; the same call can be repeated"


class InvalidEnrollment(BootstrapError):
    """A wish that the config or its profile does not allow."""

    kind = ErrorKind.INVALID


class InvalidBinding(InvalidEnrollment):
    """A binding request that does not fit the profile's slots (contract E.1)."""


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


def at_place(error: MagistralaError, place: str, detail: str) -> MagistralaError:
    """Return `error`, of the same class, with a message that names `place` (the slot) and with `detail`."""
    named = error.again(f"{place}: {error.message}")
    named.detail = detail
    return named
