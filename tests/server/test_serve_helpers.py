"""What merely helps the server, its log and its counters, does not take it along when it fails."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest
import requests

from bootstrap_project.observability import multiprocess
from bootstrap_project.server.counters import metrics_directory
from tests.server.workers import workers_of
from tests.support.ports import free_port
from tests.support.server import DEFAULTS, ROOT, ServerProcess
from tests.support.waiting import eventually

#: More lines than a pipe takes, of some 250 bytes each.
CALLS = 600


def is_healthy(url):
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(f"{url}/health", timeout=60).status_code == 200
    return False


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("workers", ["1", "2"])
def test_log_that_nobody_reads_holds_up_neither_answers_nor_the_stop(database, tmp_path, workers):
    port = free_port()
    reading, writing = os.pipe()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DJANGO_"))}
    settings = {"DATABASE_URL": database, "MG_BOOTSTRAP_HTTP_PORT": str(port), "MG_BOOTSTRAP_WORKERS": workers}
    process = subprocess.Popen(
        [sys.executable, "-m", "bootstrap_project.serve"],
        cwd=ROOT,
        env={**inherited, **DEFAULTS, **settings, "TMPDIR": str(tmp_path)},
        stdout=writing,
        stderr=writing,
        start_new_session=True,
    )
    os.close(writing)
    try:
        eventually(partial(is_healthy, f"http://127.0.0.1:{port}"))
        with requests.Session() as session:
            for number in range(CALLS):
                answer = session.get(f"http://127.0.0.1:{port}/nowhere/{number}", timeout=60)
                assert answer.status_code == 404

        process.send_signal(signal.SIGTERM)

        assert process.wait(20) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(reading)
    assert list(tmp_path.glob("bootstrap-metrics-*")) == []


def counted_alone(server):
    """Return how many processes count alone, as the server says; 0 when a killed worker's connection was ours."""
    try:
        text = requests.get(f"{server.url}/metrics", timeout=60).text
    except requests.ConnectionError:
        return 0.0
    lines = [line for line in text.splitlines() if line.startswith("bootstrap_metrics_processes_alone ")]
    return float(lines[0].split()[1])


@pytest.mark.slow
def test_disk_that_is_full_costs_no_answer_and_no_worker(database, tmp_path):
    """The kernel lets no process of it write to files any more, its log among them."""
    environment = {"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2", "TMPDIR": str(tmp_path)}
    with ServerProcess(environment) as server:
        eventually(lambda: len(workers_of(server)) == 2)
        before = workers_of(server)
        for pid in [server.pid, *before]:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        statuses = [requests.get(f"{server.url}/{name}", timeout=60).status_code for name in ["nowhere"] * 20]
        os.kill(before[0], signal.SIGKILL)
        eventually(lambda: counted_alone(server) >= 1)

        assert statuses == [404] * 20
        # Its successor answers; the database, which may write nothing either, is not asked here.
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
        eventually(lambda: len(set(children.read_text().split()) - {str(before[0])}) == 2)
        assert [requests.get(f"{server.url}/nowhere", timeout=60).status_code for _ in range(20)] == [404] * 20
        assert server.halt() == 0


@pytest.mark.slow
def test_no_folder_for_counters_is_said_and_the_server_starts_without(database, tmp_path):
    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "file" / "folder")
    environment = {"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2", "PROMETHEUS_MULTIPROC_DIR": nowhere}
    with ServerProcess(environment) as server:
        alone = counted_alone(server)
        log = server.log()
        code = server.halt()

    assert (alone, code) == (2.0, 0)
    assert log.count(f"no folder for counters ({nowhere}: not a directory)") == 1


@pytest.mark.parametrize("failure", [FileNotFoundError("No usable temporary directory found"), OSError(28, "No space")])
def test_no_temporary_folder_is_a_sentence_with_the_variables_that_name_one(monkeypatch, failure):
    def refuse():
        raise failure

    monkeypatch.delenv(multiprocess.VARIABLE, raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", refuse)
    monkeypatch.setattr(multiprocess, "note_alone", lambda *_, **__: None)

    with metrics_directory(2, []) as sentence:
        assert multiprocess.directory() is None

    assert "TMPDIR" in sentence
    assert "PROMETHEUS_MULTIPROC_DIR" in sentence


@pytest.mark.slow
def test_folders_of_killed_servers_are_removed_at_the_next_start(database, tmp_path):
    environment = {"DATABASE_URL": database, "MG_BOOTSTRAP_WORKERS": "2", "TMPDIR": str(tmp_path)}
    with ServerProcess(environment) as server, ServerProcess(environment) as another:
        os.killpg(server.pid, signal.SIGKILL)
        server.halt(None)
        assert len(list(tmp_path.glob("bootstrap-metrics-*"))) == 2

        server.start()

        assert len(list(tmp_path.glob("bootstrap-metrics-*"))) == 2
        assert {another.halt(), server.halt()} == {0}
    assert list(tmp_path.glob("bootstrap-metrics-*")) == []
