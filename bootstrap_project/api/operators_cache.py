"""What the platform said lately, kept in memory for a short time."""

from __future__ import annotations

import hmac
import os
from collections import OrderedDict
from threading import Lock
from typing import Final, Generic, TypeVar

CACHE_SIZE: Final = 10_000

Value = TypeVar("Value")


class DecisionCache(Generic[Value]):
    """Answers about a token and a domain, under a digest of both that only this process can make."""

    def __init__(self, size: int = CACHE_SIZE) -> None:
        """Hold at most `size` answers; the one that was used least recently goes first."""
        self._size = size
        self._key = os.urandom(32)
        self._lock = Lock()
        self._answers: OrderedDict[bytes, tuple[float, Value]] = OrderedDict()

    def tag(self, token: str, domain_id: str) -> bytes:
        """Return what stands for the pair; neither part can be read from it."""
        domain = domain_id.encode(errors="surrogatepass")
        return hmac.digest(self._key, len(domain).to_bytes(4, "big") + domain + token.encode(), "sha256")

    def get(self, tag: bytes, now: float) -> Value | None:
        with self._lock:
            known = self._answers.get(tag)
            if known is None:
                return None
            if known[0] <= now:
                del self._answers[tag]
                return None
            self._answers.move_to_end(tag)
            return known[1]

    def put(self, tag: bytes, value: Value, expires: float) -> None:
        with self._lock:
            self._answers[tag] = (expires, value)
            self._answers.move_to_end(tag)
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)

    def discard(self, tag: bytes) -> None:
        with self._lock:
            self._answers.pop(tag, None)

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()
