"""The platform's JSON answers: strict about shape, so that nothing half-read is ever stored."""

from __future__ import annotations

import json
import math
import re

from bootstrap_project.magistrala.errors import Unusable
from bootstrap_project.magistrala.resources import ChannelResource, ClientResource, DomainMembership, KeySet, TokenPair

_DOMAIN_STATUSES = frozenset({"enabled", "disabled", "freezed", "deleted"})
_MAX_DEPTH = 100
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,;])")


def unusable(service: str, why: str) -> Unusable:
    """Return the error for an answer that arrived whole and makes no sense."""
    return Unusable(
        f"The Magistrala {service} service gave an answer that cannot be used ({why});"
        f" check MG_{service.upper()}_URL and the platform's version.",
        service=service,
    )


def decode(service: str, body: bytes) -> dict[str, object]:
    """Return the JSON object in an answer's body.

    Raises: Unavailable when it is not one in UTF-8 (RFC 8259, section 8.1), or holds text that no database can store.
    """
    try:
        value = _DECODER.decode(body.decode())
    except (ValueError, RecursionError):
        # The decoder's own exception holds the body: the chain is cut so that no error report can show it.
        raise unusable(service, "not JSON") from None
    if not isinstance(value, dict):
        raise unusable(service, "not a JSON object")
    # Few answers can be at fault, so only those are walked through: strict UTF-8 and JSON let neither a NUL nor half a
    # character pass but as an escape.
    suspicious = b"\\u" in body or body.count(b"{") + body.count(b"[") > _MAX_DEPTH
    if suspicious and not _storable(value):
        raise unusable(service, "it holds a NUL, half a character, or too many levels")
    return value


def client(service: str, item: dict[str, object]) -> ClientResource:
    """Read a client; members that the platform leaves out when empty come back empty.

    Raises: Unavailable when a member has another type than documented.
    Source: Magistrala clients API, "view client".
    """
    credentials = _mapping(service, item, "credentials")
    return ClientResource(
        id=_text(service, item, "id", required=True),
        name=_text(service, item, "name"),
        domain_id=_text(service, item, "domain_id"),
        identity=_text(service, credentials, "identity"),
        secret=_text(service, credentials, "secret"),
        status=_text(service, item, "status", required=True),
        tags=_texts(service, item, "tags"),
        metadata=_mapping(service, item, "metadata"),
    )


def channel(service: str, item: dict[str, object]) -> ChannelResource:
    """Read a channel; members that the platform leaves out when empty come back empty.

    Raises: Unavailable when a member has another type than documented.
    Source: Magistrala channels API, "view channel".
    """
    return ChannelResource(
        id=_text(service, item, "id", required=True),
        name=_text(service, item, "name"),
        domain_id=_text(service, item, "domain_id"),
        route=_text(service, item, "route"),
        status=_text(service, item, "status", required=True),
        metadata=_mapping(service, item, "metadata"),
        tags=_texts(service, item, "tags"),
    )


def membership(service: str, item: dict[str, object]) -> DomainMembership:
    """Read one entry of the domains list.

    Raises: Unavailable when a member has another type than documented, or the status is none we know.
    Source: Magistrala domains API, "list domains".
    """
    status = _text(service, item, "status", required=True)
    if status not in _DOMAIN_STATUSES:
        raise unusable(service, "unknown domain status")
    role_name = _text(service, item, "role_name")
    # A role without actions is left out like every empty member, and must not read as "platform administrator".
    holds_role = bool(role_name) or bool(_text(service, item, "role_id")) or item.get("actions") is not None
    return DomainMembership(
        id=_text(service, item, "id", required=True),
        name=_text(service, item, "name"),
        status=status,
        actions=_texts(service, item, "actions") if holds_role else None,
        role_name=role_name,
    )


def token_pair(service: str, item: dict[str, object]) -> TokenPair:
    """Read the answer to issuing or refreshing a token.

    Raises: Unavailable without an access token.
    """
    return TokenPair(
        access_token=_text(service, item, "access_token", required=True),
        refresh_token=_text(service, item, "refresh_token"),
    )


def key_set(service: str, item: dict[str, object], cache_control: str) -> KeySet:
    """Read a JSON Web Key Set; `"keys": null` (a platform with a shared secret) is an empty set.

    Raises: Unavailable when `keys` is missing or not a list of objects.
    """
    # The one list that is null and has no total beside it.
    keys = _objects(service, item, "keys") if "keys" in item else page(service, item, "keys")
    found = _MAX_AGE.search(cache_control.lower())
    return KeySet(keys=tuple(keys), max_age_seconds=int(found[1]) if found else None)


def page(service: str, item: dict[str, object], name: str, *, offset: int = 0) -> list[dict[str, object]]:
    """Return the entries of a page that was asked for from `offset` on.

    The platform leaves an empty array out (or nulls it), so `total` must say that there is nothing at `offset`. That
    nothing was found refuses a caller, which is never guessed from an answer of another shape.

    Raises: Unavailable when the array is absent and `total` does not say why, or when it is no list of objects.
    Source: Magistrala's answers to lists, whose arrays are `omitempty`.
    """
    entries = _objects(service, item, name)
    total = item.get("total")
    # A bool is an int to Python, and no number to JSON.
    empty = isinstance(total, int) and not isinstance(total, bool) and 0 <= total <= offset
    if item.get(name) is None and not empty:
        raise unusable(service, f"no member {name}")
    return entries


def _objects(service: str, item: dict[str, object], name: str) -> list[dict[str, object]]:
    value = item.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise unusable(service, f"{name} is not a list of objects")
    return value


def _text(service: str, item: dict[str, object], name: str, *, required: bool = False) -> str:
    value = item.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value):
        raise unusable(service, f"{name} is not text" if value else f"{name} is missing")
    return value


def _texts(service: str, item: dict[str, object], name: str) -> tuple[str, ...]:
    value = item.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise unusable(service, f"{name} is not a list of texts")
    return tuple(value)


def _mapping(service: str, item: dict[str, object], name: str) -> dict[str, object]:
    value = item.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise unusable(service, f"{name} is not an object")
    return value


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


# Kept, because making one takes as long as decoding a small answer.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)


def _storable(value: object) -> bool:
    """Whether the answer can be written to a database later.

    PostgreSQL refuses a NUL and a lone surrogate in JSON, and Python's encoder gives up on deep nesting.
    """
    waiting = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, str):
            if _UNSTORABLE.search(item):
                return False
        elif isinstance(item, dict):
            waiting.extend((name, depth) for name in item)
            waiting.extend((entry, depth + 1) for entry in item.values())
        elif isinstance(item, list):
            waiting.extend((entry, depth + 1) for entry in item)
        if depth > _MAX_DEPTH:
            return False
    return True
