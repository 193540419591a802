"""Random formats for printf, and the kinds of argument that fit them."""

from __future__ import annotations

import random
from typing import Final

_FITTING: Final = {
    "d": "int", "b": "int", "o": "int", "O": "int", "c": "int", "U": "int", "x": "string", "X": "string",
    "s": "string", "q": "string",
    "e": "float", "E": "float", "f": "float", "F": "float", "g": "float", "G": "float", "t": "bool", "v": "any",
    "T": "any",
}  # fmt: skip
_VERBS: Final = "vvvvsssssdddddqqxxXobOcUeEfFgGtT"
_ODD_VERBS: Final = "wpzyn!i☕é%"
_TEXTS: Final = ("", "", "", "a", " ", "é=", "%%", "[", "\n", "{", "|", "%%%%", "100%% ")


class Formats:
    """Draws formats."""

    chance: random.Random

    def form(self) -> tuple[str, list[str]]:
        """Return a format and the kinds of its arguments."""
        chance = self.chance
        parts, kinds = [], []
        for _ in range(chance.choice((0, 1, 1, 1, 1, 2, 2, 3))):
            parts.append(chance.choice(_TEXTS))
            text, wanted = self.verb()
            parts.append(text)
            kinds += wanted
        parts.append(chance.choice(_TEXTS))
        if chance.random() < 0.02:
            parts.append(chance.choice(("%", "%5", "%[", "%[1", "%.", "%-", "%[1]", "%*", "% ")))
        return "".join(parts), kinds

    def verb(self) -> tuple[str, list[str]]:
        """Return one verb with its flags, and the kinds of what it takes."""
        chance = self.chance
        verb = chance.choice(_VERBS) if chance.random() < 0.96 else chance.choice(_ODD_VERBS)
        kinds: list[str] = []
        text = "%"
        if chance.random() < 0.4:
            text += "".join(chance.choice("#0+- ") for _ in range(chance.choice((1, 1, 1, 2, 3))))
        if chance.random() < 0.04:
            text += f"[{chance.choice(('1', '2', '3', '0', '-1', 'x', '', '9'))}]"
        if chance.random() < 0.3:
            text += self.number(kinds)
        if chance.random() < 0.25:
            text += "." + (self.number(kinds) if chance.random() < 0.85 else "")
        if chance.random() < 0.06:
            text += f"[{chance.choice(('1', '1', '2', '3', '0', '-1', 'x', '', ' 1', '99999999'))}]"
        kind = _FITTING.get(verb, "any")
        if verb in "xX" and chance.random() < 0.5:
            kind = chance.choice(("int", "float"))
        if verb in "dsqvxXfg" and chance.random() < 0.15:
            kind = chance.choice(("list", "map", "any"))
        return text + verb, [*kinds, kind]

    def number(self, kinds: list[str]) -> str:
        """Return a width or a precision, which may be taken from an argument."""
        chance = self.chance
        if chance.random() < 0.15:
            kinds.append("int")
            return chance.choice(("*", "*", "*", "[1]*", "[2]*"))
        return chance.choice(("0", "1", "2", "3", "4", "5", "6", "8", "10", "12", "20", "05", "70", "1000001", "00"))
