"""Token buckets: how often something may happen, kept in this process or shared through Django's cache."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Final, Protocol, TypeVar

from django.core.cache import BaseCache

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Buckets that are kept; beyond them the one that was used longest ago is forgotten, which is to say full again.
MAX_BUCKETS: Final = 20_000
#: How long a cache that failed is left alone.
CACHE_PAUSE_SECONDS: Final = 5.0


class Buckets(Protocol):
    """One bucket of tokens for each key, all of one rate."""

    def wait(self, key: str) -> float:
        """Return in how many seconds `key` has a token; 0 when it has one."""

    def take(self, key: str) -> float:
        """Take a token of `key` and return 0, or take none and return as `wait` does."""

    def give_back(self, key: str) -> None:
        """Undo a `take`."""


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


class SharedBuckets:
    """Buckets over all processes that share a cache: two counters a key, of this period and the one before.

    Caches count atomically and do no more than that, so this is a sliding window, and a token bucket's equal to within
    what happens between a look and a count. While the cache fails, this process's own buckets decide.
    Cost: two round trips to the cache.
    """

    def __init__(self, name: str, burst: float, per_second: float, *, shared: BaseCache, fallback: Buckets) -> None:
        """Keep the counters of `name` in `shared`."""
        self._name = name
        self._burst = burst
        self._period = burst / per_second
        self._cache = shared
        self._fallback = fallback
        self._paused_until = 0.0

    def wait(self, key: str) -> float:
        """Return in how many seconds `key` has a token; 0 when it has one."""
        return self._guarded(lambda: self._wait(key), lambda: self._fallback.wait(key))

    def take(self, key: str) -> float:
        """Take a token of `key` and return 0, or take none and return as `wait` does."""
        return self._guarded(lambda: self._take(key), lambda: self._fallback.take(key))

    def give_back(self, key: str) -> None:
        """Undo a `take`."""
        self._guarded(lambda: self._give_back(key), lambda: self._fallback.give_back(key))

    def _wait(self, key: str) -> float:
        now, before, passed = self._names(key)
        found = self._cache.get_many([now, before])
        used, fading = float(found.get(now, 0)), float(found.get(before, 0))
        over = used + fading * (1 - passed) + 1 - self._burst
        if over <= 0:
            return 0.0
        rest = 1 - passed
        return self._period * (min(over / fading, rest) if fading else rest)

    def _take(self, key: str) -> float:
        missing = self._wait(key)
        if not missing:
            name = self._names(key)[0]
            self._cache.add(name, 0, timeout=2 * self._period + 1)
            self._cache.incr(name)
        return missing

    def _give_back(self, key: str) -> None:
        self._cache.decr(self._names(key)[0])

    def _names(self, key: str) -> tuple[str, str, float]:
        # The clock that all processes share.
        number, passed = divmod(time.time() / self._period, 1)
        head = f"bootstrap.limit.{self._name}.{key}"
        return f"{head}.{int(number)}", f"{head}.{int(number) - 1}", passed

    def _guarded(self, shared: Callable[[], _T], local: Callable[[], _T]) -> _T:
        if time.monotonic() < self._paused_until:
            return local()
        try:
            return shared()
        except ValueError:  # The counter ran out between two steps.
            return local()
        except _cache_errors() as error:
            self._paused_until = time.monotonic() + CACHE_PAUSE_SECONDS
            logger.warning(
                "cache does not answer; each process limits for itself", extra={"error": type(error).__name__}
            )
            return local()


@cache
def _cache_errors() -> tuple[type[Exception], ...]:
    if importlib.util.find_spec("redis") is None:
        return (OSError,)
    return (OSError, importlib.import_module("redis.exceptions").RedisError)
