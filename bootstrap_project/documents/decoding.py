"""From bytes to text: UTF-8, with or without a byte order mark."""

from __future__ import annotations

import codecs
from typing import Final

from bootstrap_project.documents.errors import INVALID_JSON, InvalidDocument

BYTE_ORDER_MARK: Final = "\ufeff"
# Those of UTF-32 begin like those of UTF-16.
_OTHERS: Final = (
    ("UTF-32", (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)),
    ("UTF-16", (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)),
)


def decode(body: bytes) -> str:
    """Return the text in `body` without the mark that editors of Windows put before it (RFC 8259, section 8.1).

    Raises: InvalidDocument that names UTF-16 and UTF-32, which the same editors write.
    """
    if encoding := foreign_encoding(body):
        raise InvalidDocument(INVALID_JSON, f"the text is {encoding}; save it as UTF-8")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # With the mark, the decoder counts from behind it.
        skipped = len(codecs.BOM_UTF8) if body.startswith(codecs.BOM_UTF8) else 0
        raise InvalidDocument(INVALID_JSON, f"byte {error.start + skipped} is not UTF-8") from error


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
