"""Log lines: one JSON object each, without secrets; free of Django, so that the server process can use it too."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from json import dumps
from pathlib import PurePath
from typing import Any
from uuid import UUID

from bootstrap_project.observability.request_id import current_request_id

REDACTED = "[redacted]"

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request_id"}
# Django attaches the request itself to its records: headers, query string and all.
_DROPPED = frozenset({"request", "server_time"})

_SECRET_WORDS = frozenset(
    {
        *("authorization", "auth", "bearer", "jwt", "token", "tokens", "cookie", "cookies", "csrf", "session"),
        *("password", "passwords", "passwd", "pwd", "passphrase", "secret", "secrets", "credential", "credentials"),
        *("key", "keys", "apikey", "sessionid", "pepper", "peppers", "hash", "digest", "pem", "dsn"),
        *("content", "contents", "body", "rendered", "snapshot", "snapshots"),
    }
)
# What only describes a secret may be shown: `content_type`, `key_id`, `token_count`.
_HARMLESS_ENDINGS = frozenset({"id", "ids", "type", "format", "count", "length", "size", "status", "method", "version"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# The platform failed (502, 504), the database or we ourselves have no room (503).
_EXPECTED = frozenset({502, 503, 504})

_MAX_DEPTH = 6
_MAX_ITEMS = 100
_MAX_TEXT = 8192


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    """Return whether a member of this name must not be logged; `externalKey` and `external_key` are alike."""
    words = [word.lower() for word in _WORD.findall(name)]
    # The id of a session is the secret itself.
    if not words or (words[-1] in _HARMLESS_ENDINGS and "session" not in words):
        return False
    return not _SECRET_WORDS.isdisjoint(words)


def redact(value: object, depth: int = 0) -> Any:
    """Return `value` as JSON can hold it, with the members of secret names hidden at every depth.

    Shape: an object of any other type becomes the name of its class, since its text may hold anything.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return redact(value.value, depth)
    if isinstance(value, str):
        return value[:_MAX_TEXT] + "…" if len(value) > _MAX_TEXT else str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return _redact_container(value, depth)
    if isinstance(value, (UUID, date, Decimal, PurePath)):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    return f"<{type(value).__name__}>"


def _redact_container(
    value: Mapping[Any, Any] | list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any], depth: int
) -> Any:
    # The limit on depth also ends a container that holds itself.
    if depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        members = list(value.items())[:_MAX_ITEMS]
        return {str(name): _redact_member(str(name), member, depth + 1) for name, member in members}
    return [redact(item, depth + 1) for item in list(value)[:_MAX_ITEMS]]


def _redact_member(name: str, value: object, depth: int) -> Any:
    return REDACTED if is_secret_name(name) else redact(value, depth)


def _extras(record: logging.LogRecord) -> dict[str, Any]:
    return {
        name: _redact_member(name, value, 0)
        for name, value in record.__dict__.items()
        if name not in _STANDARD and name not in _DROPPED
    }


def _request_id(record: logging.LogRecord) -> str:
    own = getattr(record, "request_id", None)
    return own if isinstance(own, str) else current_request_id()


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request_id, what was passed in `extra`, exception.

    Shape: ASCII only, so no character of a value can end the line; a value that JSON cannot hold is described instead.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of `record`, whatever was put into it."""
        try:
            return dumps(self._members(record))
        except Exception as error:  # noqa: BLE001 - A line that cannot be written must not take a request down, nor be lost.
            line = {
                "time": _time(record),
                "level": record.levelname,
                "logger": record.name,
                "message": "log record cannot be formatted",
                "template": record.msg[:_MAX_TEXT] if isinstance(record.msg, str) else "",
                "request_id": current_request_id(),
                "place": f"{record.pathname.rpartition('/')[2]}:{record.lineno}",
                "error": type(error).__name__,
            }
            return dumps(line)

    def _members(self, record: logging.LogRecord) -> dict[str, Any]:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := _request_id(record):
            line["request_id"] = request_id
        for name, value in _extras(record).items():
            # An extra never replaces what the line itself says.
            line[f"{name}_" if name in line else name] = value
        exception = _exception_text(self, record)
        if exception:
            line["exception"] = exception
        return line


class TextFormatter(logging.Formatter):
    """The same members as a line for people: time, level, logger, message, then name=value pairs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of `record`; only a traceback takes more lines."""
        # One line a record even where a message holds line ends.
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        pairs = _extras(record)
        if request_id := _request_id(record):
            pairs["request_id"] = request_id
        data = "".join(f" {name}={_plain(value)}" for name, value in pairs.items())
        exception = _exception_text(self, record)
        return f"{_time(record)} {record.levelname:<7} {record.name}: {message}{data}" + (
            f"\n{exception}" if exception else ""
        )


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and re.fullmatch(r"[\w./:<>-]+", value) else dumps(value)


def _exception_text(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    parts = []
    if record.exc_info and record.exc_info[0] is not None:
        parts.append(formatter.formatException(record.exc_info))
    elif record.exc_text:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(record.stack_info)
    return "\n".join(parts)


class RefusalFilter(logging.Filter):
    """Turns the error and traceback of a request that Django refuses into a warning of one line.

    Django has one logger for each kind of refusal, and a filter on their common parent would not see their records.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record of a refused request, and pass it where warnings are wanted."""
        if not record.name.startswith("django.security."):
            return True
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
        return logging.getLogger(record.name).isEnabledFor(logging.WARNING)


class ExpectedFilter(logging.Filter):
    """Drops Django's records of answers that report a failure outside: the request's own line has its reason."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the record of a bug pass."""
        return getattr(record, "status_code", 500) not in _EXPECTED


def logging_config(level: str, json: bool) -> dict[str, Any]:
    """Return the value of Django's LOGGING, which also fits granian's `--log-config` as a JSON file.

    Shape: `level` is debug, info, warn, warning, error or critical, in any case; all lines go to standard error.
    Raises: ValueError for another level.
    """
    threshold = _LEVELS.get(level.strip().lower())
    if threshold is None:
        raise ValueError(f"The log level must be one of {', '.join(_LEVELS)}, not {level!r}.")

    def at_least(minimum: int) -> dict[str, Any]:
        # Naming a logger here removes the handlers that Django or granian gave it, so that it writes each line once.
        return {"level": max(threshold, minimum), "propagate": True}

    formatter = "JsonFormatter" if json else "TextFormatter"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "refusal": {"()": f"{__name__}.RefusalFilter"},
            "expected": {"()": f"{__name__}.ExpectedFilter"},
        },
        "formatters": {"line": {"()": f"{__name__}.{formatter}"}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "line",
                # Anyone can cause these, for example with a host that is not allowed, so a filter shortens them.
                "filters": ["refusal"],
            }
        },
        "root": {"handlers": ["console"], "level": threshold},
        "loggers": {
            # Below that are database statements with their parameters.
            "django": at_least(logging.INFO),
            # Our own line a request says all but the traceback; a refusal is not worth a second one.
            "django.request": at_least(logging.ERROR) | {"filters": ["expected"]},
            "django.server": at_least(logging.WARNING),
            # Below that are addresses with their queries.
            "urllib3": at_least(logging.WARNING),
            # It would repeat an outage, which has its own line, and say each request's connection.
            "psycopg.pool": at_least(logging.ERROR),
            "_granian": at_least(logging.INFO),
            "granian.access": at_least(logging.WARNING),
        },
    }
