"""How long the program takes to start: `python -m tests.cli.startup`; the target is 0.2 s."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from tests.cli.conftest import ROOT, clean_environment

TARGET_SECONDS = 0.2
LINES = {
    "help": ["--help"],
    "mistake": ["bootstrap", "remove"],
    "call": ["bootstrap", "get", "all", "domain", "token", "--bootstrap-url", "http://127.0.0.1:9"],
}


def measure(argv: list[str], *, runs: int = 15) -> float:
    """Return the median time of one run in seconds, the interpreter's own start included."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "bootstrap_project.cli", *argv],
            cwd=ROOT,
            env=clean_environment(),
            capture_output=True,
            check=False,
        )
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> int:
    """Print a line for each kind of start and return 1 when one is above the target."""
    slow = 0
    for name, argv in LINES.items():
        seconds = measure(argv)
        slow += seconds > TARGET_SECONDS
        sys.stdout.write(f"magistrala-cli, {name}: {seconds * 1000:.0f} ms (target {TARGET_SECONDS * 1000:.0f} ms)\n")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
