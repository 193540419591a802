"""The whole suite: on a real PostgreSQL first, then its journeys on SQLite (`make test`, `python -m tests`).

Arguments go to pytest, in both passes. TEST_DATABASE_URL names a PostgreSQL to use instead of starting one. Each pass
runs in as many processes as the machine has cores, in one when the arguments name tests; `-n` says how many instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.browser import provide_chromium
from tests.support.postgres import PostgresError, PostgresServer

ROOT = Path(__file__).resolve().parents[1]
SERVER_VARIABLE = "TEST_DATABASE_URL"
NOTHING_COLLECTED = 5
#: Beyond this, the databases and servers that each process starts for itself cost more than it brings.
MOST_PROCESSES = 8
#: Options that choose a few tests, or need pytest's own terminal.
_FOR_ONE_PROCESS = ("-k", "-m", "-s", "--lf", "--last-failed", "--sw", "--stepwise", "--pdb", "--trace", "--capture=no")
#: Settings of the caller's own service must not change what is tested.
_NOT_INHERITED = ("MG_", "DJANGO_", "DATABASE_URL", "PROMETHEUS_MULTIPROC_DIR")


def say(text: str) -> None:
    """Print one line at once, so that it stands before what pytest prints."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Outcome:
    """What one pass came to."""

    exit_code: int
    passed: int
    failed: int
    skipped: int


def share_out(arguments: Sequence[str]) -> list[str]:
    """Return the options that run a pass in several processes; none where a few tests would wait for their start."""
    if any(one.startswith(_FOR_ONE_PROCESS) or one.partition("::")[0].endswith(".py") for one in arguments):
        return []
    # One for each core. A process that has done its tests takes over some of another's.
    return [f"--numprocesses={min(count_cores(), MOST_PROCESSES)}", "--dist=worksteal"]


def count_cores(limit: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Return how many cores we may use: a container sees all of the machine's, and may have the time of a few."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = limit.read_text(encoding="ascii").split()
        cores = min(cores, max(1, round(int(quota) / int(period))))
    return cores


def run_pass(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> Outcome:
    """Run pytest once and return its outcome; Ctrl-C is pytest's to handle, and we wait for it."""
    tally = folder / "tally.json"
    tally.unlink(missing_ok=True)
    # Options and their values in one word: pytest looks for its settings beside every word that is a path.
    options = ["-p", "tests.support.passes", f"--tally={tally}", "-p", "tests.support.turns", f"--turns={folder}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *share_out(arguments), *arguments],
        cwd=ROOT,
        env=dict(environment),
    )
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise
    except BaseException:
        process.terminate()
        process.wait()
        raise
    counts = json.loads(tally.read_text(encoding="utf-8")) if tally.exists() else {}
    return Outcome(
        exit_code=code,
        passed=counts.get("passed", 0) + counts.get("xpassed", 0),
        failed=counts.get("failed", 0) + counts.get("error", 0),
        skipped=counts.get("skipped", 0) + counts.get("xfailed", 0),
    )


def run(arguments: Sequence[str]) -> int:
    """Run both passes and return 0 when neither failed."""
    started = time.monotonic()
    base = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    base |= provide_chromium(say)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bootstrap-tests-")))
        given = os.environ.get(SERVER_VARIABLE)
        if given:
            say(f"Using the PostgreSQL that {SERVER_VARIABLE} names")
        url = given or stack.enter_context(PostgresServer(say=say)).url
        say("First pass: the whole suite on PostgreSQL")
        first = run_pass(arguments, {**base, "DATABASE_URL": url}, folder)
        say("\nSecond pass: the journeys, and what is marked for it, on SQLite")
        sqlite = {**base, "DATABASE_URL": f"sqlite:///{folder}/bootstrap.sqlite3"}
        second = run_pass([*arguments, f"--on-sqlite={folder}"], sqlite, folder)
    say(f"\nBoth passes took {time.monotonic() - started:.0f} seconds")
    passes = (first, second)
    say(
        f"{sum(one.passed for one in passes)} passed, {sum(one.failed for one in passes)} failed, "
        f"{sum(one.skipped for one in passes)} skipped"
    )
    # A choice of tests may leave none for SQLite; a whole run may not.
    harmless = {0, NOTHING_COLLECTED} if arguments else {0}
    return first.exit_code or (0 if second.exit_code in harmless else second.exit_code)


def _stop(_number: int, _frame: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def main() -> int:
    """Run the suite; whatever was started is stopped however this ends."""
    signal.signal(signal.SIGTERM, _stop)
    # A shell's background job ignores Ctrl-C and hands that on; the programs under test must be able to receive it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return run(sys.argv[1:])
    except PostgresError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
