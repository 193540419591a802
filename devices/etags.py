"""Which entity tags a device says it has already (RFC 9110); the tags are made in `enrollments.answering.etags`."""

from __future__ import annotations

from typing import Final

from django.utils.http import parse_etags

_ANY: Final = "*"


def is_known(etag: str, if_none_match: str) -> bool:
    """Tell whether the header names `etag`; weak and strong tags are the same here.

    Source: RFC 9110, sections 8.8.3.2 and 13.1.2.
    """
    return bool(if_none_match) and any(known.removeprefix("W/") == etag for known in parse_etags(if_none_match))


def is_any(if_none_match: str) -> bool:
    """Tell whether the header names every representation there may be."""
    return if_none_match.strip() == _ANY
