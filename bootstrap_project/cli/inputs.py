"""Where values come from: the argument itself, `@file`, or `-` for standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO, Any, NamedTuple

from click import UsageError

from bootstrap_project.documents.encodings import foreign_encoding


class Document(NamedTuple):
    """A JSON argument: the bytes as they were written, and their value."""

    body: bytes
    value: Any


class StandardInput:
    """Standard input, which is either one document or lines of secrets."""

    def __init__(self) -> None:
        self._stream = sys.stdin
        self._use = ""

    def everything(self) -> bytes:
        """Return all of standard input, once."""
        self._claim("document")
        try:
            return self._bytes().read()
        except OSError as error:
            raise UsageError(f"standard input cannot be read: {error.strerror}") from error

    def secret(self, name: str) -> str:
        """Return a secret: asked for without echo on a terminal, the next line elsewhere."""
        self._claim("secret")
        if self._stream is not None and self._stream.isatty():
            import getpass  # noqa: PLC0415 - for prompts alone.

            try:
                return getpass.getpass(f"{name}: ")
            except EOFError:
                return ""
        return self._bytes().readline().decode("utf-8", "surrogateescape").rstrip("\r\n")

    def _claim(self, use: str) -> None:
        if self._use and (self._use, use) != ("secret", "secret"):
            raise UsageError("standard input can be read for one argument only; use @file or a variable for the other")
        self._use = use

    def _bytes(self) -> IO[bytes]:
        if self._stream is None:
            raise UsageError("there is no standard input")
        return self._stream.buffer


def read_bytes(argument: str, stdin: StandardInput) -> bytes:
    """Return the content of an argument: `@file`, `-`, or its own text in UTF-8; raises UsageError."""
    if argument == "-":
        return stdin.everything()
    if argument.startswith("@"):
        return read_file(argument[1:])
    return argument.encode("utf-8", "surrogateescape")


def read_file(name: str) -> bytes:
    """Return a file's content; raises UsageError."""
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name or 'the file after @'} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError("that is no name of a file") from error


def read_text(argument: str, name: str, stdin: StandardInput) -> str:
    """Return an argument's text; raises UsageError when it is not UTF-8."""
    return decode(read_bytes(argument, stdin), f"<{name}>")


def decode(body: bytes, name: str) -> str:
    """Return the text in `body` without the byte order mark that some editors put before it.

    Raises: UsageError, also for UTF-16 and UTF-32 by their names.
    """
    if encoding := foreign_encoding(body):
        raise UsageError(f"{name} is {encoding}; save it as UTF-8")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not UTF-8 text") from None


def read_json(argument: str, name: str, kind: type, stdin: StandardInput) -> Document:
    """Return a JSON argument whose value is a `kind`: dict for an object, list for an array.

    Raises: UsageError that names the place and repeats nothing of it.
    """
    text = decode(read_bytes(argument, stdin), f"<{name}>")
    hint = "" if argument[:1] in {"-", "@"} else "; quote it for the shell, or use @file"
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"<{name}> is not JSON: {error.msg} in line {error.lineno}, column {error.colno}{hint}"
        ) from None
    except ValueError as error:
        raise UsageError(f"<{name}> is not JSON: {error}") from None
    except RecursionError:
        raise UsageError(f"<{name}> is nested too deeply") from None
    if not isinstance(value, kind):
        raise UsageError(f"<{name}> is to be {'an object' if kind is dict else 'an array'} in JSON")
    return Document(text.encode(), value)


def _no_constant(name: str) -> None:
    raise ValueError(f"it has no {name}")


def _integer(text: str) -> int | str:
    # Python refuses to read numbers of thousands of digits; the service may say what it thinks of them.
    return int(text) if len(text) < 1000 else text
