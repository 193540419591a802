"""`manage.py worker` as a program: work is done, a stop puts it back, a kill loses nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from bootstrap_project.runs import services
from bootstrap_project.runs.models import Run, RunState
from bootstrap_project.runs.worker import RunWorker
from tests.runs.work import count

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]
#: For a starved machine; nothing waits for it to pass.
WAIT_SECONDS = 60.0


@pytest.fixture
def workers() -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start workers; what still runs in the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        database = connection.settings_dict
        address = f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": f"{address}/{database['NAME']}",
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def state(run: Run) -> str:
    run.refresh_from_db()
    return run.state


def counting(folder: Path, to: int, pause: float = 0.0) -> Run:
    parameters = {"to": to, "file": str(folder / "lines"), "pause": pause}
    return services.start(count, title="Counting", actor="ada", total=to, parameters=parameters)


@pytest.mark.slow
def test_a_run_survives_a_killed_worker_and_a_stopped_one(tmp_path, workers):
    run = counting(tmp_path, 40, pause=0.1)
    killed = workers()
    wait_until(lambda: state(run) == RunState.RUNNING and run.done > 3)

    killed.kill()
    killed.wait()
    # Half a minute later.
    Run.objects.update(beat_at=timezone.now() - timedelta(seconds=services.LOST_SECONDS + 1))
    stopped = workers()
    wait_until(lambda: state(run) == RunState.RUNNING and run.starts == 2 and run.done > 8)
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait(WAIT_SECONDS) == 0
    assert state(run) == RunState.WAITING

    workers()
    wait_until(lambda: state(run) == RunState.DONE)

    assert run.result == {"counted": 40}
    done = [int(line) for line in (tmp_path / "lines").read_text().split()]
    # What the killed one had done after its last report is done again, and nothing else; nothing is left out.
    assert sorted(set(done)) == list(range(1, 41))
    assert len(done) <= 40 + 10


def test_an_idle_worker_is_known_and_ends_at_once(workers):
    worker = workers()
    wait_until(services.has_worker)

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(WAIT_SECONDS) == 0

    assert not services.has_worker()
    assert "Traceback" not in worker.communicate()[0]


def test_a_signal_in_the_middle_of_a_statement_leaves_it_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = RunWorker()
    whole: list[bool] = []

    def look_for_lost_ones() -> None:
        worker.shutdown(signal.SIGTERM, None)
        worker.shutdown(signal.SIGTERM, None)
        whole.append(services.has_worker())

    monkeypatch.setattr("bootstrap_project.runs.worker.stopping", threading.Event())
    monkeypatch.setattr(services, "resume_lost", look_for_lost_ones)

    worker.serve()

    assert whole == [True]
    assert not services.has_worker()
