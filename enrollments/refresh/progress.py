"""How far a run is: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Final, Protocol

from tqdm import tqdm

LINE_SECONDS: Final = 5.0
_FORMAT: Final = (
    "[{bar:24}] {n:,} of {total:,} configs ({percentage:.0f}%), {rate_noinv_fmt}, {remaining} left{postfix}"
)


class Stream(Protocol):
    """What progress is written to."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...

    def isatty(self) -> bool: ...


class _Bar(tqdm):  # type: ignore[type-arg]
    #: No thread that looks after bars: this one is drawn again with each config.
    monitor_interval = 0


class Progress:
    """Shows counts on `stream`; `update` is cheap and may be called for every config."""

    def __init__(self, stream: Stream, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._bar: _Bar | None = None
        self._line = (clock(), 0)

    def update(self, done: int, total: int, failed: int) -> None:
        """Show how far it is, unless that was done a moment ago."""
        broken = f"{failed:,} failed" if failed else ""
        if self._terminal:
            if self._bar is None:
                self._bar = _bar(self._stream, total)
            self._bar.postfix = broken
            self._bar.update(done - self._bar.n)
            return
        since, before = self._line
        now = self._clock()
        if now - since < LINE_SECONDS:
            return
        self._line = (now, done)
        rate = (done - before) / (now - since)
        left = duration((total - done) / rate) if rate else "?"
        share = f"{100 * done // total}%" if total else "0%"
        words = [f"{done:,} of {total:,} configs ({share})", f"{rate:,.0f}/s", f"{left} left", broken]
        self._stream.write(f"{', '.join(filter(None, words))}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the bar away, so that something else can be written in its place."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        """Take the bar away for good."""
        if self._bar is not None:
            self._bar.close()


def _bar(stream: Stream, total: int) -> _Bar:
    columns = shutil.get_terminal_size().columns - 1
    return _Bar(
        total=total, file=stream, leave=False, miniters=1, ncols=columns, unit="", ascii="-#", bar_format=_FORMAT
    )


def duration(seconds: float) -> str:
    """Return 1:02:03, or 2:03 below an hour."""
    return str(tqdm.format_interval(round(seconds))).removeprefix("0")
