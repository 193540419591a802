"""Number literals: the value of a constant, as Go's strconv and its templates read it."""

from __future__ import annotations

import math
import re
from typing import Final

from .strconv import quote, unquote_char

_INT: Final = re.compile(r"([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)")
# Possessive, and a second run of digits only behind a point: two runs side by side could share the digits in as many
# ways as there are digits.
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_HEX_FLOAT: Final = re.compile(r"([+-]?)0[xX]([0-9a-fA-F]*+)(?:\.([0-9a-fA-F]*+))?[pP]([+-]?[0-9]++)")


class NumberError(ValueError):
    """The text is not a number; the message is Go's."""


def parse_character(text: str) -> int:
    """Return the code of a character constant, quotes included; raises NumberError."""
    found = unquote_char(text[:-1], 1, "'") if len(text) > 2 else None
    if found is None:
        raise NumberError("invalid syntax")
    code, _, end = found
    if end != len(text) - 1:
        raise NumberError(f"malformed character constant: {text}")
    return code


def parse_complex(text: str) -> complex:
    """Return the value of `1+2i`; raises NumberError."""
    split = max(text.rfind("+", 1), text.rfind("-", 1))
    # The sign of an exponent is not the sign between the two parts.
    while split > 0 and text[split - 1] in "eEpP" and not text[:split].lower().startswith(("0x", "+0x", "-0x")):
        split = max(text.rfind("+", 1, split), text.rfind("-", 1, split))
    real, imaginary = parse_float(text[:split]), parse_float(text[split:-1])
    if real is None or imaginary is None:
        raise NumberError("syntax error scanning complex number")
    return complex(real, imaginary)


def parse_number(text: str) -> int | float | complex | None:
    """Return the value of an integer, float or imaginary literal; None where Go's int cannot hold it.

    Raises: NumberError.
    Source: Go text/template/parse, newNumber; text/template, idealConstant.
    """
    if text.endswith("i") and (imaginary := parse_float(text[:-1])) is not None:
        return complex(0, imaginary)
    value, is_signed = parse_int(text), text[0] in "+-"
    # Without a sign it may be an unsigned literal.
    if value is not None and -(1 << 63) <= value < 1 << (63 if is_signed else 64):
        if is_signed and "e" in text.lower():
            # Go takes the hexadecimal digit for an exponent.
            return float(value)
        return value if value < 1 << 63 else None
    floating = parse_float(text)
    if floating is None:
        raise NumberError(f"illegal number syntax: {quote(text)}")
    if not any(c in text for c in ".eEpP"):
        raise NumberError(f"integer overflow: {quote(text)}")
    return floating


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
