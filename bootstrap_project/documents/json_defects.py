"""What is wrong with a text that is no JSON, and where, in words for who wrote it.

All of this is asked only after Python's own reader has refused a text.
"""

from __future__ import annotations

import json
import math
import re
import sys
import unicodedata
from typing import Final

from bootstrap_project.documents.defects import NEEDS_QUOTES, Defect, place_of, shown
from bootstrap_project.documents.limits import MAX_DEPTH, MAX_INTEGER_DIGITS, MAX_RENDERED_DEPTH
from bootstrap_project.documents.values import is_storable

_BLANKS: Final = " \t\n\r"
_TEXT: Final = r'"(?:[^"\\]|\\.)*+"?'
_NUMBERS: Final = re.compile(rf"{_TEXT}|(?P<found>-?Infinity|NaN|-?[0-9]++(?P<rest>[.eE][-+.0-9eE]*)?)", re.DOTALL)
_SIGNS: Final = re.compile(rf"{_TEXT}|(?P<found>[{{}}\[\],])", re.DOTALL)
_COMMENT: Final = re.compile(r"//|/\*|#")
_WORD: Final = re.compile(r"[^\W\d]")
_CLOSING: Final = {"{": "}", "[": "]"}
#: Double ones, single ones, angle ones and a lone accent, as word processors put them in place of ".
_CURLY: Final = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u00b4"


def syntax_defect(text: str, error: json.JSONDecodeError, *, quotes: bool) -> Defect:
    """Return what the reader stumbled over; a character is named only with `quotes`."""
    offset = error.pos
    problem, hint, offset = _explain(text, offset, error.msg, quotes=quotes)
    return Defect(problem, place_of(text, offset), hint)


def _explain(text: str, at: int, said: str, *, quotes: bool) -> tuple[str, str, int]:
    """Return problem, hint and place for what Python's reader `said`."""
    if said.startswith("Unterminated string"):
        return "unterminated string starting", 'a text ends with "', at
    if said.startswith("Invalid control character"):
        what = {"\n": " (a line break)", "\t": " (a tab)"}.get(text[at : at + 1], "")
        return f"invalid control character{what}", f"write \\n for a line break and \\t for a tab; {NEEDS_QUOTES}", at
    if said.startswith("Invalid \\"):
        return "unknown escape", "write \\\\ for a backslash", at
    found = text[at : at + 1]
    if strange := _strange(found, quotes=quotes):
        return *strange, at
    if _COMMENT.match(text, at):
        return "JSON has no comments", "leave them out", at
    if text[at - 1 : at + 1] == "{{":
        return "a text that begins with {{ needs quotes", NEEDS_QUOTES, at - 1
    if not found:
        return _unfinished(text)
    before = text[:at].rstrip(_BLANKS)[-1:]
    if found in "]}" and before == ",":
        return f"a comma stands before {found}", "leave it out", at
    if said.startswith("Extra data"):
        return _left_over(found, at)
    if said.startswith("Expecting ':'"):
        return "a colon is missing", "write : between a name and its value", at
    if said.startswith("Expecting ','"):
        return _no_comma(text, at, found, before)
    return _no_value(text, at, found, is_name="property name" in said)


def _strange(found: str, *, quotes: bool) -> tuple[str, str] | None:
    """Return what to say of a character that word processors and chats write instead of an ordinary one."""
    code = f" (U+{ord(found):04X})" if found and quotes else ""
    if found and found in _CURLY:
        return f"a curly quotation mark{code}", 'write "'
    if found == "\ufeff":
        return "unexpected byte order mark", "leave it out"
    if found and found not in _BLANKS and (found.isspace() or unicodedata.category(found) == "Cf"):
        name = "a non-breaking space" if found == "\u00a0" else "a special space"
        return f"{name if found.isspace() else 'an invisible character'}{code}", "write an ordinary space"
    return None


def _unfinished(text: str) -> tuple[str, str, int]:
    """Return what is missing where a text ends too early."""
    stack: list[int] = []
    for sign in _SIGNS.finditer(text):
        if sign["found"] in _CLOSING:
            stack.append(sign.start())
        elif sign["found"] and sign["found"] in "]}" and stack:
            stack.pop()
    if not text.strip(_BLANKS):
        return "there is no JSON, the text is empty", "", len(text)
    if not stack:
        return "a value is missing", "", len(text)
    opening, place = text[stack[-1]], place_of(text, stack[-1])
    problem = f"a closing {_CLOSING[opening]} is missing"
    return problem, f"it belongs to the {opening} at line {place.line}, column {place.column}", len(text)


