"""How many refused calls are kept: enough to see what went on, too few to fill a disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Final

#: How many seconds' worth of refusals may be kept at once after a quiet time.
BURST_SECONDS: Final = 100


class RowLimit:
    """A token bucket over rows: `per_second` in the long run, a hundred times that at once.

    Cost: under a microsecond, one uncontended lock; no memory per caller.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = monotonic) -> None:
        self._per_second = per_second
        self._most = per_second * BURST_SECONDS
        self._left = self._most
        self._clock = clock
        self._filled = clock()
        self._lock = threading.Lock()

    def admit(self) -> bool:
        """Tell whether one more row may be kept, and count it."""
        with self._lock:
            now = self._clock()
            self._left = min(self._most, self._left + (now - self._filled) * self._per_second)
            self._filled = now
            if self._left < 1:
                return False
            self._left -= 1
            return True
