"""Encodings of Unicode that editors of Windows write, and that nothing here reads; the command line names them too."""

from __future__ import annotations

import codecs
from typing import Final

# Those of UTF-32 begin like those of UTF-16.
_OTHERS: Final = (
    ("UTF-32", (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)),
    ("UTF-16", (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
)


def foreign_encoding(body: bytes) -> str:
    """Return "UTF-16" or "UTF-32" for what is written so, by its mark or its zeros; "" for everything else.

    Source: RFC 4627, section 3: the first two characters of a document are ASCII, so the zeros tell.
    """
    for name, marks in _OTHERS:
        if body.startswith(marks):
            return name
    zeros = [not byte for byte in body[:4]]
    if zeros in ([False, True, True, True], [True, True, True, False]):
        return "UTF-32"
    return "UTF-16" if zeros in ([False, True, False, True], [True, False, True, False]) else ""
