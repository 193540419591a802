"""The id that ties an answer, its log lines and an operator's question together; free of Django."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar, Token

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{8,64}")
_current: ContextVar[str] = ContextVar("bootstrap_request_id", default="")


def new_request_id() -> str:
    """Return a fresh id of 32 hexadecimal digits."""
    return os.urandom(16).hex()


def accept_request_id(candidate: str | None) -> str:
    """Return the caller's id when it is safe to log and to echo, otherwise a fresh one.

    Shape: 8 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen; so it can neither break a header nor forge a log line.
    """
    if candidate and _ACCEPTABLE.fullmatch(candidate):
        return candidate
    return new_request_id()


def current_request_id() -> str:
    """Return the id of the request that this thread is serving, or "" outside a request.

    A thread started by a request sees it only when run in `contextvars.copy_context()`.
    """
    return _current.get()


def enter_request(request_id: str) -> Token[str]:
    """Make `request_id` the current one; hand the result to `leave_request`."""
    return _current.set(request_id)


def leave_request(token: Token[str]) -> None:
    """Put back the id that was current before `enter_request`."""
    _current.reset(token)
