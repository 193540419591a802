"""Limits on failures: what a flood of wrong keys may cost, without locking out a device that has the right one.

Only failures take tokens, and a key that its digest shows to be right is never asked for one: neighbours behind the
same address cannot lock a device out. What the tokens decide is

- whether a failure is answered 403 or 429, for unknown external ids and wrong keys alike (contract K12);
- whether a slow hash is worked out at all, where nothing cheaper can decide.

The latter has a bucket of its own. Failures that cost microseconds don't empty it, so that a flood of them does not
keep an imported row, behind the same address, from its first call.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bootstrap_project.wsgi_middleware.client_address import rate_limit_key
from devices.buckets import LocalBuckets
from devices.errors import TooManyFailures

#: Sources whose failures are limited that a process remembers; far more than can flood it.
MOST_LIMITED: Final = 1000


class Prepaid:
    """A slow check whose failure is paid for; set `failed` when it did fail, lest it be given back."""

    def __init__(self) -> None:
        self.failed = False


class Limits:
    """The three buckets: failures of a source, of a device at a source, and failures of a source that cost a hash."""

    def __init__(self, *, by_source: LocalBuckets, by_device: LocalBuckets, slow: LocalBuckets) -> None:
        self._by_source = by_source
        self._by_device = by_device
        self._slow = slow
        self._limited_until: OrderedDict[str, float] = OrderedDict()

    def is_limited(self, source: str) -> bool:
        """Tell whether the last failure of `source` in this process was one too many, and another one would be now.

        Cost: nothing while no source is limited.
        """
        if not self._limited_until:
            return False
        who = rate_limit_key(source)
        until = self._limited_until.get(who)
        if until is None or time.monotonic() < until:
            return until is not None
        self._limited_until.pop(who, None)
        return False

    def count_failure(self, external_id: str | None, source: str, *, slow: bool = False) -> int:
        """Count a wrong key or an unknown external id; `slow` says that `paid_in_advance` has counted most of it.

        Return 0, or for how many seconds there were too many, so that 429 is the answer instead of 403.
        """
        who = rate_limit_key(source)
        # Where slow checks are refused, all failures are, lest the difference tell that a row exists.
        wait = max(self._by_source.take(who), 0.0 if slow else self._slow.wait(who))
        if wait:
            self._remember(who, wait)
        if not wait and external_id is not None and not slow:
            # Not asked for what is limited already: nothing about the device is found out any more.
            wait = self._by_device.take(_key(external_id, who))
        return math.ceil(wait)

    def _remember(self, who: str, wait: float) -> None:
        # Threads may cross here; what that can cost is one more or one less of what is remembered.
        self._limited_until.pop(who, None)
        self._limited_until[who] = time.monotonic() + wait
        if len(self._limited_until) > MOST_LIMITED:
            self._limited_until.popitem(last=False)

    @contextmanager
    def paid_in_advance(self, external_id: str | None, source: str) -> Iterator[Prepaid]:
        """Take what a failure costs for the block, and give it back unless the check failed.

        In advance, since several checks of one caller may be under way at once.
        Raises: TooManyFailures.
        """
        who = rate_limit_key(source)
        taken: list[tuple[LocalBuckets, str]] = []
        check = Prepaid()
        pairs = [(self._slow, who)]
        if external_id is not None:
            pairs.append((self._by_device, _key(external_id, who)))
        try:
            for buckets, key in pairs:
                wait = buckets.take(key)
                if wait:
                    raise TooManyFailures(retry_after=math.ceil(wait))
                taken.append((buckets, key))
            yield check
        finally:
            if not check.failed:
                for buckets, key in taken:
                    buckets.give_back(key)


def _key(external_id: str, source: str) -> str:
    # An id may have 1,024 characters, and 20,000 of them are kept.
    text = f"{source}\0{external_id}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()
