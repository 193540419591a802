"""JSON as Go's encoder writes it, and JSON read so strictly that everything that passes can be stored."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from bootstrap_project.diagnostics import Location
from bootstrap_project.documents.errors import INVALID_JSON, InvalidDocument
from bootstrap_project.documents.limits import MAX_DEPTH
from bootstrap_project.documents.values import check_storable

_ESCAPES: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ESCAPED: Final = re.compile("[<>&\u2028\u2029]")
# Kept, because making one takes as long as encoding a small answer.
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class _NumberRefused(ValueError):
    """A number that we do not take, in our own words."""


def dump_json(value: Any) -> bytes:
    """Return `value` as compact JSON with a newline at its end, as Go's encoder writes it (docs/contract.md#a0)."""
    return dump_json_text(value).encode() + b"\n"


def dump_json_text(value: Any) -> str:
    """Return `value` as compact JSON, the characters that HTML knows escaped as Go does."""
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0]], _ENCODER.encode(value))


def parse_json(body: bytes) -> Any:
    """Return the document in `body`.

    Raises: InvalidDocument for anything that is not JSON in UTF-8, for numbers that are no finite numbers, and for
    what `check_storable` refuses.
    """
    try:
        document = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite_float)
    except UnicodeDecodeError as error:
        raise InvalidDocument(INVALID_JSON, f"byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        # Some of its words end in "at" themselves, and those about a byte order mark are for Python programmers.
        message = "unexpected byte order mark" if "BOM" in error.msg else error.msg.removesuffix(" at")
        place = f"line {error.lineno}, column {error.colno}"
        detail = f"{message[:1].lower()}{message[1:]} at {place}"
        raise InvalidDocument(INVALID_JSON, detail, location=Location(error.lineno, error.colno)) from None
    except RecursionError:
        raise InvalidDocument(INVALID_JSON, f"it is nested deeper than {MAX_DEPTH} levels") from None
    except _NumberRefused as error:
        raise InvalidDocument(INVALID_JSON, str(error)) from None
    except ValueError:
        # Python's own limit on digits, which it advises to raise.
        raise InvalidDocument(INVALID_JSON, "a whole number has too many digits") from None
    check_storable(document)
    return document


#: What the table of kinds calls.
read: Final = parse_json


def write(document: Mapping[str, Any]) -> str:
    """Return `document` as people read it."""
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _refuse_constant(name: str) -> NoReturn:
    raise _NumberRefused(f"{name} is not a number that JSON knows")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NumberRefused(f"the number {text[:32]} is too large")
    return value
