"""Quotes in the text of a template: whether an action is all that stands between two of them."""

from __future__ import annotations

import re
from typing import Final

# An opening quote stands where a value may begin, a closing one where it may end; anything else is a string in parts.
_OPENING: Final = re.compile(r"""(?:\A|[:\[{(,=\n-])[ \t]*(["'])\Z""")
_CLOSING: Final = re.compile(r"""(["'])[ \t\r]*(?:\Z|[\]}),:=\n#])""")
_REACH: Final = 80


def quote_around(before: str, after: str) -> str:
    """Return the quote that ends `before` as an opening and begins `after` as a closing one; "" if there is none."""
    if before[-1:] not in {'"', "'"} or before[-1] != after[:1]:
        return ""
    tail = before[-_REACH:]
    if not _OPENING.search(tail) or not _CLOSING.match(after[:_REACH]):
        return ""
    return before[-1]
