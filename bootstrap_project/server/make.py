"""Whether `make serve` was interrupted: GNU make leaves SIGINT to its children's terminal, and waits for them."""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from pathlib import Path

_INTERRUPT_BIT = 1 << (signal.SIGINT - 1)


def make_that_started_us() -> int | None:
    """Return the process id of the `make` that waits for us, where there is one that can be interrupted."""
    parent = os.getppid()
    with suppress(OSError):
        if Path(f"/proc/{parent}/comm").read_text().strip() == "make" and not was_interrupted(parent):
            return parent
    return None


def was_interrupted(make: int) -> bool:
    """Tell whether a `make` had a SIGINT: it catches no second one from then on."""
    with suppress(OSError):
        caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{make}/status").read_text(), re.MULTILINE)
        return caught is not None and not int(caught[1], 16) & _INTERRUPT_BIT
    return False
