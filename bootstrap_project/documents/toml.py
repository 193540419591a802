"""TOML: read in bounds, and written with tables at the top, inline values below, texts of several lines as blocks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from bootstrap_project.documents.errors import INVALID_JSON, EncodeError, InvalidDocument
from bootstrap_project.documents.limits import MAX_DOTTED_PARTS, MAX_VALUES
from bootstrap_project.documents.values import as_json

# It begins at the start of a part and never goes back within one, so that looking takes time in proportion to the text.
_LONG_DOTTED_KEY: Final = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    rf"{{{MAX_DOTTED_PARTS}}}"
)
# Texts and comments, those included that nothing ends.
_TEXTS: Final = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z)|"(?:[^"\\\n]|\\.)*+"?'''
    r"""|'''(?:[^']|'(?!''))*+(?:'''|\Z)|'[^'\n]*+'?|#[^\n]*+""",
    re.DOTALL,
)
_SIGNS: Final = "=,.[{"
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**63 - 1

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
        text = body.decode("utf-8")
        if has_too_many_parts(text):
            raise InvalidDocument(INVALID_JSON, f"more than {MAX_VALUES} parts of keys, and values")
        if has_long_dotted_key(text):
            raise InvalidDocument(INVALID_JSON, f"a dotted key has more than {MAX_DOTTED_PARTS} parts")
        document = tomllib.loads(text)
        if has_long_integer(document):
            raise InvalidDocument(INVALID_JSON, "not valid TOML: a whole number has more than 64 bits")
    except UnicodeDecodeError as error:
        raise InvalidDocument(INVALID_JSON, f"byte {error.start} is not UTF-8") from error
    except RecursionError:
        raise InvalidDocument(INVALID_JSON, "the TOML is nested too deep") from None
    except ValueError as error:
        raise InvalidDocument(INVALID_JSON, f"not valid TOML: {error}") from None
    return as_json(document)


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
    """Return whether the TOML `text` has more than `MAX_VALUES` parts of keys, tables and values together.

    Cost: in proportion to the text.
    """
    if sum(map(text.count, _SIGNS)) <= MAX_VALUES:
        return False
    bare = _TEXTS.sub('""', text)
    return sum(map(bare.count, _SIGNS)) > MAX_VALUES


def has_long_dotted_key(text: str) -> bool:
    """Return whether a key in the TOML `text` has more than `MAX_DOTTED_PARTS` parts.

    Cost: in proportion to the text.
    """
    # Few texts have so many dots in a row at all, and in most of those they stand in a value.
    return bool(_LONG_DOTTED_KEY.search(text) and _LONG_DOTTED_KEY.search(_TEXTS.sub('""', text)))


def has_long_integer(document: object) -> bool:
    """Return whether what was read from TOML holds an integer of more than 64 bits, which TOML forbids."""
    if isinstance(document, dict):
        return any(map(has_long_integer, document.values()))
    if isinstance(document, list):
        return any(map(has_long_integer, document))
    return isinstance(document, int) and not _INT_MIN <= document <= _INT_MAX
