"""What can go wrong between us and the platform, in terms that `api.errors` can translate."""

from __future__ import annotations

from typing import ClassVar, Self

from bootstrap_project.deadline import seconds_allowed
from bootstrap_project.errors import BootstrapError, ErrorKind


class MagistralaError(BootstrapError):
    """A call to the platform failed; the message names the service and what to do, and is safe to show.

    `service` is the platform service asked ("clients", "channels", ...); `permanent` says that the same call would
    fail again until somebody changes something; `status` is the platform's HTTP status, None when there was none.
    `is_incomplete` says that calls before it have changed something on the platform.
    """

    kind: ClassVar[ErrorKind] = ErrorKind.UPSTREAM_FAILED
    permanent_by_default: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        service: str,
        permanent: bool | None = None,
        status: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        """`permanent` defaults to what is usual for the class; `retry_after` is in seconds."""
        super().__init__(message, retry_after=retry_after)
        self.service = service
        self.permanent = self.permanent_by_default if permanent is None else permanent
        self.status = status
        self.is_incomplete = False

    def again(self, message: str = "") -> Self:
        """Return the same error anew, with another message if one is given; a traceback belongs to one thread."""
        again = type(self)(message or self.message, service=self.service)
        said = {"message": again.message, "defect": again.defect} if message else {}
        vars(again).update(vars(self) | said)
        return again


class Unauthorized(MagistralaError):
    """The platform does not accept the token or the password (401)."""

    kind: ClassVar[ErrorKind] = ErrorKind.UNAUTHORIZED
    permanent_by_default: ClassVar[bool] = True


class Unverified(Unauthorized):
    """The platform knows the token's user and lets nobody in whose e-mail address is not verified (401)."""


class Forbidden(MagistralaError):
    """The token may not do this, or the resource does not exist: the platform says 403 to both."""

    kind: ClassVar[ErrorKind] = ErrorKind.FORBIDDEN
    permanent_by_default: ClassVar[bool] = True


class ResourceNotFound(MagistralaError):
    """There is no such client, channel or domain (404)."""

    kind: ClassVar[ErrorKind] = ErrorKind.NOT_FOUND
    permanent_by_default: ClassVar[bool] = True


class Rejected(MagistralaError):
    """The platform understood the request and refused it (400, 409, 422)."""

    kind: ClassVar[ErrorKind] = ErrorKind.INVALID
    permanent_by_default: ClassVar[bool] = True


class Unavailable(MagistralaError):
    """The platform is down, overloaded, or answers what we cannot use: 5xx, garbage, a redirect, too many bytes."""

    kind: ClassVar[ErrorKind] = ErrorKind.UPSTREAM_FAILED


class Unusable(Unavailable):
    """The platform answered well and whole, and what it said makes no sense: it is there, so this is no outage."""


class TimedOut(MagistralaError):
    """The platform did not answer in time."""

    kind: ClassVar[ErrorKind] = ErrorKind.UPSTREAM_TIMEOUT


class DeadlinePassed(TimedOut):
    """The time for all calls of one request was over (`deadline`), which says nothing of the service asked last."""


def deadline_passed(service: str = "") -> DeadlinePassed:
    """Return what to raise when the time of a request is over while `service` is asked, or after all was asked."""
    who = f"The Magistrala {service} service" if service else "Magistrala"
    message = f"{who} did not answer within the {seconds_allowed():g} s that there are for all questions; try again."
    return DeadlinePassed(message, service=service)
