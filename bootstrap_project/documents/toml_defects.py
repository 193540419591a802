"""What is wrong with a text that is no TOML 1.0, in our words: the library's quote keys and know no templates."""

from __future__ import annotations

import re
from typing import Final

from bootstrap_project.diagnostics import Location
from bootstrap_project.documents.defects import NEEDS_QUOTES, Defect, place_of

# Texts and comments, those included that nothing ends.
TEXTS: Final = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z)|"(?:[^"\\\n]|\\.)*+"?'''
    r"""|'''(?:[^']|'(?!''))*+(?:'''|\Z)|'[^'\n]*+'?|#[^\n]*+""",
    re.DOTALL,
)
_PLACE: Final = re.compile(r"\(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)\Z")
_PARTS: Final = re.compile(rf"(?P<text>{TEXTS.pattern})|[\[\]{{}}\n]", re.DOTALL)
_NO_SECONDS: Final = re.compile(r":[0-9]{2}(?![0-9:])|[Tt][0-9]{2}:[0-9]{2}(?![0-9:])")
_NUMBER: Final = "a number is not written as TOML wants it"
_TWICE: Final = "keep one, or bring both together"
# By how the library begins: what is wrong, what to do, and whether the statement is to blame and not the place in it.
_WORDS: Final = (
    ("Cannot overwrite", "a key or table is there twice", _TWICE, True),
    ("Cannot declare", "a table is there twice", _TWICE, True),
    ("Duplicate inline table key", "a key is there twice in an inline table", _TWICE, False),
    ("Cannot mutate", "a key or table adds to one that is complete already", _TWICE, True),
    ("Cannot redefine", "a key or table adds to one that is complete already", _TWICE, True),
    ("Invalid date", "there is no such date or time", "", False),
    ("Invalid hex", "an escape lacks hexadecimal digits", "\\u has 4 of them, \\U has 8", False),
    ("Escaped character", "an escape of no character", "", False),
    ("Expected ']", "the name of a table is not closed", "[name], or [[name]] for a list of tables", False),
    ("Unclosed array", "a list goes on without a comma, or has no ]", NEEDS_QUOTES, False),
)


def syntax_defect(text: str, error: ValueError) -> Defect:
    """Return what the library said, in our words; nothing of the text is quoted."""
    said = str(error)
    match = _PLACE.search(said)
    if match is None:
        return Defect("it cannot be read")
    # The library reads line ends of Windows as those of Unix.
    text = text.replace("\r\n", "\n")
    place = Location(int(match[1]), int(match[2])) if match[1] else place_of(text, len(text))
    at = _offset(text, place)
    found, line = text[at : at + 1], text[text.rfind("\n", 0, at) + 1 : at]
    for beginning, problem, hint, is_statement in _WORDS:
        if said.startswith(beginning):
            return Defect(problem, place_of(text, _statement(text, at)) if is_statement else place, hint)
    if said.startswith("Unescaped"):
        is_new = text[at - 1 : at] in {"e", "x"}
        hint = (
            "TOML 1.0 is meant: write \\u001b or \\u00…" if is_new else "write \\\\ for a backslash, or single quotes"
        )
        return Defect("unknown escape", place, hint)
    if said.startswith(("Unterminated", "Illegal", "Found invalid", 'Expected "', "Expected '\"", "Expected \"'")):
        return _in_text(text, at, found)
    if said.startswith("Invalid value"):
        return _no_value(text, at, found, place)
    if said.startswith(("Unclosed inline", "Invalid initial")):
        return _key_or_table(text, at, found, place)
    if said.startswith("Expected '='"):
        hint = "write = and not :" if found == ":" else 'write name = "value"; names with blanks need quotes'
        return Defect("a = is missing behind a key", place, hint)
    if said.startswith("Expected newline"):
        return _left_over(text, at, line, place)
    return Defect("a line that is no `name = value` and no `[table]`", place, "a comment begins with #")


def _offset(text: str, place: Location) -> int:
    start = 0
    for _ in range(place.line - 1):
        start = text.find("\n", start) + 1
    return start + place.column - 1


