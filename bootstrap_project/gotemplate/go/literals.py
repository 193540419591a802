"""Number literals: which values the text of a constant may stand for, as Go's strconv reads them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from .strconv import quote, unquote_char

_INT: Final = re.compile(r"([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)")
# Possessive, and a second run of digits only behind a point: two runs side by side could share the digits in as many
# ways as there are digits.
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_HEX_FLOAT: Final = re.compile(r"([+-]?)0[xX]([0-9a-fA-F]*+)(?:\.([0-9a-fA-F]*+))?[pP]([+-]?[0-9]++)")


class NumberError(ValueError):
    """The text is not a number; the message is Go's."""


@dataclass(frozen=True, slots=True)
class Number:
    """The readings of one literal; a reading that does not exist is None."""

    #: Value as a signed 64-bit integer.
    integer: int | None = None
    #: Value as an unsigned 64-bit integer.
    unsigned: int | None = None
    #: Value as a 64-bit float.
    floating: float | None = None
    #: Value as a complex number, for literals that end in `i`.
    complex_: complex | None = None

    def ideal(self, text: str) -> int | float | complex | None:
        """Return the value where nothing says which type is wanted; None where an int cannot hold it.

        Source: Go text/template, idealConstant.
        """
        if self.complex_ is not None:
            return self.complex_
        is_hex = len(text) > 2 and text[:2] in {"0x", "0X"} and not any(c in text for c in "pP")
        if self.floating is not None and not is_hex and text[0] != "'" and any(c in text for c in ".eEpP"):
            return self.floating
        return self.integer


def parse_character(text: str) -> Number:
    """Read a character constant, quotes included; raises NumberError."""
    found = unquote_char(text[:-1], 1, "'") if len(text) > 2 else None
    if len(text) <= 2 or found is None:
        raise NumberError("invalid syntax")
    code, _, end = found
    if end != len(text) - 1:
        raise NumberError(f"malformed character constant: {text}")
    return Number(code, code, float(code))


def parse_complex(text: str) -> Number:
    """Read `1+2i`; raises NumberError."""
    split = max(text.rfind("+", 1), text.rfind("-", 1))
    # The sign of an exponent is not the sign between the two parts.
    while split > 0 and text[split - 1] in "eEpP" and not text[:split].lower().startswith(("0x", "+0x", "-0x")):
        split = max(text.rfind("+", 1, split), text.rfind("-", 1, split))
    real, imaginary = parse_float(text[:split]), parse_float(text[split:-1])
    if real is None or imaginary is None:
        raise NumberError("syntax error scanning complex number")
    return _simplify(complex(real, imaginary))


def parse_number(text: str) -> Number:
    """Read an integer, float or imaginary literal; raises NumberError.

    Source: Go text/template/parse, newNumber.
    """
    if text.endswith("i"):
        imaginary = parse_float(text[:-1])
        if imaginary is not None:
            return _simplify(complex(0, imaginary))
    value = parse_int(text)
    if value is not None:
        # A sign makes it no unsigned literal, except that -0 is one.
        signed = text[0] in "+-"
        integer = value if -(1 << 63) <= value < 1 << 63 else None
        unsigned = value if 0 <= value < 1 << 64 and (not signed or value == 0) else None
        if integer is not None or unsigned is not None:
            return Number(integer, unsigned, float(value))
    floating = parse_float(text)
    if floating is None:
        raise NumberError(f"illegal number syntax: {quote(text)}")
    if not any(c in text for c in ".eEpP"):
        raise NumberError(f"integer overflow: {quote(text)}")
    whole = _whole(floating)
    return Number(_fit(whole, -(1 << 63), 1 << 63), _fit(whole, 0, 1 << 64), floating)


def parse_int(text: str) -> int | None:
    """Read an integer of any size with Go's prefixes; None where it is not one."""
    plain = _without_underscores(text)
    found = _INT.fullmatch(plain) if plain is not None else None
    if found is None:
        return None
    sign, digits = found.groups()
    if len(digits) > 80:
        return None
    is_old_octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdecimal()
    value = int(digits, 8 if is_old_octal else 0)
    return -value if sign == "-" else value


def parse_float(text: str) -> float | None:
    """Read a float, decimal or hexadecimal; None where it is not one or is too large."""
    plain = _without_underscores(text)
    if plain is None:
        return None
    value: float | None = None
    if _DECIMAL.fullmatch(plain):
        value = float(plain)
    elif (found := _HEX_FLOAT.fullmatch(plain)) and (found[2] or found[3]):
        value = _hex_float(plain, found)
    return None if value is None or math.isinf(value) else value


def _hex_float(text: str, found: re.Match[str]) -> float | None:
    if len(found[4]) > 6:
        return None if any(c != "0" for c in found[2] + (found[3] or "")) and found[4][0] != "-" else 0.0
    try:
        return float.fromhex(text)
    except OverflowError:
        return None


def _without_underscores(text: str) -> str | None:
    """Return the literal without its underscores; None where one stands in a wrong place."""
    if "_" not in text:
        return text
    body = text[1:] if text[:1] in "+-" else text
    prefixed = re.match(r"0[xXbBoO]", body) is not None
    rest = body[2:] if prefixed else body
    # After a base prefix an underscore is as good as after a digit; everywhere else it stands between two digits.
    if not prefixed and rest.startswith("_"):
        return None
    digits = "0123456789abcdefABCDEF" if body[:2] in {"0x", "0X"} else "0123456789"
    previous = "0" if prefixed else ""
    for index, char in enumerate(rest):
        following = rest[index + 1 : index + 2]
        if char == "_" and not (previous and previous in digits and following and following in digits):
            return None
        previous = char
    return text.replace("_", "")


def _whole(value: float) -> int | None:
    return int(value) if math.isfinite(value) and value == math.floor(value) else None


def _fit(value: int | None, low: int, high: int) -> int | None:
    return value if value is not None and low <= value < high else None


def _simplify(value: complex) -> Number:
    if value.imag != 0:
        return Number(complex_=value)
    whole = _whole(value.real)
    return Number(_fit(whole, -(1 << 63), 1 << 63), _fit(whole, 0, 1 << 64), value.real, value)
