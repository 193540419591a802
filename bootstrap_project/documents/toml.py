"""TOML: read in bounds, and written with tables at the top, inline values below, texts of several lines as blocks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from bootstrap_project.documents.decoding import decode
from bootstrap_project.documents.defects import Defect, TooLarge
from bootstrap_project.documents.errors import EncodeError, InvalidDocument
from bootstrap_project.documents.limits import MAX_DOTTED_PARTS, MAX_RENDERED_DEPTH, MAX_STEPS, MAX_VALUES
from bootstrap_project.documents.toml_defects import TEXTS, syntax_defect
from bootstrap_project.documents.values import as_json

# It begins at the start of a part and never goes back within one, so that looking takes time in proportion to the text.
_LONG_DOTTED_KEY: Final = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    rf"{{{MAX_DOTTED_PARTS}}}"
)
_SIGNS: Final = "=,.[{"
# What has one of these signs and is no more than one value: the point of a number or of a second, the [[ of a table.
_NO_SECOND_VALUE: Final = re.compile(
    r"^[ \t]*+\[(?=\[)"
    r"|(?<![\w.+-])[-+]?[0-9][0-9_]*+\.[0-9][0-9_]*+(?:[eE][-+]?[0-9_]++)?(?![\w.-])"
    r"|:[0-9]{2}\.(?=[0-9])",
    re.MULTILINE,
)
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**63 - 1
_LONG_INTEGER: Final = "a whole number has more than 64 bits"

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_UNSAFE: Final = re.compile(r'[\x00-\x08\x0a-\x1f\x7f"\\]')
_UNSAFE_IN_BLOCK: Final = re.compile(r'[\x00-\x08\x0b-\x1f\x7f\\]|"""')
_LITERAL_BLOCK: Final = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f]*")
_ESCAPES: Final = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def read(body: bytes) -> Any:
    """Return the document in `body`; dates and times become the text that RFC 3339 gives them.

    Raises: InvalidDocument.
    """
    try:
        document = _load(decode(body))
    except Defect as defect:
        raise InvalidDocument.of(defect, "TOML") from None
    return as_json(document)


def check(text: str) -> None:
    """Check that `text` is TOML 1.0.

    Raises: Defect, which quotes nothing of the text; TooLarge.
    """
    if text.count("\\") + text.count("\n") > MAX_STEPS:
        raise TooLarge(f"it has more than {MAX_STEPS} lines and escapes together")
    _load(text)


def _load(text: str) -> dict[str, Any]:
    if has_too_many_parts(text):
        raise TooLarge(f"it has more than {MAX_VALUES} values, and parts of keys")
    if has_long_dotted_key(text):
        raise Defect(f"a dotted key has more than {MAX_DOTTED_PARTS} parts")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise syntax_defect(text, error) from None
    except RecursionError:
        raise Defect(f"it is nested deeper than {MAX_RENDERED_DEPTH} levels") from None
    except ValueError:
        # Python's own limit on digits, far above the language's.
        raise Defect(_LONG_INTEGER) from None
    if has_long_integer(document):
        raise Defect(_LONG_INTEGER)
    return document


def write(document: Mapping[str, Any]) -> str:
    """Return an object as TOML, its plain members first, then a table for each object and list of objects.

    Raises: EncodeError for null, saying where it stands.
    """
    lines: list[str] = []
    tables: list[str] = []
    for name, value in document.items():
        if isinstance(value, dict) and value:
            tables += ["", f"[{_key(name)}]", *_members(value, name)]
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for number, item in enumerate(value):
                tables += ["", f"[[{_key(name)}]]", *_members(item, f"{name}[{number}]")]
        else:
            lines.append(f"{_key(name)} = {_value(value, name)}")
    return "\n".join([*lines, *tables]) + "\n"


def _members(table: Mapping[str, Any], place: str) -> list[str]:
    return [f"{_key(name)} = {_value(value, f'{place}.{name}')}" for name, value in table.items()]


def _value(value: Any, place: str) -> str:
    if value is None:
        raise EncodeError(f"TOML has no null, and {place} is null")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        members = (f"{_key(name)} = {_value(member, f'{place}.{name}')}" for name, member in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_value(item, f'{place}[{number}]') for number, item in enumerate(value))}]"
    return repr(value)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _quoted(name)


def _text(text: str) -> str:
    if "\n" not in text:
        return _quoted(text)
    # The line end after the opening quotes is no part of the text.
    if "'''" not in text and not text.endswith("'") and _LITERAL_BLOCK.fullmatch(text):
        return f"'''\n{text}'''"
    escaped = _UNSAFE_IN_BLOCK.sub(lambda match: "".join(map(_escape, match[0])), text)
    if escaped.endswith('"'):
        escaped = escaped[:-1] + '\\"'
    return f'"""\n{escaped}"""'


def _quoted(text: str) -> str:
    return f'"{_UNSAFE.sub(lambda match: _escape(match[0]), text)}"'


def _escape(character: str) -> str:
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"


def has_too_many_parts(text: str) -> bool:
    """Return whether the TOML `text` has more than `MAX_VALUES` values, tables and further parts of keys together.

    Cost: in proportion to the text.
    """
    if sum(map(text.count, _SIGNS)) <= MAX_VALUES:
        return False
    bare = TEXTS.sub('""', text)
    return sum(map(bare.count, _SIGNS)) - sum(1 for _ in _NO_SECOND_VALUE.finditer(bare)) > MAX_VALUES


def has_long_dotted_key(text: str) -> bool:
    """Return whether a key in the TOML `text` has more than `MAX_DOTTED_PARTS` parts.

    Cost: in proportion to the text.
    """
    # Few texts have so many dots in a row at all, and in most of those they stand in a value.
    return bool(_LONG_DOTTED_KEY.search(text) and _LONG_DOTTED_KEY.search(TEXTS.sub('""', text)))


def has_long_integer(document: object) -> bool:
    """Return whether what was read from TOML holds an integer of more than 64 bits, which TOML forbids."""
    if isinstance(document, dict):
        return any(map(has_long_integer, document.values()))
    if isinstance(document, list):
        return any(map(has_long_integer, document))
    return isinstance(document, int) and not _INT_MIN <= document <= _INT_MAX
