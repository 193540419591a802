"""Everything that is printed: documents, `ok`, ids and errors, for people and for programs."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from typing import IO, Any, Final

from bootstrap_project.cli import pretty
from bootstrap_project.cli.errors import BadResponse

_ERROR, _END = "\x1b[31;1m", "\x1b[0m"
#: A shorter secret may be a part of any word.
_MIN_MASKED_LENGTH: Final = 6


class Output:
    """Standard output and standard error, in UTF-8 whatever the locale says.

    `raw` leaves out what is for people: blank lines, indentation and colours.
    """

    def __init__(self) -> None:
        self._out = _in_utf8(sys.stdout)
        self._err = _in_utf8(sys.stderr)
        self._plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        self._secrets: list[str] = []
        self.raw = False

    def hide(self, secret: str) -> None:
        """Never show `secret` in an error."""
        if len(secret) >= _MIN_MASKED_LENGTH:
            self._secrets.append(secret)

    def document(self, value: Any) -> None:
        """Print JSON: two spaces a level, members sorted; raises BadResponse for what is nested too deeply."""
        if self.raw:
            before, pieces, after = "", pretty.compact(value), "\n"
        else:
            before, pieces, after = "\n", pretty.indented(value, colour=self._coloured(self._out)), "\n\n"
        self._write((before,))
        try:
            self._write(pieces)
        except RecursionError:
            raise BadResponse("the answer is nested too deeply to be printed") from None
        self._write((after,))

    def done(self) -> None:
        self._framed("ok")

    def created(self, name: str) -> None:
        """Print the id of a new config."""
        self._framed(name if self.raw else f"created: {name}")

    def usage(self, pattern: str) -> None:
        self._framed(f"usage: {pattern}")

    def text(self, text: str) -> None:
        self._write((text,))

    def note(self, text: str) -> None:
        """Print a line on standard error."""
        self._complain(_shown(text) + "\n")

    def error(self, message: str, *details: str) -> None:
        """Print an error and its details on standard error."""
        first, last = (_ERROR, _END) if self._coloured(self._err) else ("", "")
        lines = [f"{first}error: {_shown(self._masked(message))}{last}"]
        for detail in details:
            lines.extend(f"  {_shown(line)}" for line in self._masked(detail).splitlines())
        self._complain("\n".join(lines) + "\n")

    def flush(self) -> None:
        """Write what is still buffered; raises OSError."""
        if self._out is not None:
            self._out.flush()

    def abandon(self) -> None:
        """Give up standard output, so that the interpreter does not fail when it flushes it at the end."""
        try:
            descriptor = self._out.fileno() if self._out is not None else -1
        except (OSError, ValueError):
            return
        if descriptor == 1:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)

    def _framed(self, text: str) -> None:
        self._write((f"{_shown(text)}\n",) if self.raw else (f"\n{_shown(text)}\n\n",))

    def _write(self, pieces: Iterable[str]) -> None:
        if self._out is None:
            raise OSError(errno.EBADF, "standard output is closed")
        self._out.writelines(pieces)

    def _complain(self, text: str) -> None:
        if self._err is None:
            return
        try:
            self._err.write(text)
            self._err.flush()
        except OSError:
            # There is no reader any more.
            return

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _coloured(self, stream: IO[str] | None) -> bool:
        return stream is not None and not (self._plain or self.raw) and stream.isatty()


def _in_utf8(stream: IO[str] | None) -> IO[str] | None:
    """Make a stream write UTF-8; half a surrogate pair becomes the escape that JSON has for it."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="backslashreplace")
    return stream


def _shown(text: str) -> str:
    """Return `text` with control characters escaped."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
