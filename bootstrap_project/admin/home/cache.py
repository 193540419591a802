"""Remembers what took long to find out, for as long as it is worth."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

_T = TypeVar("_T")

#: What takes less than this is found out anew each time, in seconds.
CHEAP: Final = 0.05
#: For how many times its cost something is kept, so that no more than a twentieth of the time goes into it.
WORTH: Final = 20
MIN_AGE_SECONDS: Final = 5.0
MAX_AGE_SECONDS: Final = 120.0
_MAX_KEPT: Final = 256


@dataclass(slots=True)
class _Entry:
    value: Any
    until: float
    is_renewed: bool = False


class Memo:
    """Values of this process, by key; while one caller renews a value, others get the old one.

    It is kept in the process and not in a shared cache, which would be one more thing that a page can fail of.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        # A new lock too: in a forked process, the old one may be held by a thread that is not there.
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """Return the value of `key`, made by `make` where none is remembered."""
        started = self._clock()
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                if started < entry.until or entry.is_renewed:
                    value: _T = entry.value
                    return value
                entry.is_renewed = True
        try:
            made = make()
        except BaseException:
            # Whatever it was: an entry that says that it is being renewed would stay as it is for ever.
            with self._lock:
                self._entries.pop(key, None)
            raise
        ended = self._clock()
        with self._lock:
            self._entries.pop(key, None)
            if ended - started >= CHEAP:
                keep = min(MAX_AGE_SECONDS, max(MIN_AGE_SECONDS, WORTH * (ended - started)))
                self._entries[key] = _Entry(made, ended + keep)
                while len(self._entries) > _MAX_KEPT:
                    self._entries.popitem(last=False)
        return made


memo: Final = Memo()
os.register_at_fork(after_in_child=memo.clear)