def _statement(text: str, at: int) -> int:
    """Return where the statement begins that ends at `at`: on a line of its own, outside of texts and brackets."""
    start = depth = 0
    for part in _PARTS.finditer(text, 0, at):
        if part["text"] is not None:
            continue
        if part[0] == "\n" and not depth:
            start = part.end()
        elif part[0] != "\n":
            depth = max(0, depth + (1 if part[0] in "[{" else -1))
    return start + len(text[start:at]) - len(text[start:at].lstrip(" \t\n"))


def _in_text(text: str, at: int, found: str) -> Defect:
    """Return what is wrong inside of a text, or in a comment."""
    inside = [part.start() for part in TEXTS.finditer(text) if part.start() <= at]
    if found in {"", "\n"} and inside:
        problem = "a text has no end, or holds the quotation mark that ends it"
        return Defect(problem, place_of(text, inside[-1]), NEEDS_QUOTES)
    return Defect("a control character", place_of(text, at), 'write it as an escape in "…", such as "\\u0007"')


def _no_value(text: str, at: int, found: str, place: Location) -> Defect:
    if found in {"", "\n", "#", ",", "]", "}"}:
        return Defect("a value is missing", place, "" if found != "," else "leave out a comma, or write a value")
    if found.isalpha() and re.match(r"(?:true|false|null|none|nil|yes|no|on|off)\b", text[at : at + 6], re.IGNORECASE):
        return Defect("a word that is no value", place, f"write true or false; {NEEDS_QUOTES}")
    if found in {".", "+", "-"}:
        return Defect(_NUMBER, place, "write 0.5 and not .5")
    return Defect("a text stands without quotes", place, NEEDS_QUOTES)


def _key_or_table(text: str, at: int, found: str, place: Location) -> Defect:
    """Return what is wrong where a key was wanted, or the end of an inline table."""
    before = text[:at].rstrip(" \t")[-1:]
    if found in {"\n", "#"} and before not in {".", "["}:
        return Defect("an inline table stands on one line in TOML 1.0", place, "close it there, or write a [table]")
    if found == "}" and before == ",":
        return Defect("a comma stands before }, which TOML 1.0 does not know", place, "leave it out")
    if not found:
        return Defect("an inline table has no }", place, "close it")
    if before in {"{", ","} or found in {",", "}"}:
        return Defect("a key is missing or is not written as one", place, "keys have A-Z, a-z, 0-9, - and _, or quotes")
    if before in {".", "["}:
        return Defect("a part of a key is missing", place, "keys are written a.b; others need quotes")
    return Defect("an inline table goes on without a comma, or has no }", place, NEEDS_QUOTES)


def _left_over(text: str, at: int, line: str, place: Location) -> Defect:
    """Return what stands behind a value on its line."""
    found = text[at]
    # The last value; a search for it would begin anew at each character of a long line.
    before = line[max(map(line.rfind, "=[,{")) + 1 :].lstrip()
    if re.fullmatch(r"[-+]?0", before) and (found.isdigit() or found in "_xXoObB"):
        return Defect("a number begins with 0", place, "write it without, or as a text")
    if re.fullmatch(r"[0-9]{2}|[0-9-]{10}[T ]?(?:[0-9]{2})?", before) and _NO_SECONDS.match(text, at):
        return Defect("a time without seconds, which TOML 1.0 does not know", place, "write 12:30:00, or a text")
    if re.fullmatch(r"[0-9]{2}|[0-9]{4}|[0-9-]{10}[T ]?(?:[0-9]{2})?", before) and found in ":-Tt":
        return Defect("there is no such date or time", place)
    if re.fullmatch(r"[-+]?[0-9][0-9_.eE+-]*", before):
        if found in "._eE":
            return Defect(_NUMBER, place, "write 0.5 and not .5, 1_000 and not 1__000")
        return Defect("a text stands without quotes", place, NEEDS_QUOTES)
    return Defect("something is left behind the value", place, f"one statement stands on a line; {NEEDS_QUOTES}")
