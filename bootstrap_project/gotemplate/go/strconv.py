"""Go's strconv: strings quoted and unquoted, bytes that are not valid UTF-8, and floats as Go writes them.

A Go string is any bytes. Here it is a str in which each byte that is not part of valid UTF-8 is one of the lone
surrogates U+DC80 to U+DCFF, as Python's "surrogateescape" has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

_SHORT: Final = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v"}
_SIMPLE_ESCAPES: Final = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92}
_ESCAPE_DIGITS: Final = {"x": 2, "u": 4, "U": 8}


_CHUNK: Final = 16 * 1024


def is_print(code: int) -> bool:
    """Return whether Go leaves the character as it is in quoted text: a space, or one that shows.

    Source: Go strconv.IsPrint.
    """
    return chr(code).isprintable()


def is_word(char: str) -> bool:
    """Return whether the character may be part of an identifier: a letter, a decimal digit or the underscore.

    Source: Go unicode.IsLetter, unicode.IsDigit.
    """
    return char.isalpha() or char.isdecimal() or char == "_"


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
    """Return whether the character stands for a byte that is not valid UTF-8."""
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


_QUOTE: Final = _Escapes('"', ascii_only=False)
_QUOTE_ASCII: Final = _Escapes('"', ascii_only=True)
_QUOTE_CHAR: Final = _Escapes("'", ascii_only=False)
_QUOTE_CHAR_ASCII: Final = _Escapes("'", ascii_only=True)


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
    """Return whether the text can stand between back quotes unchanged.

    Source: Go strconv.CanBackquote.
    """
    return not any((c < " " and c != "\t") or c in "`\x7f\ufeff" or is_bad(c) for c in text)


def unicode_name(char: str) -> str:
    """Return a character as Go's %#U prints it, such as `U+007D '}'`."""
    if not char:
        return "U+FFFFFFFFFFFFFFFF"
    code = 0xFFFD if is_bad(char) else ord(char)
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
    if letter in _SIMPLE_ESCAPES:
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


# Floats.


def format_float(value: float, verb: str, precision: int) -> str:
    """Return a float in the form `verb`, one of b e E f g G x X; precision -1 asks for the shortest that reads back.

    Source: Go strconv.FormatFloat.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if verb == "b":
        return _binary(value)
    if verb in "xX":
        text = _hexadecimal(value, precision)
        return text.upper() if verb == "X" else text
    text = f"{value:.{precision}{verb.lower()}}" if precision >= 0 else shortest(value)
    return text.upper() if verb in "EG" else text


def digits_and_exponent(value: float) -> tuple[str, str, int]:
    """Return sign, the shortest digits, and the power of ten of the first digit."""
    text = repr(value)
    sign = ""
    if text[0] == "-":
        sign, text = "-", text[1:]
    mantissa, _, power = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits:
        return sign, "0", 0
    exponent = len(whole) - 1 if whole != "0" else -(len(fraction) - len(fraction.lstrip("0")) + 1)
    return sign, digits.rstrip("0"), exponent + int(power or 0)


def shortest(value: float) -> str:
    """Return the shortest text that reads back, as verb `g`: with an exponent from a million up and below 0.0001."""
    sign, digits, exponent = digits_and_exponent(value)
    if exponent < -4 or exponent >= 6:
        return sign + exponential(digits, exponent)
    return sign + positional(digits, exponent)


def float_text(value: float) -> str:
    """Return a float as default printing shows it."""
    if 1e-4 <= value < 1e6:
        # Here Python and Go write the same, but for the fraction of whole numbers.
        text = repr(value)
        return text.removesuffix(".0")
    return format_float(value, "g", -1)


def exponential(digits: str, exponent: int) -> str:
    """Return digits as `d.ddde±dd`."""
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def positional(digits: str, exponent: int) -> str:
    """Return digits as `ddd.ddd`."""
    if exponent < 0:
        return f"0.{'0' * (-exponent - 1)}{digits}"
    whole = digits[: exponent + 1].ljust(exponent + 1, "0")
    fraction = digits[exponent + 1 :]
    return f"{whole}.{fraction}" if fraction else whole


def _parts(value: float) -> tuple[str, int, int]:
    """Return sign, the 53-bit mantissa as an integer, and the power of two it is to be multiplied with."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    mantissa, exponent = math.frexp(abs(value))
    if mantissa == 0:
        return sign, 0, -1074
    exponent -= 53
    # Subnormal numbers have fewer bits and the lowest exponent there is.
    if exponent < -1074:
        return sign, int(math.ldexp(mantissa, 53 + exponent + 1074)), -1074
    return sign, int(math.ldexp(mantissa, 53)), exponent


def _binary(value: float) -> str:
    sign, mantissa, exponent = _parts(value)
    return f"{sign}{mantissa}p{exponent:+d}"


def _hexadecimal(value: float, precision: int) -> str:
    sign, mantissa, exponent = _parts(value)
    if mantissa == 0:
        exponent = 0
    else:
        # The leading one goes right before the point: 52 bits stay behind it.
        shift = 53 - mantissa.bit_length()
        mantissa <<= shift
        exponent += 52 - shift
    if 0 <= precision < 13:
        drop = 4 * (13 - precision)
        kept, rest, half = mantissa >> drop, mantissa & ((1 << drop) - 1), 1 << (drop - 1)
        if rest > half or (rest == half and kept & 1):
            kept += 1
        mantissa = kept << drop
        if mantissa >> 53:
            mantissa >>= 1
            exponent += 1
    fraction = f"{mantissa & ((1 << 52) - 1):013x}"
    fraction = fraction.rstrip("0") if precision < 0 else fraction[:precision].ljust(precision, "0")
    point = "." if fraction else ""
    return f"{sign}0x{mantissa >> 52}{point}{fraction}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
