"""What proxies say in `Forwarded` (RFC 7239), read from its right end, where the nearest one wrote.

A client can write what it likes to the left of that, quotation marks that it never closes included, so nothing there
may decide how the right end is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

#: A node as proxies write it, in quotation marks where there is more than a token; none has a comma or a semicolon.
_PAIR: Final = re.compile(r'[ \t]*([A-Za-z-]+)=(?:"([^",;\\]*)"|([^",;\\ \t]*))[ \t]*')


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy says: who called it (empty where it does not tell), and over what."""

    address: str
    scheme: str


def read_hops(header: str, most: int) -> list[Hop | None]:
    """Return the last `most` elements of `header` in their order; None for one that cannot be read.

    Source: RFC 7239, section 4. Not read are elements with a comma, a semicolon or a backslash within quotation marks:
    addresses and schemes have none.
    Cost: linear.
    """
    return [_read_hop(element) for element in header.rsplit(",", most)[-most:]] if header else []


def _read_hop(element: str) -> Hop | None:
    said: dict[str, str] = {}
    for part in element.split(";"):
        pair = _PAIR.fullmatch(part)
        if pair is None:
            return None
        name, quoted, token = pair.groups()
        # A name twice would let the order decide.
        if name.lower() in said:
            return None
        said[name.lower()] = token if quoted is None else quoted
    return Hop(said.get("for", ""), said.get("proto", "").lower())
