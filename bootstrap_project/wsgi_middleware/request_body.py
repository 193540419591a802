"""Requests' bodies, read whole before anything else: a peer that stops in the middle keeps nobody else waiting.

A read from the server cannot be given up, and a request must not end before it: the server would wait for it with the
interpreter in its hand. So whoever waits for a body that does not come holds the thread and the connection of its own
request, until its peer sends something or goes away: no place, no connection to the database, no turn.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Final

#: How long a body may take to arrive, as upstream's (docs/contract.md#h3); looked at whenever a part of it comes.
BODY_SECONDS: Final = 15.0
#: How many bytes of bodies a process holds, arrived or arriving, until their requests are answered.
MAX_BYTES_AT_ONCE: Final = 64 * 1024 * 1024
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_MAX_DIGITS: Final = 18
_PIECE: Final = 64 * 1024
#: How much of a refused body is read and dropped: more than any upload that somebody makes by mistake.
MAX_DISCARDED_BYTES: Final = 32 * 1024 * 1024


class BrokenOff(io.RawIOBase):
    """A body that did not arrive: whoever reads it is told, as Django tells of a connection that ended."""

    def readable(self) -> bool:
        """Take part in reading, to say that there is nothing to read."""
        return True

    def read(self, _size: int = -1) -> bytes:
        raise OSError("the body broke off")

    def readline(self, _size: int | None = -1) -> bytes:
        raise OSError("the body broke off")


class TooLarge(Exception):
    """A body that says that it is larger than may be read."""


class TooMany(Exception):
    """So many bytes of bodies are held that there is no room for this one."""


def announced_length(environ: dict[str, Any]) -> int | None:
    """Return how long the body says it is, 0 where there is none to read; None for one that comes in chunks."""
    # Django takes `post` for POST, and would wait for its body.
    if environ.get("REQUEST_METHOD", "").upper() not in _WITH_BODY:
        return 0
    text = environ.get("CONTENT_LENGTH") or ""
    if not text and "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    if not (text.isascii() and text.isdigit()):
        return 0
    # Python reads no number of thousands of digits.
    return int(text) if len(text) <= _MAX_DIGITS else 10**_MAX_DIGITS


def discarding(answer: Iterable[bytes], stream: Any) -> Iterator[bytes]:
    """Yield `answer`, then read and drop what its peer still sends, within bounds.

    A connection that is closed with bytes unread is reset, and the reset overtakes the answer: a peer that sends before
    it reads, as nginx does, would report a broken connection instead of what it was refused for.
    """
    yield from answer
    end = monotonic() + BODY_SECONDS
    left = MAX_DISCARDED_BYTES
    # What a server raises when the peer has gone, each in its own way.
    with suppress(Exception):
        while left > 0 and monotonic() < end and (piece := stream.read(_PIECE)):
            left -= len(piece)


class Bodies:
    """Reads bodies; those that stall cost their senders alone. There is one for each process."""

    def __init__(self, *, seconds: float = BODY_SECONDS, most_bytes: int = MAX_BYTES_AT_ONCE) -> None:
        self._seconds = seconds
        self._room = _Room(most_bytes)

    @contextmanager
    def received(self, environ: dict[str, Any], *, most: int) -> Iterator[bool]:
        """Replace the stream in `environ` by the whole body for the block, and yield whether all of it was read.

        If not, the connection has to be closed. A body that breaks off, or takes too long, becomes `BrokenOff`. One in
        chunks is read up to the byte that makes it too large, for whoever reads it to see.
        Raises: TooLarge for one that announces more than `most`, before any of it is read; TooMany.
        """
        length = announced_length(environ)
        if length == 0:
            yield True
            return
        if length is not None and length > most:
            raise TooLarge
        body = _Body()
        self._room.enter(body)
        try:
            # What a server raises when the peer has gone, each in its own way.
            with suppress(Exception):
                self._read(body, environ["wsgi.input"], most + 1 if length is None else length)
            size = self._room.settle(body)
            is_whole = body.is_at_end and (size <= most if length is None else size == length)
            if body.content is None or not (is_whole or (length is None and body.is_at_end)):
                environ["wsgi.input"] = BrokenOff()
            else:
                body.content.seek(0)
                environ["wsgi.input"] = body.content
            yield is_whole
        finally:
            self._room.leave(body)

    def _read(self, body: _Body, stream: Any, left: int) -> None:
        end = monotonic() + self._seconds
        while left and (piece := stream.read(min(_PIECE, left))):
            if not self._room.add(body, piece) or monotonic() > end:
                return
            left -= len(piece)
        body.is_at_end = True


class _Body:
    """A body on its way; its content is None when it was dropped, so that others have room."""

    def __init__(self) -> None:
        self.content: io.BytesIO | None = io.BytesIO()
        self.is_at_end = False


class _Room:
    """How many bytes of bodies there are.

    Where there is no room, the body that has been arriving for longest makes some: one that arrives as it should never
    is that, whoever sends others slowly in order to fill the room.
    """

    def __init__(self, most: int) -> None:
        self._left = most
        self._lock = threading.Lock()
        # In the order of arrival.
        self._sizes: dict[_Body, int] = {}

    def enter(self, body: _Body) -> None:
        """Take in a body without any bytes yet."""
        with self._lock:
            self._sizes[body] = 0

    def add(self, body: _Body, piece: bytes) -> bool:
        """Keep one more piece of `body`; tell whether it is wanted any longer."""
        with self._lock:
            while body.content is not None and self._left < len(piece):
                arriving = (one for one, size in self._sizes.items() if size and not one.is_at_end)
                self._drop(next(arriving, body))
            if body.content is None:
                return False
            body.content.write(piece)
            self._sizes[body] += len(piece)
            self._left -= len(piece)
            return True

    def settle(self, body: _Body) -> int:
        """Return how many bytes of `body` there are, which is not dropped from now on.

        Raises: TooMany for one that was dropped.
        """
        with self._lock:
            if body.content is None:
                raise TooMany
            size = self._sizes[body]
            if not body.is_at_end:
                # Nobody will read it.
                self._drop(body)
            return size

    def leave(self, body: _Body) -> None:
        """Keep nothing of `body`, whose request is answered."""
        with self._lock:
            self._drop(body)
            del self._sizes[body]

    def _drop(self, body: _Body) -> None:
        self._left += self._sizes[body]
        self._sizes[body] = 0
        body.content = None
