"""Who called lately and was answered well: a process's memory of callers, bounded, of hashes alone."""

from __future__ import annotations

from typing import Final

#: Callers that are remembered, some 100 bytes each.
CAPACITY: Final = 20_000


class Acquaintances:
    """Callers, by a hash of who they are; safe under threads. Two with the same hash pass for each other.

    They are kept in two generations: when the younger one is half of what there may be, the older one is forgotten.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Know nobody."""
        self._half = capacity // 2
        self._younger: set[int] = set()
        self._older: set[int] = set()

    def __len__(self) -> int:
        return len(self._younger | self._older)

    def __contains__(self, caller: int) -> bool:
        return caller in self._younger or caller in self._older

    def note(self, caller: int, *, well: bool) -> None:
        """Remember a caller that was answered `well`, and forget one that was not."""
        if not well:
            self._younger.discard(caller)
            self._older.discard(caller)
            return
        if len(self._younger) >= self._half:
            self._older, self._younger = self._younger, set()
        self._younger.add(caller)
