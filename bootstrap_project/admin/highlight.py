"""Colours for JSON, YAML and TOML on a page: spans around the words, and not a character more or less of text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

#: Longer texts are shown plain: spans would make the page many times as large.
MAX_CHARACTERS: Final = 100_000

_NUMBER: Final = r"(?P<number>[-+]?\b\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\b)"
_JSON: Final = re.compile(
    r'(?P<key>"(?:[^"\\\n]|\\.)*"(?=\s{0,16}:))|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<word>\b(?:true|false|null)\b)|'
    + _NUMBER
    + r"|(?P<sign>[{}\[\],:])"
)
_YAML: Final = re.compile(
    r"(?P<comment>(?:^|(?<=\s))#[^\n]*)|(?P<key>^[ \t]*(?:-[ \t]+)?[\w.$/\"'-][^:#\n]{0,200}(?=:(?:\s|$)))"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')|(?P<word>\b(?:true|false|null|yes|no|on|off)\b)|"
    + _NUMBER
    + r"|(?P<sign>^(?:---|\.\.\.)|[{}\[\],:])",
    re.MULTILINE,
)
_TOML: Final = re.compile(
    r"(?P<comment>#[^\n]*)|(?P<section>^[ \t]*\[\[?[^\]\n]+\]\]?)|(?P<key>^[ \t]*[\w.\"'-]+(?=[ \t]*=))"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')|(?P<word>\b(?:true|false|inf|nan)\b)|"
    r"(?P<number>[-+]?\b\d[\w:.+-]*)|(?P<sign>[{}\[\],=])",
    re.MULTILINE,
)
_LANGUAGES: Final = {"json": _JSON, "yaml": _YAML, "toml": _TOML}


def highlight(text: str, language: str = "", *, mask: str = "") -> SafeString:
    """Return `text` as HTML that reads exactly as it does, its words in spans and every `mask` marked.

    Shape: `language` is json, yaml or toml; any other text is taken for JSON when it is JSON, and is plain otherwise.
    Cost: linear; texts over `MAX_CHARACTERS` characters get no colours.
    """
    pattern = _LANGUAGES.get(language) if len(text) <= MAX_CHARACTERS else None
    if pattern is None and len(text) <= MAX_CHARACTERS and _is_json(text):
        pattern = _JSON
    pieces = _pieces(pattern, text) if pattern else iter([("", text)])
    # Everything is escaped on its way.
    return mark_safe("".join(_span(kind, piece, mask) for kind, piece in pieces))  # noqa: S308


def _pieces(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    """Yield kind and text of all pieces in order; "" where there is no kind."""
    end = 0
    for match in pattern.finditer(text):
        if match.start() > end:
            yield "", text[end : match.start()]
        yield match.lastgroup or "", match[0]
        end = match.end()
    yield "", text[end:]


def _span(kind: str, text: str, mask: str) -> str:
    if not text:
        return ""
    shown = _escaped(text)
    if mask and mask in text:
        shown = f'<mark class="hl-mask">{_escaped(mask)}</mark>'.join(_escaped(part) for part in text.split(mask))
    return f'<span class="hl-{kind}">{shown}</span>' if kind else shown


def _escaped(text: str) -> str:
    # A browser takes a bare carriage return for a line's end, and copies it as such.
    return str(escape(text)).replace("\r", "&#13;")


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
