"""How large a document may be, whether it was uploaded or rendered."""

from __future__ import annotations

from typing import Final

#: How deep a document may be nested; far above what people write, far below what any recursion here could not take.
MAX_DEPTH: Final = 64
#: Beyond 64 bits a whole number is a float to templates, so it must be one that exists.
MAX_INTEGER: Final = 10**308
#: The same in bits. Templates get whole numbers of so many bits as they are.
MAX_INTEGER_BITS: Final = 1023
#: How many keys and values a text may have. Reading one of YAML or TOML takes some ten microseconds, and all of them
#: have to be read while a device waits, and others behind it.
MAX_VALUES: Final = 20_000
#: How many aliases a YAML document may use: enough for people, too few for a document that unfolds without end.
MAX_ALIASES: Final = 64
#: How many characters a number of YAML may have: reading a whole one takes time that grows with their square.
MAX_NUMBER_LENGTH: Final = 400
#: Directives of a YAML text, of which LibYAML compares each with all that came before it.
MAX_DIRECTIVES: Final = 100
#: How many parts a dotted key of TOML may have: reading one takes time that grows with their square.
MAX_DOTTED_PARTS: Final = 64
#: Escapes and lines of a TOML text, each a step of a reader that is written in Python.
MAX_STEPS: Final = 100_000
