"""What may be stored of a document, whatever its kind: JSON's types, in bounds."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from typing import Any, Final

from bootstrap_project.documents.errors import INVALID_JSON, InvalidDocument
from bootstrap_project.documents.limits import MAX_DEPTH, MAX_INTEGER, MAX_INTEGER_BITS, MAX_VALUES

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Return whether a database can store `text`: no NUL, and no half of a surrogate pair."""
    return not _UNSTORABLE.search(text)


def check_storable(document: Any) -> None:
    """Check that the database can keep `document` and templates can walk it.

    Raises: InvalidDocument for NUL characters and lone surrogates, which PostgreSQL cannot store, for integers that no
    float holds, and for nesting deeper than `MAX_DEPTH`.
    """
    pending: list[tuple[Any, int]] = [(document, 1)]
    while pending:
        value, depth = pending.pop()
        if isinstance(value, str):
            if not is_storable(value):
                raise InvalidDocument(INVALID_JSON, "a text holds a NUL character or half of a surrogate pair")
        elif isinstance(value, int):
            if abs(value) > MAX_INTEGER:
                raise InvalidDocument(INVALID_JSON, "a whole number has more than 308 digits")
        elif isinstance(value, dict | list):
            if depth > MAX_DEPTH:
                raise InvalidDocument(INVALID_JSON, f"it is nested deeper than {MAX_DEPTH} levels")
            members = [*value.keys(), *value.values()] if isinstance(value, dict) else value
            pending.extend((member, depth + 1) for member in members)


def as_json(document: Any) -> Any:
    """Return `document` with JSON's types alone, checked as JSON bodies are.

    Cost: what aliases point to is copied each time, so the size is bounded while copying.
    """
    budget = [MAX_VALUES]
    converted = _convert(document, budget, depth=1)
    check_storable(converted)
    return converted


def _convert(value: Any, budget: list[int], depth: int) -> Any:
    budget[0] -= 1
    if budget[0] < 0 or depth > MAX_DEPTH:
        raise InvalidDocument(INVALID_JSON, "the document unfolds to too many values")
    if isinstance(value, dict):
        return {_member_name(name): _convert(member, budget, depth + 1) for name, member in value.items()}
    if isinstance(value, list):
        return [_convert(member, budget, depth + 1) for member in value]
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise InvalidDocument(INVALID_JSON, f"a whole number has at most {MAX_INTEGER_BITS} bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidDocument(INVALID_JSON, "infinite numbers and not-a-number cannot be stored")
    if isinstance(value, float):
        return value + 0.0  # No negative zero, as in JSON.
    if isinstance(value, datetime | date | time):
        return _rfc_3339(value)
    if value is None or isinstance(value, str | int | float):
        return value
    raise InvalidDocument(INVALID_JSON, f"a value of type {type(value).__name__} has no form in JSON")


def _rfc_3339(value: datetime | date | time) -> str:
    text = value.isoformat()
    if not isinstance(value, date) or isinstance(value, datetime):
        whole, point, rest = text.partition(".")
        if point:
            # Six digits, of which the last may say nothing, and perhaps a zone.
            text = f"{whole}.{rest[:6].rstrip('0')}{rest[6:]}"
    return text.replace("+00:00", "Z")


def _member_name(name: Any) -> str:
    if isinstance(name, str):
        return name
    raise InvalidDocument(INVALID_JSON, "the name of a member must be a text")
