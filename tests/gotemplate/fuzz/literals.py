"""Random constants: numbers, characters and strings, written in every way that Go has, and in some that it has not."""

from __future__ import annotations

import random
from typing import Final

from tests.gotemplate.fuzz.values import STRINGS

_INTEGERS: Final = (
    "0", "1", "2", "3", "7", "42", "-1", "+4", "-0", "017", "0o17", "0O7", "0x1F", "0Xff", "0b101", "0B1", "1_000",
    "0x_1", "'a'", "'é'",
    "'\\n'", "'\\x41'", "'\\u00e9'", "'\\''", "'\\101'", "'☕'", "1e3", "0x10p2", "9223372036854775807",
    "-9223372036854775808", "2.0", "1e0",
    "'\\U0001F600'", "0_7", "1e18", "-0x8", "1_0_0",
)  # fmt: skip
_FLOATS: Final = (
    "1.5", ".5", "5.", "-2.25", "1e-7", "1e21", "1E6", "0x1p-2", "0x1.8p1", "1_0.5", "1e+2", "-0.0", "+1.5",
    "3.14159", "1e6", "123456.789",
    "0x.8p0", "1e-320", "1_0e1_0", "0.1e1", "00.5", "08.5",
)  # fmt: skip
_COMPLEX: Final = ("1i", "2.5i", "1+2i", "-1-2i", "0i", "1e3+0i", "1+0i", "0x1p1i", "-1i", "1.5-2.5i", "017i")
_ODD: Final = (
    "9223372036854775808", "18446744073709551615", "18446744073709551616", "0xFFFFFFFFFFFFFFFF",
    "-9223372036854775809", "1e400",
    "08", "0x", "0b2", "1__0", "_1", "1_", "0x1p", "1e", "''", "'ab'", "'\\q'", "'\\400'", "'\\ud800'", "1.2.3", "1a",
    "0xg", "--1", "+-1", "+",
    "-", "1e1000i", "1+2", "1+i", "0x1.8", "0o8", "0b", "1e5.5", "'\\x4'", "'\\U00110000'", "1e19", "'\"'", "'\\\"'",
    "0_x1", "1i2", "0b1.1",
    "0x1e+2", "1e-400", "0x1p-1100", "0x1p1024", "1_000i", "1e309", "-1e309", "00", "0e", "0.0i",
)  # fmt: skip
_ESCAPES: Final = (
    "\\n", "\\t", "\\\\", '\\"', "\\x41", "\\xff", "\\xc3\\xa9", "\\u00e9", "\\U0001F600", "\\101", "\\377",
    "\\a\\b\\f\\v\\r", "\\x00", "\\xe2\\x98",
)  # fmt: skip
_BAD_ESCAPES: Final = ("\\q", "\\'", "\\400", "\\ud800", "\\x4", "\\U00110000", "\\8", "\\18", "\\u12")


class Literals:
    """Draws constants."""

    chance: random.Random

    def slip(self, share: float) -> bool:
        """Return whether to make a mistake here."""
        raise NotImplementedError

    def literal(self, kind: str) -> str:
        """Return a constant of a kind, as far as there is one."""
        chance = self.chance
        if self.slip(0.03):
            return chance.choice(_ODD)
        if kind == "string":
            return self.string()
        if kind == "int":
            return chance.choice(_INTEGERS)
        if kind == "float":
            return chance.choice(_FLOATS) if chance.random() < 0.9 else chance.choice(_COMPLEX)
        if kind == "bool":
            return chance.choice(("true", "false"))
        if kind == "nil":
            return "nil"
        return chance.choice(
            (
                self.string,
                lambda: chance.choice(_INTEGERS),
                lambda: chance.choice(_COMPLEX),
                lambda: "nil" if self.slip(0.3) else "false",
                lambda: "true",
            )
        )()

    def string(self) -> str:
        """Return a string constant."""
        chance = self.chance
        text = chance.choice(STRINGS)
        if chance.random() < 0.25 and "`" not in text:
            return f"`{text}`"
        quoted = self.quoted(text)
        if chance.random() < 0.12:
            escape = chance.choice(_BAD_ESCAPES if self.slip(0.2) else _ESCAPES)
            quoted = (
                f"{quoted[:-1]}{escape}{quoted[-1]}" if chance.random() < 0.5 else f"{quoted[0]}{escape}{quoted[1:]}"
            )
        return quoted

    def quoted(self, text: str) -> str:
        """Return a text as a constant."""
        if "`" not in text and "\r" not in text and self.chance.random() < 0.3:
            return f"`{text}`"
        plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
        return f'"{plain}"'
