"""Who called lately and was answered well: a process's memory of callers, bounded, of hashes alone."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

#: Callers that are remembered, some 150 bytes each; beyond them the one that called longest ago is forgotten.
CAPACITY: Final = 20_000


class Acquaintances:
    """Callers, by a hash of who they are; safe under threads. Two with the same hash pass for each other."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Know nobody."""
        self._capacity = capacity
        self._lock = Lock()
        self._known: OrderedDict[int, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, caller: int) -> bool:
        return caller in self._known

    def note(self, caller: int, *, well: bool) -> None:
        """Remember a caller that was answered `well`, and forget one that was not."""
        with self._lock:
            if not well:
                self._known.pop(caller, None)
                return
            self._known[caller] = None
            self._known.move_to_end(caller)
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)
