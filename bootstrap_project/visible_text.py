"""Texts that people compare with their eyes: ids, names, slots and variables hold nothing that nobody sees.

What was stored before there was this rule goes on working, and is shown with such characters made visible.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})
#: Letters and marks that show nothing, whatever their category says: fillers, and the empty braille pattern.
_EMPTY: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
#: What joins letters of scripts and parts of emoji, and the tags of flags.
_JOINERS: Final = frozenset({"\u200c", "\u200d", *map(chr, range(0xE0020, 0xE0080))})
#: Signs that are written before a number, which Unicode calls formats.
_SIGNS: Final = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_CONTROLS: Final = {"\t": "a tab", "\n": "a line break", "\r": "a carriage return", "\0": "a NUL"}


def unseen_in_id(text: str) -> str:
    """Return what nobody sees in an id, a slot's name or a variable's: "U+200B, a zero width space, at character 5".

    White space counts at both ends; "" where all can be seen.
    """
    for number, character in enumerate(text, start=1):
        at_an_end = character.isspace() and number in {1, len(text)}
        if at_an_end or _is_unseen(character):
            return _described(character, number)
    return ""


def unseen_in_name(text: str) -> str:
    """Return the same of a name, in which joiners inside scripts and emoji are allowed."""
    for number, character in enumerate(text, start=1):
        if _is_unseen(character) and character not in _JOINERS and character not in _SIGNS and character not in _EMPTY:
            return _described(character, number)
    if text and all(character.isspace() or _is_unseen(character) for character in text):
        return "no character that can be seen"
    return ""


def shown(text: str) -> str:
    """Return a stored text as people are shown it: with what nobody sees as `⟨U+200B⟩`."""
    keep_joiners = not unseen_in_name(text)
    return "".join(
        f"⟨U+{ord(character):04X}⟩"
        if (character.isspace() and number in {0, len(text) - 1})
        or (_is_unseen(character) and not (keep_joiners and character in _JOINERS))
        else character
        for number, character in enumerate(text)
    )


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE or character in _EMPTY


def _described(character: str, number: int) -> str:
    name = unicodedata.name(character, "control character").lower()
    article = "an" if name[0] in "aeio" else "a"
    return f"U+{ord(character):04X}, {_CONTROLS.get(character) or f'{article} {name}'}, at character {number}"
