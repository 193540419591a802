"""How large a document may be, whether it was uploaded or rendered."""

from __future__ import annotations

from typing import Final

#: Levels of nesting: far above what people write, far below what any recursion here could not take.
MAX_DEPTH: Final = 64
#: Levels of a rendered text that are read in any case; Python decides how many more.
MAX_RENDERED_DEPTH: Final = 200
#: Beyond 64 bits an integer is a float to templates, so a float must be able to hold it.
MAX_INTEGER: Final = 10**308
#: The digits of the largest one that is smaller.
MAX_INTEGER_DIGITS: Final = 308
#: The same in bits: templates get integers of so many bits unchanged.
MAX_INTEGER_BITS: Final = 1023
#: Keys and values of a text. Reading one of YAML or TOML takes some ten microseconds, while devices wait.
MAX_VALUES: Final = 20_000
#: Aliases of a YAML document: enough for people, too few for a document that expands without end.
MAX_ALIASES: Final = 64
#: Characters of a number in YAML: reading an integer takes time that grows with their square.
MAX_NUMBER_LENGTH: Final = 400
#: Directives of a YAML text: LibYAML compares each with all before it.
MAX_DIRECTIVES: Final = 100
#: Parts of a dotted key of TOML: reading one takes time that grows with their square.
MAX_DOTTED_PARTS: Final = 64
#: Escapes and lines of a TOML text, each a step of a reader that is written in Python.
MAX_STEPS: Final = 100_000
