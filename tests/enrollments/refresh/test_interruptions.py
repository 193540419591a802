"""Runs that are stopped, killed, or met by others; as programs, on a database that all of them see."""

from __future__ import annotations

import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from bootstrap_project.magistrala.credential import reset_credential
from bootstrap_project.magistrala.sandbox import seed
from enrollments.models import BindingSnapshot
from enrollments.refresh.run import PAGE
from tests.support.refresh import Ended, SmallFleet, ended, make_fleet, needs_a_file, refresh, start
from tests.support.sandbox import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.sqlite]
WAIT_SECONDS = 30.0
#: A page and a little.
FLEET = PAGE + 20


@pytest.fixture(autouse=True)
def prepared(sandbox: SandboxProcess, settings: Any) -> Iterator[None]:
    needs_a_file()
    settings.SERVICE_TOKEN = sandbox.pat()[0]
    reset_credential()
    yield
    reset_credential()


@pytest.fixture
def running() -> Iterator[list[subprocess.Popen[str]]]:
    """Programs that are killed in the end if they still run."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


def some_are_written() -> bool:
    return BindingSnapshot.objects.exclude(snapshot={}).exists()


def written_by_config(fleet: SmallFleet) -> list[list[bool]]:
    found: dict[Any, list[bool]] = {config.pk: [] for config in fleet.configs}
    for config_id, snapshot in BindingSnapshot.objects.values_list("config_id", "snapshot"):
        found[config_id].append(bool(snapshot))
    return list(found.values())


def hold_second_page(sandbox: SandboxProcess, fleet: SmallFleet, seconds: float) -> None:
    """Let the platform be slow with what the first config of the second page binds."""
    bound = fleet.stored(fleet.by_id()[PAGE])["mqtt_client"].resource_id
    sandbox.faults({"kind": "slow", "seconds": seconds, "match": {"resource_id": bound}})


def test_a_killed_run_leaves_every_config_whole_and_can_be_repeated(sandbox, running):
    fleet = make_fleet(sandbox, FLEET)
    hold_second_page(sandbox, fleet, 20.0)
    process = start(sandbox, "--all", "--json", "--workers", "8", MG_READ_TIMEOUT_SECONDS="60")
    running.append(process)
    wait_until(some_are_written)

    process.send_signal(signal.SIGKILL)
    process.communicate()
    sandbox.faults()

    state = written_by_config(fleet)
    halves = [one for one in state if one not in ([True, True], [False, False])]
    assert halves == []
    assert [True, True] in state
    assert [False, False] in state
    # The database lets go of what the killed one held as soon as it has noticed.
    wait_until(lambda: refresh("--all").code == 0)
    assert all(one == [True, True] for one in written_by_config(fleet))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on(sandbox, running, how):
    fleet = make_fleet(sandbox, FLEET)
    hold_second_page(sandbox, fleet, 1.5)
    process = start(sandbox, "--all", "--json", "--workers", "8")
    running.append(process)
    wait_until(some_are_written)

    process.send_signal(how)
    first = ended(process)
    sandbox.faults()

    assert first.code == 1
    assert "Interrupted." in first.err
    assert "Traceback" not in first.err
    [command] = [line.partition(": ")[2] for line in first.err.splitlines() if line.startswith("To go on: ")]
    words = shlex.split(command)
    assert words[:2] == ["manage.py", "refresh_bindings"]
    done = first.outcomes()
    assert 0 < len(done) < FLEET
    assert sum(one == [True, True] for one in written_by_config(fleet)) == len(done)
    rest = refresh(*words[2:])
    assert rest.code == 0
    assert len(rest.outcomes()) + len(done) == FLEET
    assert not done.keys() & rest.outcomes().keys()
    assert all(one == [True, True] for one in written_by_config(fleet))


def held_up(
    sandbox: SandboxProcess, running: list[subprocess.Popen[str]], *arguments: str, seconds: float
) -> subprocess.Popen[str]:
    """Start a run that waits for the platform."""
    sandbox.faults({"kind": "slow", "seconds": seconds})
    sandbox.forget_calls()
    process = start(sandbox, *arguments, MG_READ_TIMEOUT_SECONDS="60")
    running.append(process)
    wait_until(lambda: sandbox.report()["most_in_flight"] > 0)
    sandbox.faults()
    return process


def catches(process: subprocess.Popen[str], number: signal.Signals) -> bool:
    """Tell whether the program has a handler of its own for a signal."""
    [mask] = [
        line.split()[1] for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "SigCgt" in line
    ]
    return bool(int(mask, 16) >> (number - 1) & 1)


@contextmanager
def stopped(process: subprocess.Popen[str]) -> Iterator[None]:
    """Let a run stand still, with all that it holds, for as long as it takes to look."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def test_two_runs_on_the_same_fleet_exclude_each_other(sandbox, running):
    fleet = make_fleet(sandbox, 3)
    other = make_fleet(sandbox, 2, domain_id=seed.OTHER_DOMAIN_ID)
    process = held_up(sandbox, running, "--domain", seed.DOMAIN_ID, seconds=1.0)

    with stopped(process):
        refused = [
            refresh("--domain", seed.DOMAIN_ID),
            refresh("--all"),
            refresh("--profile", str(fleet.profile.pk)),
            refresh("--config", str(fleet.configs[0].pk)),
        ]
        elsewhere = refresh("--domain", seed.OTHER_DOMAIN_ID, "--json")

    if connection.vendor == "postgresql":
        # The operator has no rights there, which is why these fail; what counts is that the run was let in.
        assert elsewhere.outcomes().keys() == {str(config.pk) for config in other.configs}
    else:
        refused.append(elsewhere)
    assert {(one.code, "another run refreshes this fleet" in one.err) for one in refused} == {(3, True)}
    assert ended(process).code == 0
    assert refresh("--all", "--domain", seed.DOMAIN_ID).code == 0


def test_a_run_on_everything_keeps_out_runs_on_one_domain(sandbox, running):
    make_fleet(sandbox, 3)
    process = held_up(sandbox, running, "--all", seconds=1.0)

    with stopped(process):
        assert refresh("--domain", seed.DOMAIN_ID).code == 3
    assert ended(process).code == 0


def test_a_killed_run_holds_nothing(sandbox, running):
    make_fleet(sandbox, 3)
    process = held_up(sandbox, running, "--all", seconds=30.0)

    process.kill()
    process.communicate()

    def free() -> bool:
        return refresh("--all").code == 0

    wait_until(free)


def test_the_second_signal_ends_at_once_without_a_traceback(sandbox, running):
    make_fleet(sandbox, 3)
    # Longer than we wait for anything: whoever waited for the platform would not end.
    process = held_up(sandbox, running, "--all", seconds=10 * WAIT_SECONDS)

    process.send_signal(signal.SIGINT)
    # Two that arrive at once are one; the first gives up the program's own handling of both.
    wait_until(lambda: not catches(process, signal.SIGTERM))
    process.send_signal(signal.SIGINT)
    end: Ended = ended(process)

    assert end.code == 1
    assert "every config is as it was, or whole" in end.err


def test_a_reader_that_leaves_ends_the_run_and_is_told_of(sandbox, running):
    make_fleet(sandbox, 600, clients=5)
    process = start(sandbox, "--all", "--json")
    running.append(process)
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.close()
    said = process.stderr.read()

    assert process.wait(WAIT_SECONDS) == 141
    assert "The reader of the output went away." in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
