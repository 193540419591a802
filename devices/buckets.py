"""Token buckets: how often something may happen, kept in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

#: Buckets that are kept; beyond them the one that was used longest ago is forgotten, which is to say full again.
MAX_BUCKETS: Final = 20_000


class LocalBuckets:
    """Buckets in this process; bounded, and safe under threads.

    A bucket is the one moment at which it will be full: taking a token moves it by the time that a token needs.
    Source: the generic cell rate algorithm (ITU-T I.371), which equals a token bucket.
    """

    def __init__(
        self,
        burst: float,
        per_second: float,
        *,
        capacity: int = MAX_BUCKETS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold `burst` tokens a bucket, refilled by `per_second`."""
        self._token_seconds = 1 / per_second
        self._full_seconds = burst / per_second
        self._capacity = capacity
        self._clock = clock
        self._lock = Lock()
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: str) -> float:
        """Return in how many seconds `key` has a token; 0 when it has one."""
        full_at = self._full_at.get(key)
        return 0.0 if full_at is None else self._missing(full_at, self._clock())

    def take(self, key: str) -> float:
        """Take a token of `key` and return 0, or take none and return as `wait` does."""
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at.get(key, now), now)
            missing = self._missing(full_at, now)
            if missing:
                return missing
            self._full_at[key] = full_at + self._token_seconds
            self._full_at.move_to_end(key)
            if len(self._full_at) > self._capacity:
                self._full_at.popitem(last=False)
            return 0.0

    def give_back(self, key: str) -> None:
        """Undo a `take`."""
        with self._lock:
            full_at = self._full_at.get(key)
            if full_at is None:
                return
            full_at -= self._token_seconds
            if full_at > self._clock():
                self._full_at[key] = full_at
            else:
                del self._full_at[key]

    def _missing(self, full_at: float, now: float) -> float:
        # Rounded, lest the last token of a burst be lost to the last bit of a float.
        return max(0.0, round(full_at + self._token_seconds - self._full_seconds - now, 6))
