"""Requests' bodies, read whole before anything else: a peer that stops in the middle keeps nobody else waiting."""

from __future__ import annotations

import io
import threading
from contextlib import suppress
from typing import Any, Final

from bootstrap_project.peers import stop_listening_to

#: How long a body may take to arrive, as upstream's (contract H.3).
BODY_SECONDS: Final = 15.0
#: The largest body that is read at all, several times what any page or call takes.
MOST_BYTES: Final = 8 * 1024 * 1024
#: How many bodies are read at once in a process, and how long another one waits for its turn.
AT_ONCE: Final = 64
SLOT_SECONDS: Final = 1.0
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_PIECE: Final = 64 * 1024


class BrokenOff(io.RawIOBase):
    """A body that did not arrive: whoever reads it is told, as Django tells of a connection that ended."""

    def readable(self) -> bool:
        """Take part in reading, to say that there is nothing to read."""
        return True

    def read(self, _size: int = -1) -> bytes:
        """Raise OSError."""
        raise OSError("the body broke off")

    def readline(self, _size: int | None = -1) -> bytes:
        """Raise OSError."""
        raise OSError("the body broke off")


class TooMany(Exception):
    """So many bodies are under way that another one would have to wait."""


class Bodies:
    """Reads bodies, not more than so many at once: peers that stall them take nobody else's thread."""

    def __init__(self, *, at_once: int = AT_ONCE, seconds: float = BODY_SECONDS) -> None:
        self._slots = threading.BoundedSemaphore(at_once)
        self._seconds = seconds

    def read(self, environ: dict[str, Any]) -> bool:
        """Replace the stream in `environ` by the whole body, and return whether it arrived.

        One that stops in the middle, or takes too long, becomes `BrokenOff`; one that is too large for everything
        becomes an empty one, whose announced length is refused. The connection has to be closed then.
        Raises: TooMany.
        Cost: a thread for requests that have a body, since a read from the server cannot be given up.
        """
        length = _length(environ)
        if length == 0:
            return True
        if length is not None and length > MOST_BYTES:
            environ["wsgi.input"] = io.BytesIO()
            return False
        if not self._slots.acquire(timeout=SLOT_SECONDS):
            raise TooMany
        body = _Body(environ["wsgi.input"], MOST_BYTES if length is None else length, self._slots)
        if not body.arrived.wait(self._seconds):
            # The server gives no read up before the connection ends.
            stop_listening_to(environ.get("REMOTE_ADDR", ""), silent_for=self._seconds - 1)
            body.arrived.wait(1)
        content = body.content
        if content is None or length not in {None, len(content)}:
            environ["wsgi.input"] = BrokenOff()
            return False
        environ["wsgi.input"] = io.BytesIO(content)
        return True


class _Body:
    """A body on its way; `content` is None until `arrived`, and after a failure."""

    def __init__(self, stream: Any, most: int, slots: threading.BoundedSemaphore) -> None:
        self.content: bytes | None = None
        self.arrived = threading.Event()
        self._slots = slots
        threading.Thread(target=self._read, args=(stream, most), name="request-body", daemon=True).start()

    def _read(self, stream: Any, most: int) -> None:
        # What a server raises when the peer has gone, each in its own way.
        with suppress(Exception):
            self.content = _read(stream, most)
        self._slots.release()
        self.arrived.set()


def _length(environ: dict[str, Any]) -> int | None:
    """Return how long the body says it is; None for one that comes in chunks."""
    # Django takes `post` for POST, and would wait for its body.
    if environ.get("REQUEST_METHOD", "").upper() not in _WITH_BODY:
        return 0
    text = environ.get("CONTENT_LENGTH") or ""
    if not text and "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    return int(text) if text.isascii() and text.isdigit() else 0


def _read(stream: Any, most: int) -> bytes:
    pieces, size = [], 0
    while size < most and (piece := stream.read(min(_PIECE, most - size))):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)
