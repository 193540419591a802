"""How far a run is: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Final, Protocol

LINE_SECONDS: Final = 5.0
BAR_SECONDS: Final = 0.1
_BAR_WIDTH: Final = 24
#: Speed is that of the last seconds, since a run's beginning fetches most and so is slowest.
_WINDOW_SECONDS: Final = 10.0


class Stream(Protocol):
    """What progress is written to."""

    def write(self, text: str, /) -> object:
        """Take text."""

    def flush(self) -> object:
        """Show it."""

    def isatty(self) -> bool:
        """Tell whether people watch."""


class Progress:
    """Shows counts on `stream`; `update` is cheap and may be called for every config."""

    def __init__(self, stream: Stream, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._next = clock() + (0.0 if self._terminal else LINE_SECONDS)
        self._marks: list[tuple[float, int]] = [(clock(), 0)]
        self._shown = False

    def update(self, done: int, total: int, failed: int) -> None:
        """Show how far it is, unless that was done a moment ago."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + (BAR_SECONDS if self._terminal else LINE_SECONDS)
        text = self._text(now, done, total, failed)
        if not self._terminal:
            self._stream.write(f"{text}\n")
        else:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r\x1b[K{f'{_bar(done, total)} {text}'[:width]}")
            self._shown = True
        self._stream.flush()

    def clear(self) -> None:
        """Take the bar away, so that something else can be written in its place."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False

    def _text(self, now: float, done: int, total: int, failed: int) -> str:
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[1][0] >= _WINDOW_SECONDS:
            del self._marks[0]
        since, before = self._marks[0]
        rate = (done - before) / (now - since) if now > since else 0.0
        share = f"{100 * done // total}%" if total else "0%"
        left = duration((total - done) / rate) if rate > 0 else "?"
        broken = f", {failed:,} failed" if failed else ""
        return f"{done:,} of {total:,} configs ({share}), {rate:,.0f}/s, {left} left{broken}"


def _bar(done: int, total: int) -> str:
    filled = _BAR_WIDTH * done // total if total else 0
    return f"[{'#' * filled}{'-' * (_BAR_WIDTH - filled)}]"


def duration(seconds: float) -> str:
    """Return 1:02:03, or 2:03 below an hour."""
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
