"""Tasks that exist for tests."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bootstrap_project.errors import BootstrapError
from bootstrap_project.runs.progress import Progress
from bootstrap_project.runs.tasks import background


@background
def count(progress: Progress) -> dict[str, Any]:
    """Count up to a number, a line in a file for each step; slowly where that is asked for."""
    wanted = progress.parameters
    for number in range((progress.position or 0) + 1, wanted["to"] + 1):
        with Path(wanted["file"]).open("a") as file:
            file.write(f"{number}\n")
        progress.report(number, position=number)
        time.sleep(wanted.get("pause", 0))
        if number == wanted.get("refuse_at"):
            raise BootstrapError("no more", "there are only so many numbers")
        if number == wanted.get("break_at"):
            raise ValueError("secret-of-the-code")
    return {"counted": wanted["to"]}
