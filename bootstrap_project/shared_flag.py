"""A fact that all processes of one server know at once: a byte of memory that workers inherit when they are forked."""

from __future__ import annotations

import mmap


class SharedFlag:
    """Something that is so, or is not, for this process and for all that are forked from it."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, 1)

    def __bool__(self) -> bool:
        return self._page[0] == 1

    def note(self, is_so: bool) -> bool:
        """Remember whether it is so, and tell whether that is news; to two processes in the same instant it may be."""
        is_news = bool(self) != is_so
        self._page[0] = is_so
        return is_news
