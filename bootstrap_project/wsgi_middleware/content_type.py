"""What a request's Content-Type may decide: never the encoding, which is UTF-8."""

from __future__ import annotations

from typing import Final

from django.utils.http import parse_header_parameters

#: Where the door leaves word that a body announced another charset.
FOREIGN_CHARSET: Final = "bootstrap.foreign_charset"
_OURS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


def names_foreign_charset(content_type: str) -> bool:
    """Return whether a Content-Type says that the body is in another charset than UTF-8."""
    _, found, rest = content_type.lower().partition("charset")
    return bool(found) and rest.lstrip(" *=").partition(";")[0].strip(" \"'") not in _OURS


def without_charset(content_type: str) -> str:
    """Return a Content-Type without the charset that it names, for Django would decode all input with it.

    Python's codecs include some that make no text, and some that make text which cannot be stored. What cannot be read
    becomes none.
    """
    # A star announces a value in an encoding of its own (RFC 2231).
    if "charset" not in content_type.lower() and "*" not in content_type:
        return content_type
    try:
        media_type, parameters = parse_header_parameters(content_type)
    except ValueError:
        return ""
    kept = (f'; {name}="{value}"' for name, value in parameters.items() if name != "charset")
    return media_type + "".join(kept)
