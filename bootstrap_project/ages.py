"""Ages as commands take them: `90s`, `30m`, `24h`, `7d`, `8w`."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta
from typing import Final

_AGE: Final = re.compile(r"([0-9]{1,9})([smhdw])")
_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
#: Longer ones mean the same, and calendars end somewhere.
LONGEST: Final = timedelta(days=36_500)


def read_age(text: str) -> timedelta:
    """Return the age that `text` spells, a hundred years at the most.

    Raises: ArgumentTypeError, which argparse shows beside the option's name.
    """
    match = _AGE.fullmatch(text.strip().lower())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age; write 90s, 30m, 24h, 7d or 8w")
    number, unit = int(match[1]), _UNITS[match[2]]
    return LONGEST if number > LONGEST // unit else number * unit
