"""Which known name somebody may have meant: a guess for a message, and never worth much time."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

#: Longer names are neither guessed nor offered; people misspell what they can read.
MAX_NAME_LENGTH: Final = 64
#: Of more candidates the first ones are compared.
MAX_CANDIDATES: Final = 100
#: What all guesses of one message or one list may cost together: letters of the one name times letters of the other,
#: for each pair that is compared. Enough for some 600 pairs of usual names, and for two dozen of the longest.
MAX_WORK: Final = 96 * 1024
_CLOSE: Final = 0.6
# What is done for a pair before its letters are compared in order, as work.
_LOOK: Final = 16


class Suggestions:
    """Guesses that share one budget: when it is used up there are no more, and nothing fails for it.

    Comparing two names takes time that grows with the square of their length and worse, so names and candidates are
    bounded, and so is the work of all guesses together.
    """

    __slots__ = ("_has_time", "work")

    def __init__(self, has_time: Callable[[], bool] | None = None, *, work: int = MAX_WORK) -> None:
        """Guess as long as there is `work` left and `has_time`, which is asked between two pairs, says so."""
        self._has_time = has_time
        self.work = work

    def closest(self, name: str, candidates: Iterable[str]) -> str | None:
        """Return the candidate that is most like `name`; None where none is close, or the budget is used up.

        Source: difflib.get_close_matches, with its measure and its threshold.
        """
        if not name or len(name) > MAX_NAME_LENGTH or self.work <= 0:
            return None
        matcher = difflib.SequenceMatcher()
        matcher.set_seq2(name)
        best, found = _CLOSE, None
        for candidate in islice(candidates, MAX_CANDIDATES):
            if len(candidate) > MAX_NAME_LENGTH:
                continue
            self.work -= _LOOK
            matcher.set_seq1(candidate)
            if matcher.real_quick_ratio() < best or matcher.quick_ratio() < best:
                continue
            self.work -= len(name) * len(candidate)
            if self.work < 0 or (self._has_time is not None and not self._has_time()):
                self.work = min(self.work, 0)
                break
            ratio = matcher.ratio()
            if ratio > best or (ratio == best and (found is None or candidate > found)):
                best, found = ratio, candidate
        return found
