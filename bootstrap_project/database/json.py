"""The encoder of JSON columns: floats stay floats."""

from __future__ import annotations

import re
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

_STRING_OR_FLOAT = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9.]+e\+[0-9]+|-0\.0(?![0-9e])')


class ExactFloatEncoder(DjangoJSONEncoder):
    """Writes JSON whose floats stay floats in a `jsonb` column.

    PostgreSQL keeps numbers as decimals: `1e+16` comes back as the integer 10000000000000000, which templates print
    otherwise than the float it was. A fraction of zero is kept, so floats are written with one instead of an exponent.
    It knows no negative zero either, so that none is written on any database.
    """

    def encode(self, o: Any) -> str:
        """Encode as the base class does, floats of 1e16 and more without an exponent, and -0.0 as 0.0."""
        text = super().encode(o)
        return _STRING_OR_FLOAT.sub(_plain, text) if "e+" in text or "-0.0" in text else text


def _plain(match: re.Match[str]) -> str:
    token = match[0]
    return token if token.startswith('"') else f"{int(float(token))}.0"
