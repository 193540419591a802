"""Random data for random templates: always the same names, so that templates can count on their kinds."""

from __future__ import annotations

import random
from typing import Any, Final

STRINGS: Final = (
    "", "a", "hall", "warehouse-1", "two words", "é", "☕ tea", "日本語", "a\tb\nc", 'q"uo\'te', "back\\slash",
    "<b>&amp;</b>",
    "%d %s", "100%!d(string=x)", "\u0000\u0007\u001b\u007f", "\u00ad\u2028\ufeff\ufffd", "😀\U0010ffff", "`raw`", "0",
    "-1", "nil",
    "true", "{{ . }}", "a" * 40, "x=1&y=ü z+/?", "\u0301", "e\u0301", "ǅ", "\u00a0", "\u0085", "</script>", "\r\n",
)  # fmt: skip
INTEGERS: Final = (
    0, 1, 2, 3, 5, -1, -7, 10, 15, 64, 97, 255, 256, 1000, 8883, 65536, 1_000_000, 0x1F600, 0x10FFFF, 0x110000,
    0xD800,
    2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63),
)  # fmt: skip
FLOATS: Final = (
    0.0, -0.0, 0.1, 0.5, 1.0, 1.5, -2.25, 3.14159, 99.995, 2.5, 1e-5, 1e-4, 123456.789, 999999.5, 1e6, 1e20, 1e21,
    1.5e21, 1e-7,
    5e-324, 1.7976931348623157e308, 1 / 3, 2.0**63, 2.0**64, 1e15, 12345678.9, -1e-300, 0.3, 100.0, 255.0,
)  # fmt: skip
KEYS: Final = ("a", "b", "name", "value", "é", "a b", "", "Z", "x.y", "0", "ID")

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "string": ("s", "u", "empty"),
    "int": ("n", "m", "zero"),
    "float": ("f", "g"),
    "bool": ("yes", "no"),
    "list": ("nums", "strs", "mixed", "none", "rows", "nest"),
    "map": ("map", "deep", "void"),
    "nil": ("nil",),
}
"""Names under `.Vars` by the kind of their values; `gone` is never there."""
SLOTS: Final = ("mqtt", "telemetry", "odd-slot")
FIELDS: Final = ("id", "name", "tags", "n", "topic")


class Values:
    """Draws values."""

    def __init__(self, chance: random.Random) -> None:
        """Draw from this source of chance."""
        self.chance = chance

    def scalar(self) -> Any:
        """Return a string, number, bool or null."""
        pools: list[Any] = [STRINGS, STRINGS, INTEGERS, FLOATS, (True, False), (None,)]
        return self.chance.choice(self.chance.choice(pools))

    def any(self, depth: int = 2) -> Any:
        """Return any value of JSON."""
        roll = self.chance.random()
        if depth and roll < 0.12:
            return [self.any(depth - 1) for _ in range(self.chance.randrange(4))]
        if depth and roll < 0.24:
            return {self.chance.choice(KEYS): self.any(depth - 1) for _ in range(self.chance.randrange(4))}
        return self.scalar()

    def row(self) -> dict[str, Any]:
        """Return a map as lists of them hold, where now and then a key is missing."""
        row = {"name": self.chance.choice(STRINGS), "value": self.chance.choice(INTEGERS), "a": self.scalar()}
        if self.chance.random() < 0.2:
            row.pop(self.chance.choice(list(row)))
        return row

    def many(self, draw: Any, most: int = 5) -> list[Any]:
        """Return a list."""
        return [draw() for _ in range(self.chance.randrange(most))]

    def variables(self) -> dict[str, Any]:
        """Return what `.Vars` holds."""
        chance = self.chance
        return {
            "s": chance.choice(STRINGS),
            "u": chance.choice(STRINGS),
            "empty": "",
            "n": chance.choice(INTEGERS),
            "m": chance.randrange(6),
            "zero": 0,
            "f": chance.choice(FLOATS),
            "g": chance.choice(FLOATS),
            "yes": True,
            "no": False,
            "nums": self.many(lambda: chance.randrange(-2, 9)),
            "strs": self.many(lambda: chance.choice(STRINGS)),
            "mixed": self.many(self.any),
            "none": [],
            "rows": self.many(self.row, 4),
            "nest": self.many(lambda: self.many(self.scalar, 3), 4),
            "map": {key: self.scalar() for key in chance.sample(KEYS, chance.randrange(4))},
            "deep": {"a": {"b": self.any()}, "name": self.any(), "list": self.many(self.scalar)},
            "void": {},
            "nil": None,
        }

    def binding(self) -> dict[str, Any]:
        """Return a bound resource, now and then without some of its parts."""
        chance = self.chance
        binding: dict[str, Any] = {
            "Type": chance.choice(("client", "channel", "")),
            "ID": chance.choice(STRINGS),
            "Snapshot": {name: self.any() for name in FIELDS if chance.random() < 0.7},
            "Secret": {"secret": chance.choice(STRINGS)},
        }
        for name in list(binding):
            if chance.random() < 0.1:
                binding[name] = None
            elif chance.random() < 0.05:
                del binding[name]
        return binding

    def data(self) -> dict[str, Any] | None:
        """Return what a template is executed with."""
        chance = self.chance
        if chance.random() < 0.02:
            return None
        data: dict[str, Any] = {
            "Device": {name: chance.choice(STRINGS) for name in ("ID", "ExternalID", "DomainID")},
            "Vars": self.variables(),
            "Bindings": {slot: self.binding() for slot in SLOTS if chance.random() < 0.8},
        }
        for name in list(data):
            if chance.random() < 0.03:
                data[name] = chance.choice((None, {}))
        return data
