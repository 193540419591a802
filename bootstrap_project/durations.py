"""Durations as commands take them: `90s`, `30m`, `24h`, `7d`, `8w`."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from typing import Final

_DURATION: Final = re.compile(r"([0-9]{1,9})([smhdw])")
_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
#: Longer ones mean the same, and calendars end somewhere.
MAX_DURATION: Final = timedelta(days=36_500)


def parse_duration(text: str) -> timedelta:
    """Return the duration that `text` spells, a hundred years at the most.

    Raises: ArgumentTypeError, which argparse shows beside the option's name.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age; write 90s, 30m, 24h, 7d or 8w")
    number, unit = int(match[1]), _UNITS[match[2]]
    return MAX_DURATION if number > MAX_DURATION // unit else number * unit
