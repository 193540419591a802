"""JSON, parsed and printed: numbers unchanged, members sorted, colours on request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

_KEY, _STRING, _NUMBER, _WORD, _END = "\x1b[34;1m", "\x1b[32;1m", "\x1b[36;1m", "\x1b[33;1m", "\x1b[0m"
#: Terminal control characters that JSON does not escape: DEL and C1 controls, line separators, bidirectional marks.
_CONTROLS: Final = {
    code: f"\\u{code:04x}"
    for code in (*range(0x7F, 0xA0), 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}


class Number(str):
    """A number as it was written: 1.0 stays 1.0, and 1e400 is no infinity."""

    __slots__ = ()


def parse(body: bytes) -> Any:
    """Return the document in `body`, numbers as Number; raises ValueError."""
    try:
        return json.loads(body.decode(), parse_int=Number, parse_float=Number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def quoted(text: str) -> str:
    """Return a JSON string without characters that control a terminal."""
    return json.dumps(text, ensure_ascii=False).translate(_CONTROLS)


def compact(value: Any) -> Iterator[str]:
    """Yield a document on one line, in pieces."""
    if isinstance(value, dict):
        for position, key in enumerate(sorted(value)):
            yield f"{',' if position else '{'}{quoted(key)}:"
            yield from compact(value[key])
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield "," if position else "["
            yield from compact(item)
        yield "]" if value else "[]"
    else:
        yield _scalar(value, colour=False)


def indented(value: Any, *, colour: bool, depth: int = 0) -> Iterator[str]:
    """Yield a document with two spaces for each level, in pieces."""
    inner, outer = "\n" + "  " * (depth + 1), "\n" + "  " * depth
    if isinstance(value, dict) and value:
        for position, key in enumerate(sorted(value)):
            name = f"{_KEY}{quoted(key)}{_END}" if colour else quoted(key)
            yield f"{',' if position else '{'}{inner}{name}: "
            yield from indented(value[key], colour=colour, depth=depth + 1)
        yield outer + "}"
    elif isinstance(value, list) and value:
        for position, item in enumerate(value):
            yield ("," if position else "[") + inner
            yield from indented(item, colour=colour, depth=depth + 1)
        yield outer + "]"
    else:
        yield _scalar(value, colour=colour)


def _scalar(value: Any, *, colour: bool) -> str:
    if isinstance(value, Number):
        text, shade = str(value), _NUMBER
    elif isinstance(value, str):
        text, shade = quoted(value), _STRING
    else:
        text, shade = json.dumps(value), _WORD
    return f"{shade}{text}{_END}" if colour and value not in ({}, []) else text
