"""A disk without room costs counters, never the process that counts."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bootstrap_project.observability import multiprocess

ROOT = Path(__file__).resolve().parents[2]
#: Counts more names than fit into a file's first 64 kB, as often as it is told; `full` is what happens then.
COUNTING = """
import errno, os, sys
from bootstrap_project.observability import metric_files, metrics, multiprocess
from bootstrap_project.observability.metrics_view import exposition

full = True
allocate = multiprocess.allocate
def refuse(descriptor, start, size):
    if full and start >= int(os.environ["ROOM"]):
        raise OSError(errno.ENOSPC, "No space left on device")
    allocate(descriptor, start, size)
metric_files.allocate = refuse
metric_files.RETRY_SECONDS = 0

def count(names=range(400)):
    for name in names:
        metrics.observe_http_request(f"/route/{name}", "GET", 200, 0.001)

def shown():
    return {line.split("/route/")[1].split('"')[0]: float(line.split()[-1])
            for line in exposition().decode().splitlines() if line.startswith("bootstrap_http_requests_total{")}

def alone():
    return [line.split()[-1] for line in exposition().decode().splitlines()
            if line.startswith("bootstrap_metrics_processes_alone ")][0]
"""


@pytest.fixture
def counting(tmp_path):
    def run(code, room=0):
        done = subprocess.run(
            [sys.executable, "-c", COUNTING + code],
            cwd=ROOT,
            env={
                **os.environ,
                "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "counters"),
                "ROOM": str(room),
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (done.returncode, done.stderr)
        return done

    run.folder = tmp_path / "counters"  # type: ignore[attr-defined]
    return run


def test_files_have_all_their_blocks(counting):
    counting("full = False; count()")

    files = list(counting.folder.glob("*.db"))
    assert {path.stem.split("_")[0] for path in files} >= {"counter", "histogram"}
    assert any(path.stat().st_size > 65_536 for path in files)
    for path in files:
        assert path.stat().st_blocks * 512 >= path.stat().st_size, path


def test_file_that_cannot_grow_keeps_what_it_has_and_counts_on(counting):
    done = counting("count(); count(); print(len(shown()), shown()['0'], alone())", room=65_536)

    number, first, alone = done.stdout.split()
    assert 0 < int(number) < 400
    assert (float(first), alone) == (2.0, "1.0")


def test_no_file_at_all_is_no_trouble_and_is_told_once(counting):
    """As for a worker that takes a killed one's place."""
    code = """
import threading, time
child = os.fork()
if not child:
    count()
    print(len(shown()), alone(), list(multiprocess.directory().glob(f"*_{os.getpid()}.db")), flush=True)
    while threading.active_count() > 1:  # One says it.
        time.sleep(0.01)
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    done = counting(code, room=-1)

    assert done.stdout == "0 1.0 []\n0\n"
    assert done.stderr.count("no room for counters") == 1


def test_what_was_counted_meanwhile_is_shown_once_there_is_room(counting):
    code = "count(); count(); full = False; count([7]); print(len(shown()), set(shown().values()), alone())"

    done = counting(code, room=65_536)

    assert done.stdout.split()[0] == "400"
    assert done.stdout.split()[-1] == "0.0"
    assert "{2.0, 3.0}" in done.stdout or "{3.0, 2.0}" in done.stdout


def test_limit_of_the_system_on_files_is_no_trouble(counting):
    """The kernel's own refusal, in the place of a full disk, which not everybody may make."""
    limit = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, resource.RLIM_INFINITY)); full = False;"
    )

    done = counting(limit + "count(); count(); print(shown()['0'], alone())")

    assert done.stdout.split() == ["2.0", "1.0"]


def test_folder_that_somebody_removed_is_no_trouble(counting):
    """As cleaners of temporary folders do, after days; a worker that begins then makes its files anew, in vain."""
    code = """
import shutil
full = False
count([1])
shutil.rmtree(multiprocess.directory())
child = os.fork()
if not child:
    count()
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    assert counting(code).stdout == "0\n"


def test_folder_without_room_is_found_before_the_start(tmp_path, monkeypatch):
    def refuse(_descriptor, _start, _size):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)

    with pytest.raises(OSError, match="No space left"):
        multiprocess.prepare_directory(tmp_path / "counters", processes=3)


def test_folders_of_killed_processes_are_removed_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # Its process's id is somebody's today: a lock says that nobody is there.
    left, held = tmp_path / f"bootstrap-metrics-{os.getpid()}-left", tmp_path / "bootstrap-metrics-1-held"
    strange, linked = tmp_path / "bootstrap-metrics-important", tmp_path / "bootstrap-metrics-2-link"
    for folder in (left, held, strange):
        folder.mkdir()
        (folder / "counter_1.db").touch()
    linked.symlink_to(strange)
    lock = os.open(held, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)

    with multiprocess.temporary_directory() as made:
        there = set(tmp_path.iterdir())
        # A second server leaves the first one's alone.
        with multiprocess.temporary_directory():
            assert made.is_dir()

    os.close(lock)
    assert there == {held, strange, linked, made}
    assert not made.exists()
    assert (strange / "counter_1.db").exists()


def test_other_users_folders_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    theirs = tmp_path / "bootstrap-metrics-1-theirs"
    theirs.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: theirs.stat().st_uid + 1)

    with multiprocess.temporary_directory():
        assert theirs.is_dir()


def test_a_process_that_was_killed_is_missing_no_longer():
    child = os.fork()
    if not child:
        multiprocess.note_alone(True)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    multiprocess.note_alone(True)
    try:
        assert multiprocess.processes_alone() == 1
    finally:
        multiprocess.note_alone(False)
    assert multiprocess.processes_alone() == 0
