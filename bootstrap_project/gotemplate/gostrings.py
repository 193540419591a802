"""Strings as Go has them: quoting, unquoting, and bytes that are not valid UTF-8.

A Go string is any bytes. Here it is a str in which each byte that is not part of valid UTF-8 is one of the lone
surrogates U+DC80 to U+DCFF, as Python's "surrogateescape" has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

_SHORT = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v"}
_SIMPLE_ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92}
_ESCAPE_DIGITS = {"x": 2, "u": 4, "U": 8}


LONGEST_QUOTED = 100
"""Characters of a name or an expression that a message quotes."""
_CHUNK = 16 * 1024


def is_print(code: int) -> bool:
    """Report whether Go leaves the character as it is in quoted text: a space, or one that shows.

    Source: Go strconv.IsPrint.
    """
    return chr(code).isprintable()


def is_word(char: str) -> bool:
    """Report whether the character may be part of an identifier: a letter, a decimal digit or the underscore.

    Source: Go unicode.IsLetter, unicode.IsDigit.
    """
    return char.isalpha() or char.isdecimal() or char == "_"


def shortened(text: str, room: int = LONGEST_QUOTED) -> str:
    """Return the text, its middle left out where it is longer than `room`."""
    if len(text) <= room:
        return text
    kept = room - 1
    return f"{text[: kept - kept // 3]}…{text[len(text) - kept // 3 :]}"


def translated(text: str, table: Mapping[int, str], check: Callable[[], None] | None) -> str:
    """Return `text.translate(table)`, with a look at the clock now and then, since tables work out their entries."""
    if len(text) <= _CHUNK or check is None:
        return text.translate(table)
    parts: list[str] = []
    for start in range(0, len(text), _CHUNK):
        check()
        parts.append(text[start : start + _CHUNK].translate(table))
    return "".join(parts)


def to_bytes(text: str) -> bytes:
    """Return the bytes of a Go string."""
    if text.isascii():
        return text.encode("ascii")
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # A surrogate that stands for no byte cannot come from JSON or a template; Go would have U+FFFD.
        return "".join("\ufffd" if "\ud800" <= c < "\udc80" or "\udd00" <= c <= "\udfff" else c for c in text).encode(
            "utf-8", "surrogateescape"
        )


def from_bytes(data: bytes) -> str:
    """Return the Go string of some bytes."""
    return data.decode("utf-8", "surrogateescape")


def rejoin(text: str) -> str:
    """Return a concatenation in normal form: bytes that became valid UTF-8 side by side are characters again."""
    return text if text.isascii() else from_bytes(to_bytes(text))


def is_bad(char: str) -> bool:
    """Report whether the character stands for a byte that is not valid UTF-8."""
    return "\ud800" <= char <= "\udfff"


def printable(text: str) -> str:
    """Return the text with U+FFFD for each bad byte, as Go's conversion to runes gives it."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if is_bad(c) else c for c in rejoin(text))
    return text


class _Escapes(dict[int, str]):
    """A table for str.translate that works out each character once."""

    def __init__(self, mark: str, *, ascii_only: bool) -> None:
        super().__init__()
        self.mark = mark
        self.ascii_only = ascii_only

    def __missing__(self, code: int) -> str:
        escaped = _escape(code, self.mark, ascii_only=self.ascii_only)
        if len(self) < 4096:
            self[code] = escaped
        return escaped


def _escape(code: int, mark: str, *, ascii_only: bool) -> str:
    char = chr(code)
    if char in (mark, "\\"):
        return "\\" + char
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if 0xD800 <= code <= 0xDFFF:
        code, char = 0xFFFD, "\ufffd"
    if is_print(code) and (code < 0x80 or not ascii_only):
        return char
    if code in _SHORT:
        return _SHORT[code]
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_QUOTE = _Escapes('"', ascii_only=False)
_QUOTE_ASCII = _Escapes('"', ascii_only=True)
_QUOTE_CHAR = _Escapes("'", ascii_only=False)
_QUOTE_CHAR_ASCII = _Escapes("'", ascii_only=True)


def quote(text: str, *, ascii_only: bool = False, check: Callable[[], None] | None = None) -> str:
    """Return the text as a double-quoted Go literal; `check` is called now and then while a long one is made.

    Source: Go strconv.Quote, strconv.QuoteToASCII.
    """
    return f'"{translated(text, _QUOTE_ASCII if ascii_only else _QUOTE, check)}"'


def quote_char(code: int, *, ascii_only: bool = False) -> str:
    """Return a code point as a single-quoted Go literal.

    Source: Go strconv.QuoteRune, strconv.QuoteRuneToASCII.
    """
    char = chr(code) if 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"
    return f"'{char.translate(_QUOTE_CHAR_ASCII if ascii_only else _QUOTE_CHAR)}'"


def can_backquote(text: str) -> bool:
    """Report whether the text can stand between back quotes unchanged.

    Source: Go strconv.CanBackquote.
    """
    return not any((c < " " and c != "\t") or c in "`\x7f\ufeff" or is_bad(c) for c in text)


def unicode_name(char: str) -> str:
    """Return a character as Go's %#U prints it, such as `U+007D '}'`."""
    code = 0xFFFD if not char or is_bad(char) else ord(char)
    if not char:
        code = -1
    if code < 0:
        return "U+FFFFFFFFFFFFFFFF"
    return f"U+{code:04X} '{chr(code)}'" if is_print(code) else f"U+{code:04X}"


def unquote(literal: str) -> str | None:
    """Return the value of a double-quoted or back-quoted Go literal; None where it is not one.

    Source: Go strconv.Unquote.
    """
    if len(literal) < 2 or literal[0] != literal[-1]:
        return None
    body = literal[1:-1]
    if literal[0] == "`":
        return body.replace("\r", "")
    if "\\" not in body:
        return None if "\n" in body or '"' in body else body
    out: list[str] = []
    pos = 0
    while pos < len(body):
        if body[pos] == "\n":
            return None
        found = unquote_char(body, pos, '"')
        if found is None:
            return None
        code, raw, pos = found
        out.append(chr(code) if code < 0x80 or not raw else chr(0xDC00 + code))
    return rejoin("".join(out))


def unquote_char(text: str, pos: int, mark: str) -> tuple[int, bool, int] | None:
    """Decode one possibly escaped character; return its code, whether it is a raw byte, and where it ends.

    Source: Go strconv.UnquoteChar.
    """
    char = text[pos : pos + 1]
    if not char or char == mark:
        return None
    if char != "\\":
        return (0xFFFD if is_bad(char) else ord(char)), False, pos + 1
    letter = text[pos + 1 : pos + 2]
    pos += 2
    if letter in _SIMPLE_ESCAPES and letter:
        return _SIMPLE_ESCAPES[letter], False, pos
    if letter and letter in "'\"":
        return (ord(letter), False, pos) if letter == mark else None
    if letter in _ESCAPE_DIGITS:
        return _digits(text, pos, _ESCAPE_DIGITS[letter], 16, raw=letter == "x")
    if letter and letter in "01234567":
        return _digits(text, pos - 1, 3, 8, raw=True)
    return None


def _digits(text: str, pos: int, count: int, base: int, *, raw: bool) -> tuple[int, bool, int] | None:
    digits = text[pos : pos + count]
    allowed = "0123456789abcdefABCDEF" if base == 16 else "01234567"
    if len(digits) < count or any(d not in allowed for d in digits):
        return None
    code = int(digits, base)
    if (raw and code > 255) or code > 0x10FFFF or (not raw and 0xD800 <= code <= 0xDFFF):
        return None
    return code, raw, pos + count
