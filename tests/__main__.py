"""The suite on a real PostgreSQL (`make test`, `python -m tests`); with `--slow` or `--all` in front, more of it.

Without either, tests marked `slow` are left out, and so is the pass on SQLite. `--slow` runs just these two, `--all`
everything. Whatever the arguments name is run, slow or not, on both databases where it is for both.

Other arguments go to pytest, in both passes. TEST_DATABASE_URL names a PostgreSQL to use instead of starting one. Each
pass runs in as many processes as the machine has cores, in one when the arguments name tests; `-n` says how many.
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
#: Options that choose a few tests.
_CHOOSING = ("-k", "-m", "--lf", "--last-failed", "--sw", "--stepwise")
#: Options that choose a few tests, or need pytest's own terminal.
_FOR_ONE_PROCESS = (*_CHOOSING, "-s", "--pdb", "--trace", "--capture=no")
#: The parts of the suite, as they are announced.
SAID = {"quick": "all tests but the slow ones", "slow": "the slow tests", "all": "all tests"}
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


def names_tests(arguments: Sequence[str]) -> bool:
    """Tell whether the arguments say which tests run: by an option, a file or a folder."""
    return any(one.startswith((*_CHOOSING, "tests/")) for one in arguments)


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


def run(arguments: Sequence[str], part: str) -> int:
    """Run the passes of this part of the suite and return 0 when none failed."""
    started = time.monotonic()
    base = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    base |= provide_chromium(say)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bootstrap-tests-")))
        given = os.environ.get(SERVER_VARIABLE)
        if given:
            say(f"Using the PostgreSQL that {SERVER_VARIABLE} names")
        url = given or stack.enter_context(PostgresServer(say=say)).url
        say(f"On PostgreSQL: {SAID[part]}")
        passes = [run_pass([*arguments, f"--part={part}"], {**base, "DATABASE_URL": url}, folder)]
        if part != "quick":
            say("\nOn SQLite: the journeys, and what is marked for it")
            sqlite = {**base, "DATABASE_URL": f"sqlite:///{folder}/bootstrap.sqlite3"}
            passes.append(run_pass([*arguments, f"--on-sqlite={folder}"], sqlite, folder))
    say(f"\nAll took {time.monotonic() - started:.0f} seconds")
    say(
        f"{sum(one.passed for one in passes)} passed, {sum(one.failed for one in passes)} failed, "
        f"{sum(one.skipped for one in passes)} skipped"
    )
    if part == "quick":
        say("Left out: slow tests, and those on SQLite (make test-slow runs them, make test-all everything)")
    first, *others = (one.exit_code for one in passes)
    # A choice of tests may leave none for SQLite; a whole run may not.
    harmless = {0, NOTHING_COLLECTED} if arguments else {0}
    return first or next((code for code in others if code not in harmless), 0)


def choose_part(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Return the part of the suite that is asked for, and the arguments that are pytest's."""
    rest = [one for one in arguments if one not in {"--slow", "--all"}]
    if "--slow" in arguments:
        return "slow", rest
    return ("all" if "--all" in arguments or names_tests(rest) else "quick"), rest


def _stop(_number: int, _frame: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def main() -> int:
    """Run what is asked for; whatever was started is stopped however this ends."""
    signal.signal(signal.SIGTERM, _stop)
    # A shell's background job ignores Ctrl-C and hands that on; the programs under test must be able to receive it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        part, arguments = choose_part(sys.argv[1:])
        return run(arguments, part)
    except PostgresError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
