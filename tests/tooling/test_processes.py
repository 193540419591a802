"""A run: which tests are in it, in how many processes, and whose turn it is in them."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.__main__ import choose_part, count_cores, share_out
from tests.support.passes import long_ones_first
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
#: Tests that write down when they begin and end, and take long enough to meet others.
TESTS = """
import os, time
import pytest

def go_on(kind):
    with open(os.environ["TURNS_LOG"], "a") as log:
        print("begin", kind, file=log, flush=True)
        time.sleep(0.05)
        print("end", kind, file=log, flush=True)

@pytest.mark.parametrize("number", range(20))
def test_anything(number):
    go_on("anything")

@pytest.mark.alone
@pytest.mark.parametrize("number", range(6))
def test_alone(number):
    go_on("alone")

@pytest.mark.turns("name")
@pytest.mark.parametrize("number", range(6))
def test_turns(number):
    go_on("turns")
"""


@dataclass(frozen=True, eq=False)
class Item:
    """What is looked at of a test."""

    is_slow: bool

    def get_closest_marker(self, name: str) -> str | None:
        return name if self.is_slow else None


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "quick"),
        (["-x", "-n", "2", "--durations=9"], "quick"),
        (["--slow"], "slow"),
        (["--slow", "tests/server"], "slow"),
        (["--all", "-v"], "all"),
        (["tests/server"], "all"),
        (["tests/server/test_stops.py::test_one"], "all"),
        (["-k", "name"], "all"),
        (["-m", "slow"], "all"),
    ],
    ids=str,
)
def test_slow_tests_are_left_out_where_nobody_names_them(arguments, part):
    assert choose_part(arguments) == (part, [one for one in arguments if one not in {"--slow", "--all"}])


def test_each_part_has_its_tests(tmp_path):
    (tmp_path / "test_parts.py").write_text(
        "import pytest\ndef test_quick(): pass\ndef test_quick_too(): pass\n@pytest.mark.slow\ndef test_slow(): pass\n"
    )

    assert [passed(tmp_path, f"--part={part}") for part in ("quick", "slow", "all")] == [2, 1, 3]


def passed(folder: Path, *options: str) -> int:
    """How many tests of a folder pass with the options of the runner's plugin."""
    tally = folder / "tally.json"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.support.passes", f"--tally={tally}", *options),
            *("-p", "no:django", "-c", os.devnull, f"--rootdir={folder}", f"--confcutdir={folder}", str(folder)),
        ],
        cwd=ROOT,
        env=inherited,
        capture_output=True,
        check=True,
    )
    return int(json.loads(tally.read_text())["passed"])


def test_what_a_change_must_pass_is_every_test():
    assert "\nstep make test-all\n" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["tests/admin/test_site.py"],
        ["tests/admin/test_site.py::test_one[a-b]", "-x"],
        ["-k", "name"],
        ["-kname"],
        ["-m", "sqlite"],
        ["tests/admin", "-s"],
        ["--pdb"],
        ["--lf"],
    ],
    ids=" ".join,
)
def test_named_tests_run_in_one_process(arguments):
    assert share_out(arguments) == []


@pytest.mark.parametrize(
    "arguments", [[], ["-x"], ["tests/admin"], ["--maxfail=3", "-q", "--durations=9"]], ids=" ".join
)
def test_the_whole_suite_or_a_folder_runs_in_several(arguments):
    assert "--dist=worksteal" in share_out(arguments)


@pytest.mark.parametrize(
    ("limit", "cores"), [("max 100000\n", 16), ("200000 100000\n", 2), ("20000 100000\n", 1), ("9900000 100000\n", 16)]
)
def test_a_container_has_the_cores_that_it_may_use(monkeypatch, tmp_path, limit, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(16)), raising=False)
    (tmp_path / "cpu.max").write_text(limit)

    assert count_cores(tmp_path / "cpu.max") == cores
    assert count_cores(tmp_path / "nothing") == 16


def test_turns_are_kept_between_processes(tmp_path):
    (tmp_path / "test_turns.py").write_text(TESTS)
    log = tmp_path / "log"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}

    options = ["-p", "tests.support.turns", f"--turns={tmp_path}", "-p", "no:django", "-n3", "--dist=worksteal"]
    elsewhere = ["-c", os.devnull, f"--rootdir={tmp_path}", f"--confcutdir={tmp_path}", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *elsewhere],
        cwd=ROOT,
        env=inherited | {"TURNS_LOG": str(log)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    running: list[str] = []
    most = 0
    for line in log.read_text().splitlines():
        word, kind = line.split()
        if word == "end":
            running.remove(kind)
            continue
        running.append(kind)
        most = max(most, len(running))
        assert "alone" not in running or running == ["alone"]
        assert running.count("turns") <= 1
    assert most > 1


def test_no_two_processes_find_the_same_port(monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    found = []
    for number in range(3):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{number}")
        found.append({free_port() % 3 for _ in range(20)})

    assert all(len(one) == 1 for one in found)
    assert len(set.union(*found)) == 3


@pytest.mark.parametrize("processes", [2, 3, 8])
@pytest.mark.parametrize("number", [0, 1, 7, 300])
def test_slow_tests_are_begun_first_and_none_is_lost(processes, number):
    items: list[Any] = [Item(is_slow=True) for _ in range(number)]
    items += [Item(is_slow=False) for _ in range(100)]

    ordered: Any = long_ones_first(items, processes)

    assert sorted(map(id, ordered)) == sorted(map(id, items))
    if number <= 7:
        part = len(items) / processes
        # The parts' edges lie between two tests.
        places = [divmod(index + 1, part) for index, item in enumerate(ordered) if item.is_slow]
        assert all(which % 2 == 0 and place <= number + 1 for which, place in places)
