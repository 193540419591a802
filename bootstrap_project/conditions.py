"""Changes that rest on what was read before: entity tags, and the header that names them (RFC 9110, section 13.1.1)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Self

from django.utils.crypto import salted_hmac
from django.utils.http import parse_etags

from bootstrap_project.errors import BootstrapError, ErrorKind

_DIGITS: Final = 36
_ANY: Final = "*"


class PreconditionFailed(BootstrapError):
    """What is stored is not what the caller has seen."""

    kind = ErrorKind.PRECONDITION_FAILED

    def __init__(self) -> None:
        super().__init__(
            "precondition failed", "If-Match names no state that is stored now; nothing was changed: read it again"
        )


@dataclass(frozen=True, slots=True)
class IfMatch:
    """The header `If-Match`: one of these tags, or any with `*`, is to be the tag of what is stored."""

    tags: tuple[str, ...]

    @classmethod
    def read(cls, header: str | None) -> Self | None:
        """Return the condition that the header's value states, None without a header."""
        return None if header is None else cls(tuple(parse_etags(header)))

    def check(self, etag: str | None) -> None:
        """Compare strongly with the tag of what is stored, None where nothing is; raises PreconditionFailed."""
        if etag is None or not (_ANY in self.tags or etag in self.tags):
            raise PreconditionFailed


def make_etag(purpose: str, *parts: Any) -> str:
    """Return the strong entity tag of what `parts` say, with its quotes; it tells nothing of them.

    Shape: `parts` are values of JSON. What a database makes one, the tag does as well: the order of members, and zeros.
    """
    plain = json.loads(json.dumps(parts), parse_float=lambda text: float(text) + 0.0)
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return f'"{salted_hmac(purpose, text, algorithm="sha256").hexdigest()[:_DIGITS]}"'
