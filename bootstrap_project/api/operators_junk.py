"""Tokens that are no good: remembered for a moment, so that the platform is not asked about the same one again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from bootstrap_project.api.operators_cache import CACHE_SIZE, DecisionCache
from bootstrap_project.magistrala.errors import Unauthorized

#: How long the platform's refusal of a token stands.
REFUSED_SECONDS: Final = 10.0
#: So many different tokens that the platform refused, from one source within a minute, make it a source of junk.
MAX_REFUSED: Final = 20
WINDOW_SECONDS: Final = 60.0


class JunkTokens:
    """Refused tokens, under digests that only this process can make, and the sources that send many of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: DecisionCache[tuple[str, int | None]] = DecisionCache()
        #: By source: when its minute began, and how many tokens of it were refused since.
        self._sources: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def refuse(self, token: str, error: Unauthorized, source: str, now: float) -> None:
        """Remember that the platform does not accept `token`, which came from `source` ("": unknown)."""
        tag = self._refused.tag(token, "")
        self._refused.put(tag, (error.message, error.status), now + REFUSED_SECONDS)
        if not source:
            return
        with self._lock:
            begun, count = self._sources.pop(source, (now, 0))
            self._sources[source] = (now, 1) if now - begun >= WINDOW_SECONDS else (begun, count + 1)
            while len(self._sources) > CACHE_SIZE:
                self._sources.popitem(last=False)

    def refusal(self, token: str, now: float) -> Unauthorized | None:
        """Return what the platform said of `token` a moment ago, if it refused it."""
        known = self._refused.get(self._refused.tag(token, ""), now)
        return None if known is None else Unauthorized(known[0], service="domains", status=known[1])

    def floods(self, source: str, now: float) -> bool:
        """Return whether `source` has sent many tokens lately that were no good.

        Others may come from the same address, so this is no reason to refuse what may be good: only to leave the
        platform alone with what cannot be.
        """
        with self._lock:
            begun, count = self._sources.get(source, (now, 0))
        return count >= MAX_REFUSED and now - begun < WINDOW_SECONDS

    def clear(self) -> None:
        self._refused.clear()
        with self._lock:
            self._sources.clear()
