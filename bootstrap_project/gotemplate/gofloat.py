"""Floats as Go's strconv writes them."""

from __future__ import annotations

import math


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
