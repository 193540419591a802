"""The root of the product's errors: what went wrong, in terms that every entry point can translate."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class ErrorKind(Enum):
    """What a caller can do about an error; `api.errors` maps each kind to an HTTP status, in one table."""

    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    PRECONDITION_FAILED = "precondition_failed"
    LENGTH_REQUIRED = "length_required"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    RENDER_FAILED = "render_failed"
    THROTTLED = "throttled"
    UPSTREAM_FAILED = "upstream_failed"
    UNAVAILABLE = "unavailable"
    UPSTREAM_TIMEOUT = "upstream_timeout"


class BootstrapError(Exception):
    """An expected failure with words that are safe to show to whoever asked.

    `message` is the short text that programs know (docs/contract.md#b); `detail` says what is wrong, where,
    and what to do. Neither ever holds a key, a token, a secret or rendered content. `field` is the member of a request
    and `slot` the binding slot that it is about, "" for none; `defect` is the sentence without that place, for pages
    that show it there. Our own code reads these, never the sentences.
    """

    kind: ClassVar[ErrorKind] = ErrorKind.INVALID

    def __init__(
        self,
        message: str,
        detail: str = "",
        *,
        field: str = "",
        slot: str = "",
        defect: str = "",
        retry_after: int | None = None,
    ) -> None:
        """`retry_after` is in seconds: when asking again may succeed."""
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.field = field
        self.slot = slot
        self.defect = defect or detail.removeprefix(f"{field}: ") or message
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.message}: {self.detail}" if self.detail else self.message


class EntityNotFound(BootstrapError):
    """Something that the caller's domain does not have, or not any more, in the contract's words for all of them."""

    kind = ErrorKind.NOT_FOUND

    def __init__(self, detail: str, *, field: str = "") -> None:
        super().__init__("entity not found", detail, field=field)
