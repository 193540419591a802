"""What is wrong with a text that is no YAML, in our words: the libraries' are halves of sentences of a grammar."""

from __future__ import annotations

import re
from typing import Final

import yaml

from bootstrap_project.diagnostics import NOWHERE, Location
from bootstrap_project.documents.defects import NEEDS_QUOTES, Defect
from bootstrap_project.documents.limits import MAX_RENDERED_DEPTH

UNDEFINED_ALIAS: Final = "a * begins an alias, and nothing before it defines that"
_BRACES: Final = re.compile(r"(?:^|[-:?,\[{])[ \t]*(\{\{)|^(\{\{)")
_COLON: Final = "texts that hold ': ' or ' #' need quotes"
_INDENT: Final = "what belongs together begins in one column"
# By parts of what LibYAML and PyYAML say, the first that is there; both take most words from one grammar.
_WORDS: Final = (
    ("found another document", "a file holds one document, and another begins here", "leave out the line ---"),
    ("maximum nesting", f"it is nested deeper than {MAX_RENDERED_DEPTH} levels", ""),
    ("undefined alias", UNDEFINED_ALIAS, NEEDS_QUOTES),
    ("while scanning an al", "a * that begins no alias", NEEDS_QUOTES),
    ("while scanning an an", "an & that begins no anchor", NEEDS_QUOTES),
    ("tab character that violates", "a tab cannot indent", "indent with spaces"),
    ("tab character where", "a tab cannot indent", "indent with spaces"),
    ("mapping values are not allowed", "a second ': ' on one line, or a name that begins too far to the right", _COLON),
    ("could not find expected ':'", "a line without ': ' where a name and a value are wanted", _INDENT),
    ("sequence entries are not allowed", "a list's '- ' stands behind something else", "begin it on a line of its own"),
    ("mapping keys are not allowed", "a '? ' stands behind something else", NEEDS_QUOTES),
    ("',' or ']'", "a list in brackets goes on without a comma, or has no ]", "close it, or put texts into quotes"),
    ("',' or '}'", "an object in braces goes on without a comma, or has no }", "close it, or put texts into quotes"),
    ("'-' indicator", "a list breaks off: its items begin with '- ' in one column", _INDENT),
    ("node content", "a value is missing before this character", NEEDS_QUOTES),
    ("unexpected end of stream", "a text in quotes has no end", "close it"),
    ("unexpected document", "a text in quotes has no end before the line --- or ...", "close it"),
    ("unknown escape", "unknown escape", "write \\\\ for a backslash, or single quotes around the text"),
    ("hexdecimal", "an escape lacks hexadecimal digits", "\\x has 2 of them, \\u has 4, \\U has 8"),
    ("hexadecimal", "an escape lacks hexadecimal digits", "\\x has 2 of them, \\u has 4, \\U has 8"),
    ("invalid unicode character", "an escape of no character", ""),
    ("comment or line break", "something is left behind a | or > or a directive", "begin the text on the next line"),
    ("chomping", "something is left behind a | or >", "begin the text on the next line"),
    ("indentation indicator", "an indentation of 0 behind | or >", "write a digit from 1 to 9"),
    ("incompatible yaml", "another version of YAML than 1.1 and 1.2", "leave out the line %YAML"),
    ("duplicate %yaml", "the directive %YAML is there twice", "keep one"),
    ("duplicate yaml", "the directive %YAML is there twice", "keep one"),
    ("duplicate %tag", "a directive %TAG is there twice", "keep one"),
    ("duplicate tag handle", "a directive %TAG is there twice", "keep one"),
    ("document start", "a --- is missing before a second document, or behind a directive", NEEDS_QUOTES),
    ("directive", "a % begins a directive that does not exist", NEEDS_QUOTES),
    ("version number", "a % begins a directive that does not exist", NEEDS_QUOTES),
    ("non-alphabetical", "a % begins a directive that does not exist", NEEDS_QUOTES),
    ("tag handle", "a tag with a prefix that nothing defines", NEEDS_QUOTES),
    ("scanning a tag", "a ! that begins no tag", NEEDS_QUOTES),
    ("parsing a tag", "a ! that begins no tag", NEEDS_QUOTES),
    ("constructor for the tag", "a tag that no profile needs", NEEDS_QUOTES),
    ("for merging", "<< takes an object, or a list of objects", ""),
    ("special characters are not allowed", "a control character", 'write it as an escape in "…", such as "\\u0007"'),
    ("base64", "a value that does not fit its tag", ""),
    ("control characters are not allowed", "a control character", 'write it as an escape in "…", such as "\\u0007"'),
)


def syntax_defect(text: str, error: yaml.YAMLError) -> Defect:
    """Return what a reader said, in our words; nothing of the text is quoted."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = Location(mark.line + 1, mark.column + 1) if mark else _place_of_character(text, error)
    problem, context = getattr(error, "problem", None) or "", getattr(error, "context", None) or ""
    said = f"{context}: {problem}: {'' if mark else getattr(error, 'reason', '')}".lower()
    if braces := _braces_before(text, place):
        return braces_defect(braces)
    if "cannot start any token" in said:
        return _cannot_start(text, place)
    if "expected key" in said or "block end" in said:
        return _between_lines(text, place)
    found = next(((words, hint) for part, words, hint in _WORDS if part in said), None)
    words, hint = found or ("it cannot be read", "")
    if "quotes has no end" in words:
        # Where the text began; the end says nothing.
        opened = getattr(error, "context_mark", None)
        place = Location(opened.line + 1, opened.column + 1) if opened else place
    return Defect(words, place, hint)


def braces_defect(place: Location) -> Defect:
    """Return what is wrong with a template's braces where a value begins: YAML takes them for objects."""
    return Defect("a text that begins with {{ needs quotes", place, "put it into '…', or into a block after |")


def _place_of_character(text: str, error: yaml.YAMLError) -> Location:
    """Return the place of what the reader took for no character, which it counts in bytes or characters."""
    if not isinstance(error, yaml.reader.ReaderError):
        return NOWHERE
    strange = re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]", text)
    if strange is None:
        return NOWHERE
    line = text.count("\n", 0, strange.start()) + 1
    return Location(line, strange.start() - text.rfind("\n", 0, strange.start()))


def _line(text: str, place: Location) -> str:
    return text.split("\n", place.line)[place.line - 1] if 0 < place.line <= text.count("\n") + 1 else ""


def _braces_before(text: str, place: Location) -> Location | None:
    """Return where a value begins with the braces of a template, which YAML takes for an object in an object."""
    match = _BRACES.search(_line(text, place))
    start = -1 if match is None else max(match.start(1), match.start(2))
    return Location(place.line, start + 1) if 0 <= start < max(place.column, 1) else None


def _between_lines(text: str, place: Location) -> Defect:
    if _line(text, place)[: place.column - 1].strip():
        return Defect("something is left behind a value", place, NEEDS_QUOTES)
    return Defect("a line is indented otherwise than its neighbours", place, _INDENT)


def _cannot_start(text: str, place: Location) -> Defect:
    found = _line(text, place)[place.column - 1 : place.column]
    if found == "\t":
        is_indent = not _line(text, place)[: place.column - 1].strip()
        problem = "a tab cannot indent" if is_indent else "a tab stands where only spaces may stand"
        return Defect(problem, place, "indent with spaces")
    return Defect("a value cannot begin with @, % or `", place, NEEDS_QUOTES)
