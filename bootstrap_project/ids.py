"""Ids of rows as callers write them."""

from __future__ import annotations

import uuid


def parse_id(text: str) -> uuid.UUID | None:
    """Return the UUID that `text` spells; None for everything else, which no row can have for its id."""
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        return None
    # Python takes braces, a URN prefix and missing hyphens too; only the form that we give out is an id.
    return parsed if str(parsed) == text.lower() else None
