"""How long what a request says of itself may be, before anything parses it.

Some parsers of Python's library take quadratic time, so that a header of 100 KB costs seconds; the server lets 64 KB
and more through. Headers that nobody parses are left alone.
"""

from __future__ import annotations

from typing import Any, Final

#: Of a line, as nginx has it; Django, the REST framework, WhiteNoise and we parse these.
MAX_CHARACTERS: Final = 8192
TOKEN_TOO_LONG: Final = f"the token is longer than {MAX_CHARACTERS} characters"
_PARSED: Final = (
    "HTTP_ACCEPT",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_AUTHORIZATION",
    "HTTP_COOKIE",
    "HTTP_FORWARDED",
    "HTTP_HOST",
    "HTTP_IF_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_ORIGIN",
    "HTTP_RANGE",
    "HTTP_REFERER",
    "HTTP_TRANSFER_ENCODING",
    "HTTP_USER_AGENT",
    "HTTP_X_CSRFTOKEN",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REQUESTED_WITH",
    "HTTP_X_REQUEST_ID",
)
#: Of a path, decoded: several times the longest external id; of a query, what a page of filters may have.
_ADDRESS: Final = {"PATH_INFO": "path", "QUERY_STRING": "query"}
_BEARER: Final = "bearer "
#: Longer ones name no kind of body that we read, and their parser is the quadratic one.
_MAX_MEDIA_TYPE_LENGTH: Final = 255


def bound_headers(environ: dict[str, Any]) -> tuple[int, str] | None:
    """Return None where everything that is parsed is short enough, otherwise the status that refuses it, and why.

    A Content-Type that is too long becomes none: most requests that carry one have no body, and whoever has one is told
    that its type is not known. A Content-Length that is no number becomes none, too: our server refuses it, but Django
    would make a number of whatever another one lets through.
    Cost: a microsecond.
    """
    length = environ.get("CONTENT_LENGTH")
    if length and not (length.isascii() and length.isdigit()):
        environ["CONTENT_LENGTH"] = ""
    if len(environ.get("CONTENT_TYPE") or "") > _MAX_MEDIA_TYPE_LENGTH:
        environ["CONTENT_TYPE"] = ""
    for name, part in _ADDRESS.items():
        if len(environ.get(name, "")) > MAX_CHARACTERS:
            return 414, f"the {part} is longer than {MAX_CHARACTERS} characters"
    for name in _PARSED:
        if len(environ.get(name, "")) > MAX_CHARACTERS and (detail := _too_long(name, environ[name])):
            return 431, detail
    return None


def _too_long(name: str, value: str) -> str:
    if name == "HTTP_AUTHORIZATION" and value[: len(_BEARER)].lower() == _BEARER:
        # The scheme takes nothing from the token's length.
        return TOKEN_TOO_LONG if len(value) - len(_BEARER) > MAX_CHARACTERS else ""
    header = name.removeprefix("HTTP_").replace("_", "-").title()
    return f"{header} is longer than {MAX_CHARACTERS} characters"
