"""JSON as Go's encoder writes it, and JSON read so strictly that everything that passes can be stored."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from bootstrap_project.documents.decoding import BYTE_ORDER_MARK, decode
from bootstrap_project.documents.errors import InvalidDocument
from bootstrap_project.documents.json_defects import (
    depth_defect,
    number_defect,
    repeated_defect,
    syntax_defect,
    unstorable_defect,
)
from bootstrap_project.documents.limits import MAX_DEPTH
from bootstrap_project.documents.values import check_storable

_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPED: Final = re.compile("[<>&\u2028\u2029]")
# Kept, because making one takes as long as encoding a small answer.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class _NumberRefused(ValueError):
    """A number that JSON does not know, or that nothing here could hold."""


class _Repeated(ValueError):
    """An object with a member twice."""


def dump_json(value: Any) -> bytes:
    """Return `value` as compact JSON with a newline at its end, as Go's encoder writes it (docs/contract.md#a0)."""
    return dump_json_text(value).encode() + b"\n"


def dump_json_text(value: Any) -> str:
    """Return `value` as compact JSON, the characters that HTML knows escaped as Go does."""
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0]], _ENCODER.encode(value))


def read(body: bytes) -> Any:
    """Return the document in `body`; raises what `parse_json` raises, and InvalidDocument for what is not UTF-8."""
    return parse_json(decode(body))


def parse_json(text: str) -> Any:
    """Return the document that `text` is, in front of which a byte order mark may stand.

    Raises: InvalidDocument for anything that is not JSON, for a member that is there twice (RFC 7493, section 2.3), for
    numbers that are no finite numbers, and for what `check_storable` refuses.
    """
    text = text.removeprefix(BYTE_ORDER_MARK)
    try:
        document = _load(text, object_pairs_hook=_once, parse_float=_finite_float)
    except json.JSONDecodeError as error:
        raise InvalidDocument.of(syntax_defect(text, error, quotes=True)) from None
    except _Repeated:
        raise InvalidDocument.of(repeated_defect(text)) from None
    except RecursionError:
        raise InvalidDocument.of(depth_defect(text, MAX_DEPTH)) from None
    except ValueError:
        raise InvalidDocument.of(number_defect(text, storable=True)) from None
    try:
        check_storable(document)
    except InvalidDocument:
        if defect := unstorable_defect(text):
            raise InvalidDocument.of(defect) from None
        raise
    return document


def check(text: str) -> None:
    """Check that `text` is JSON; of a member that is there twice, readers keep the last one.

    Raises: Defect, which quotes nothing of the text.
    """
    try:
        _load(text)
    except json.JSONDecodeError as error:
        raise syntax_defect(text, error, quotes=False) from None
    except RecursionError:
        raise depth_defect(text) from None
    except ValueError:
        raise number_defect(text, storable=False) from None


def _load(text: str, **hooks: Any) -> Any:
    return json.loads(text, parse_constant=_refuse_constant, **hooks)


def write(document: Mapping[str, Any]) -> str:
    """Return `document` as people read it."""
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(members)
    if len(document) != len(members):
        raise _Repeated
    return document


def _refuse_constant(_name: str) -> NoReturn:
    raise _NumberRefused


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NumberRefused
    # There is no negative zero in PostgreSQL, so that a preview has none either.
    return value + 0.0
