"""The directory in which worker processes share metrics; standard library only, for their parent's use."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def directory() -> Path | None:
    """Return the directory named by the environment, or None when there is a single process."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def prepare_directory(path: Path) -> None:
    """Make `path` an empty metrics directory, for one server that is about to start its workers.

    Call it once, before the first worker, and never from a worker: it would delete what the others count. Files of
    workers that died stay until then on purpose, for a counter that forgets them would run backwards.
    Raises: OSError.
    """
    path.mkdir(parents=True, exist_ok=True)
    for file in path.glob("*.db"):
        file.unlink(missing_ok=True)
