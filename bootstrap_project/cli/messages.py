"""Requests and answers, apart from how they travel."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from click import UsageError

from bootstrap_project.cli.errors import APIError, BadResponse, CLIError, Unreachable
from bootstrap_project.cli.pretty import parse

#: Answers after which the same call may succeed later.
_TRY_AGAIN: Final = frozenset({429, 502, 503, 504})


class Credential(NamedTuple):
    """The content of the header `Authorization`; a curl command has `shown` in its place."""

    scheme: str
    secret: str
    shown: str

    def header(self) -> bytes:
        """Return the header's value; raises UsageError for a secret that HTTP cannot carry whole."""
        secret = self.secret
        if any(character < " " or character == "\x7f" for character in secret):
            raise UsageError("the token or key holds a control character, such as the end of a line")
        if self.scheme == "Client" and not secret.isascii():
            raise UsageError("the key holds a character that is not ASCII, which no header carries")
        if secret != secret.strip(" \t"):
            raise UsageError("the token or key begins or ends with a space, which HTTP would take away")
        return f"{self.scheme} {secret}".encode("utf-8", "surrogateescape")


class Request(NamedTuple):
    """One call; `path` begins with a slash and is below the service's address."""

    method: str
    path: str
    credential: Credential
    query: Mapping[str, str] = {}
    body: bytes | None = None
    content_type: str = "application/json"

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.query, errors='surrogateescape')}" if self.query else self.path


class Response(NamedTuple):
    """An answer; header names are in lower case."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> Any:
        """Return the JSON of the body, numbers as they are written; raises BadResponse."""
        try:
            return parse(self.body)
        except ValueError:
            raise BadResponse(
                "the answer is not JSON", f"it has {len(self.body)} bytes of {self._kind()}; is this the service?"
            ) from None

    def member(self, name: str) -> Any:
        """Return a member of the body's object; raises BadResponse."""
        document = self.document()
        if not isinstance(document, dict) or name not in document:
            raise BadResponse(f"the answer has no `{name}`", "is this the service?")
        return document[name]

    def error(self) -> CLIError:
        """Return an answer other than 2xx as an error."""
        reason = self.reason or http.client.responses.get(self.status, str(self.status))
        try:
            envelope = self.document()
        except BadResponse:
            envelope = None
        details: list[str] = []
        text = f"Status: {reason}"
        if isinstance(envelope, dict) and isinstance(envelope.get("message"), str):
            text = f"{text}: {envelope['message']}"
            details = [str(envelope["error"])] if envelope.get("error") else []
        elif self.body:
            details = [f"the answer is not the service's own: {len(self.body)} bytes of {self._kind()}"]
            envelope = None
        retry_after = self.headers.get("retry-after", "")
        if retry_after:
            # Seconds, or a date.
            details.append(f"try again after: {retry_after}{' s' if retry_after.isdigit() else ''}")
        request_id = (envelope or {}).get("request_id") or self.headers.get("x-request-id")
        if request_id:
            details.append(f"request id: {request_id}")
        kind = Unreachable if self.status in _TRY_AGAIN else APIError
        return kind(text, *details)

    def _kind(self) -> str:
        return self.headers.get("content-type") or "an unnamed type"


def path_of(*segments: str) -> str:
    """Return a path of percent-encoded segments; `.` and `..` too, because servers remove those."""
    return "".join(f"/{_encoded(segment)}" for segment in segments)


def _encoded(segment: str) -> str:
    if not segment.strip("."):
        return segment.replace(".", "%2E")
    # Arguments hold bytes that are not UTF-8 in this way.
    return quote(segment, safe="", errors="surrogateescape")
