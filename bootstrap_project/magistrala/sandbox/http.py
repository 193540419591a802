"""Requests and answers of the sandbox's handlers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

JSON = "application/json"
NOT_JSON = "request body is not a valid JSON, expecting a valid JSON"


class HTTPError(Exception):
    """A request that the platform refuses, with its status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(slots=True)
class Request:
    """One parsed request; `segments` are the decoded parts of the path, `params` the route's placeholders."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    service: str = ""
    params: dict[str, str] = field(default_factory=dict)
    path: str = field(init=False)
    segments: list[str] = field(init=False)
    query: dict[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.path = parts.path
        self.segments = [unquote(part) for part in parts.path.strip("/").split("/")]
        self.query = parse_qs(parts.query, keep_blank_values=True) if parts.query else {}
        # `/_svc/<service>/...` says which service is meant where paths alone do not, as for /health.
        if len(self.segments) > 1 and self.segments[0] == "_svc":
            self.service = self.segments[1]
            del self.segments[:2]

    def argument(self, name: str, default: str = "") -> str:
        """Return a query parameter; a repeated one is refused as the platform does."""
        values = self.query.get(name)
        if values is None:
            return default
        if len(values) > 1:
            raise HTTPError(400, "invalid query parameters")
        return values[0]

    def number(self, name: str, default: int) -> int:
        """Return a query parameter that must be a natural number."""
        text = self.argument(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit():
            raise HTTPError(400, "invalid query parameters")
        return int(text)

    def object(self, *, check_type: bool = True) -> dict[str, object]:
        """Return the JSON object in the body: 415 for another content type, 400 for anything that is not an object."""
        value = self.value(check_type=check_type)
        if not isinstance(value, dict):
            raise HTTPError(400, NOT_JSON)
        return value

    def objects(self) -> list[dict[str, Any]]:
        """Return the list of JSON objects in the body, refused as `object` refuses."""
        value = self.value(check_type=True)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise HTTPError(400, NOT_JSON)
        return value

    def value(self, *, check_type: bool) -> Any:
        """Return the JSON value in the body, None for a body that is not JSON."""
        if check_type and JSON not in self.headers.get("content-type", ""):
            raise HTTPError(415, "unsupported content type")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(slots=True)
class Answer:
    """An answer; `body` is already encoded."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})

    def encode(self, *, head_only: bool = False, length: int | None = None, close: bool = False) -> bytes:
        """Return the whole answer as bytes; a `length` other than the body's makes it invalid."""
        try:
            reason = HTTPStatus(self.status).phrase
        except ValueError:
            reason = "Unknown"
        lines = [f"HTTP/1.1 {self.status} {reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.status not in {204, 304}:
            lines.append(f"Content-Length: {len(self.body) if length is None else length}")
        if close:
            lines.append("Connection: close")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        return head if head_only or self.status == 204 else head + self.body


def json_answer(value: object, status: int = 200, **headers: str) -> Answer:
    """Return an answer whose body is `value` as JSON; header names are given with underscores."""
    answer = Answer(status, json.dumps(value, separators=(",", ":")).encode() + b"\n")
    answer.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
    return answer


def error_answer(status: int, message: str) -> Answer:
    """Return the platform's error body."""
    return json_answer({"message": message}, status)


def text_member(item: dict[str, object], name: str, default: str = "") -> str:
    """Return a text member of a body; null and absent are the default, another type is a JSON error."""
    value = item.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise HTTPError(400, NOT_JSON)
    return value


def texts_member(item: dict[str, object], name: str) -> list[str]:
    """Return a member that is a list of texts; null and absent are empty."""
    value = item.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise HTTPError(400, NOT_JSON)
    return value


def object_member(item: dict[str, object], name: str) -> dict[str, object]:
    """Return a member that is an object; null and absent are empty."""
    value = item.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise HTTPError(400, NOT_JSON)
    return value
