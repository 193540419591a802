"""From bytes to text: UTF-8, with or without a byte order mark."""

from __future__ import annotations

import codecs
from typing import Final

from bootstrap_project.documents.encodings import foreign_encoding
from bootstrap_project.documents.errors import INVALID_JSON, InvalidDocument

BYTE_ORDER_MARK: Final = "\ufeff"


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
