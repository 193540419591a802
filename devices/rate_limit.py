"""Rate limits of failures in this process: what a flood of wrong keys may cost, without locking out the right one.

Only failures take tokens, and a key that its digest shows to be right never needs one: neighbours behind the same
address cannot lock a device out. What the tokens decide is

- whether a failure is answered 403 or 429, for unknown external ids and wrong keys alike (docs/contract.md#k12);
- whether a slow hash is worked out at all, where nothing cheaper can decide.

The latter has tokens of its own. Failures that cost microseconds do not take them, so that a flood of them does not
keep an imported row, behind the same address, from its first call.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import Lock
from typing import Final

from django.conf import settings

from bootstrap_project.wsgi_middleware.client_address import rate_limit_key
from devices.errors import TooManyFailures

#: Keys that one limit remembers; beyond them the one that was used longest ago is forgotten, and has all tokens again.
MAX_KEYS: Final = 20_000


class RateLimit:
    """Tokens by key, all of one rate; bounded, and safe under threads.

    A key is remembered by the one moment at which it has all its tokens again.
    Source: the generic cell rate algorithm (ITU-T I.371), which equals a token bucket.
    """

    def __init__(
        self,
        burst: float,
        per_second: float,
        *,
        max_keys: int = MAX_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Give each key `burst` tokens at once and `per_second` in the long run; 0 of them are none at all."""
        self._token_seconds = 1 / per_second if per_second else math.inf
        self._tolerance = (burst - 1) * self._token_seconds
        self._max_keys = max_keys
        self._clock = clock
        self._lock = Lock()
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, key: str) -> float:
        """Return in how many seconds `key` has a token; 0 when it has one."""
        now = self._clock()
        return self._missing(self._full_at.get(key, now), now)

    def spend(self, key: str) -> float:
        """Take a token of `key` and return 0, or take none and return as `wait` does.

        Cost: a microsecond; one uncontended lock.
        """
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at.get(key, now), now)
            missing = self._missing(full_at, now)
            if missing:
                return missing
            self._full_at[key] = full_at + self._token_seconds
            self._full_at.move_to_end(key)
            if len(self._full_at) > self._max_keys:
                self._full_at.popitem(last=False)
            return 0.0

    def refund(self, key: str) -> None:
        with self._lock:
            if key in self._full_at:
                self._full_at[key] -= self._token_seconds

    def _missing(self, full_at: float, now: float) -> float:
        # Rounded, lest the last token of a burst be lost to the last bit of a float.
        return max(0.0, round(full_at - self._tolerance - now, 6))


class Reservation:
    """What a slow check costs if it fails, taken before it; refunded unless `failed` is set."""

    def __init__(self) -> None:
        self.failed = False


class FailureLimits:
    """The limits of failures: of a source, of a device at a source, and of a source where a failure cost a hash.

    The second is for endpoints where an answer says more than whether a key is right: guesses at one device are slow
    there (docs/contract.md#k32). Their calls name the `external_id`; others give None.
    """

    def __init__(self, *, by_source: RateLimit, by_device: RateLimit, slow: RateLimit) -> None:
        self._by_source = by_source
        self._by_device = by_device
        self._slow = slow

    def count(self, source: str, external_id: str | None, *, was_reserved: bool = False) -> int:
        """Count a wrong key or an unknown external id; `was_reserved` says that `reserve` has counted most of it.

        Return 0, or for how many seconds there were too many, so that 429 is the answer instead of 403.
        """
        who = rate_limit_key(source)
        if was_reserved:
            return math.ceil(self._by_source.spend(who))
        # Where slow checks are refused, all failures are, lest the difference reveal that a row exists.
        wait = max(self._by_source.spend(who), self._slow.wait(who))
        if not wait and external_id is not None:
            # Not asked for what is limited already: nothing about the device is found out any more.
            wait = self._by_device.spend(_device_key(external_id, who))
        return math.ceil(wait)

    def require(self, source: str, external_id: str | None) -> None:
        """Make sure that a slow check would find its tokens now, and take none.

        Raises: TooManyFailures.
        """
        wait = max(limit.wait(key) for limit, key in self._slow_keys(source, external_id))
        if wait:
            raise TooManyFailures(retry_after=math.ceil(wait))

    @contextmanager
    def reserve(self, source: str, external_id: str | None) -> Iterator[Reservation]:
        """Take what a failed slow check costs for the block, and refund it unless the check failed.

        In advance, since several checks of one caller may be under way at once.
        Raises: TooManyFailures.
        """
        reservation = Reservation()
        with ExitStack() as refunds:
            for limit, key in self._slow_keys(source, external_id):
                wait = limit.spend(key)
                if wait:
                    raise TooManyFailures(retry_after=math.ceil(wait))
                refunds.callback(limit.refund, key)
            yield reservation
            if reservation.failed:
                refunds.pop_all()

    def _slow_keys(self, source: str, external_id: str | None) -> list[tuple[RateLimit, str]]:
        who = rate_limit_key(source)
        by_device = [] if external_id is None else [(self._by_device, _device_key(external_id, who))]
        return [(self._slow, who), *by_device]


@cache
def failure_limits() -> FailureLimits:
    """Return this process's limits, made from the settings at the first call."""
    return FailureLimits(
        by_source=RateLimit(*settings.SOURCE_FAILURES),
        by_device=RateLimit(*settings.DEVICE_FAILURES),
        slow=RateLimit(*settings.SLOW_FAILURES),
    )


def _device_key(external_id: str, who: str) -> str:
    # An id may have 1,024 characters, and thousands of keys are remembered.
    text = f"{who}\0{external_id}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()
