"""Why a device gets no configuration: what it reads, what is counted, and what only operators read."""

from __future__ import annotations

import logging
import uuid
from typing import ClassVar, Final

from bootstrap_project.api.errors import MESSAGE_OF_STATUS
from bootstrap_project.database.trouble import DATABASE_RETRY_SECONDS, DATABASE_SILENT
from bootstrap_project.errors import BootstrapError, ErrorKind
from bootstrap_project.outcomes import Outcome
from devices.bulkhead import NoPermit

REFUSED: Final = "failed to get bootstrap configuration for given external key"
REFUSED_ENCRYPTED: Final = "failed to get bootstrap configuration for given encrypted external key"


class DeviceError(BootstrapError):
    """A bootstrap that failed. The device reads `message` and `detail`; `reason` is for the log.

    Shape: `config_id` is None where no config is known.
    """

    outcome: ClassVar[Outcome] = Outcome.ERROR
    level: ClassVar[int] = logging.INFO

    def __init__(
        self,
        message: str,
        detail: str = "",
        *,
        reason: str = "",
        config_id: uuid.UUID | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, detail, retry_after=retry_after)
        self.reason = reason
        self.config_id = config_id


class MissingKey(DeviceError):
    """The request carries no `Client` key."""

    kind = ErrorKind.UNAUTHORIZED
    outcome = Outcome.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__(
            "missing or invalid bearer entity key",
            "send the external key in the header: Authorization: Client <external key>",
            reason="no key",
        )


class Refused(DeviceError):
    """An unknown external id or a wrong key, which the device cannot tell apart (docs/contract.md#k12)."""

    kind = ErrorKind.FORBIDDEN
    outcome = Outcome.REFUSED

    def __init__(self, *, reason: str, config_id: uuid.UUID | None = None) -> None:
        super().__init__(REFUSED, reason=reason, config_id=config_id)


class RefusedEncrypted(DeviceError):
    """A key that the secure endpoint cannot decrypt."""

    kind = ErrorKind.FORBIDDEN
    outcome = Outcome.REFUSED

    def __init__(self, *, reason: str) -> None:
        super().__init__(REFUSED_ENCRYPTED, reason=reason)


class TooManyFailures(DeviceError):
    """Too many wrong keys and unknown external ids; does not say whether the id exists (docs/contract.md#k12)."""

    kind = ErrorKind.THROTTLED
    outcome = Outcome.THROTTLED

    def __init__(
        self, *, retry_after: int, reason: str = "too many failures", config_id: uuid.UUID | None = None
    ) -> None:
        super().__init__(
            "too many failed bootstrap requests",
            "wait before trying again",
            reason=reason,
            config_id=config_id,
            retry_after=max(1, retry_after),
        )


class KeyCheckBusy(DeviceError):
    """The key needs a slow check that is not done soon; nothing is known about the key yet."""

    kind = ErrorKind.UNAVAILABLE
    outcome = Outcome.THROTTLED

    def __init__(self, *, retry_after: int, config_id: uuid.UUID | None = None) -> None:
        super().__init__(
            MESSAGE_OF_STATUS[503],
            "too many keys are being checked; try again",
            reason="no slot for a slow key check",
            config_id=config_id,
            retry_after=retry_after,
        )


class AmbiguousKey(DeviceError):
    """Several configs have the key, so that it does not say which one is meant."""

    kind = ErrorKind.INVALID
    outcome = Outcome.INVALID

    def __init__(self) -> None:
        super().__init__(
            "external key belongs to more than one configuration",
            "name the device: GET /clients/bootstrap/{external_id}",
            reason="ambiguous key",
        )


class DeviceDisabled(DeviceError):
    """The key is right and the config is disabled."""

    kind = ErrorKind.FORBIDDEN
    outcome = Outcome.DISABLED

    def __init__(self, *, config_id: uuid.UUID) -> None:
        super().__init__("bootstrap configuration is disabled", reason="disabled", config_id=config_id)


class MissingBinding(DeviceError):
    """A required slot has no binding, or one of another type."""

    kind = ErrorKind.RENDER_FAILED
    outcome = Outcome.MISSING_BINDING
    level = logging.WARNING

    def __init__(self, slot: str, *, config_id: uuid.UUID) -> None:
        super().__init__(
            "required binding is missing",
            f"slot {slot!r} is not bound",
            reason=f"slot {slot!r} is not bound to a resource of its type",
            config_id=config_id,
        )


class RenderFailed(DeviceError):
    """The configuration could not be made; why is for operators alone, who find it by the request id."""

    kind = ErrorKind.RENDER_FAILED
    outcome = Outcome.RENDER_FAILED
    level = logging.WARNING

    def __init__(self, *, reason: str, config_id: uuid.UUID) -> None:
        super().__init__("failed to render bootstrap configuration", reason=reason, config_id=config_id)


class RenderLater(DeviceError):
    """The templates of the device's domain take long, and many of its devices wait for their turn already."""

    kind = ErrorKind.UNAVAILABLE
    outcome = Outcome.THROTTLED

    def __init__(self, *, retry_after: int, config_id: uuid.UUID) -> None:
        super().__init__(
            MESSAGE_OF_STATUS[503],
            "too many configurations are being made; try again",
            reason="the domain's templates take long; no turn",
            config_id=config_id,
            retry_after=retry_after,
        )


class DatabaseUnavailable(DeviceError):
    """The database cannot be asked, or not in time; nothing can be said about the key."""

    kind = ErrorKind.UNAVAILABLE
    level = logging.WARNING

    def __init__(self, *, reason: str, detail: str = DATABASE_SILENT) -> None:
        super().__init__(
            MESSAGE_OF_STATUS[503],
            detail,
            reason=reason,
            retry_after=DATABASE_RETRY_SECONDS,
        )


def not_in_time(error: NoPermit) -> DatabaseUnavailable:
    """Return `error` as devices read it."""
    return DatabaseUnavailable(reason=f"no place: {error.detail}", detail=error.detail)