def _left_over(found: str, at: int) -> tuple[str, str, int]:
    if found in "]}":
        return f"there is a closing {found} too many", "leave it out", at
    return "something is left behind the value", "a text holds one value of JSON", at


def _no_comma(text: str, at: int, found: str, before: str) -> tuple[str, str, int]:
    if found in "]}":
        return f"a closing {found} stands where another one is wanted", "each bracket is closed by its own kind", at
    if before.isdigit() and text[at - 1].isdigit():
        # The reader took the beginning of it for a number.
        if text[at - 1] == "0" and (found.isdigit() or found in "xX"):
            return "a number begins with 0", "write it without", at - 1
        return ("a number is not written as JSON wants it", NEEDS_QUOTES, at) if found in ".eE" else _word_behind(at)
    if before == '"' and _WORD.match(found):
        return "a text holds a quotation mark, or a comma is missing", f'write \\" inside of texts; {NEEDS_QUOTES}', at
    return "a comma is missing", "write one between two values", at


def _word_behind(at: int) -> tuple[str, str, int]:
    return "a comma is missing, or a text stands without quotes", NEEDS_QUOTES, at


def _no_value(text: str, at: int, found: str, *, is_name: bool) -> tuple[str, str, int]:
    if found in ",]}:":
        problem = "a comma too many, or a value is missing" if found == "," else "a value is missing"
        return "a name is missing" if is_name and found == ":" else problem, "", at
    if found == "'":
        return "a text in single quotes", 'JSON has double ones: "…"', at
    if is_name:
        return "a name stands without quotes", 'names need quotes: "…"', at
    for word in ("True", "False", "None"):
        if text.startswith(word, at):
            return "a word of another language", "write true, false or null", at
    if found in "+.-":
        return "a number is not written as JSON wants it", "write 0.5 and not .5, and no + before it", at
    return "a text stands without quotes", NEEDS_QUOTES, at


def number_defect(text: str, *, storable: bool) -> Defect:
    """Return the first number that is none, or that is too large to be read; to be stored, with `storable`."""
    most = MAX_INTEGER_DIGITS if storable else sys.get_int_max_str_digits()
    for match in _NUMBERS.finditer(text):
        number = match["found"]
        if number is None:
            continue
        if number[-1] in "yN":
            return Defect(f"{number} is no number of JSON", place_of(text, match.start()), "write null or a text")
        if match["rest"] is None and len(number.removeprefix("-")) > most:
            return Defect(f"a whole number has more than {most} digits", place_of(text, match.start()))
        if storable and match["rest"] is not None and not math.isfinite(float(number)):
            return Defect("a number is too large: more than 1.8e308", place_of(text, match.start()))
    return Defect("a number cannot be read")


def depth_defect(text: str, most: int = MAX_RENDERED_DEPTH) -> Defect:
    """Return where a text is nested deeper than `most` levels."""
    depth = 0
    for sign in _SIGNS.finditer(text):
        found = sign["found"]
        if found is not None and found != ",":
            depth += 1 if found in _CLOSING else -1
            if depth > most:
                return Defect(f"it is nested deeper than {most} levels", place_of(text, sign.start()))
    return Defect(f"it is nested deeper than {most} levels")


def unstorable_defect(text: str) -> Defect | None:
    """Return the first thing in a valid text that cannot be stored; None where there is none."""
    found = [depth_defect(text, MAX_DEPTH), number_defect(text, storable=True), _character_defect(text)]
    return next((one for one in found if one.location.line), None)


def _character_defect(text: str) -> Defect:
    problem = "a text holds a NUL character or half of a surrogate pair"
    for sign in _SIGNS.finditer(text):
        if sign["found"] is None and not is_storable(json.loads(sign[0])):
            return Defect(problem, place_of(text, sign.start()))
    return Defect(problem)


def repeated_defect(text: str) -> Defect:
    """Return the first name that stands twice in one object."""
    stack: list[set[str] | None] = []
    is_name = False
    for sign in _SIGNS.finditer(text):
        found = sign["found"]
        if found is None:
            if is_name and stack and (names := stack[-1]) is not None:
                name = json.loads(sign[0])
                if name in names:
                    return Defect(f"the member {shown(name)} is there twice", place_of(text, sign.start()), "keep one")
                names.add(name)
            is_name = False
        elif found in _CLOSING:
            stack.append(set() if found == "{" else None)
            is_name = found == "{"
        elif found == ",":
            is_name = True
        else:
            stack.pop()
            is_name = False
    return Defect("a member is there twice", hint="keep one")
