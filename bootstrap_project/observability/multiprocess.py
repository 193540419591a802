"""The directory in which worker processes share metrics; standard library only, for their parent's use."""

from __future__ import annotations

import fcntl
import mmap
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
#: Size of a new process's files: one of 64 kB for each type of metric.
PROCESS_BYTES: Final = 4 * 65_536
# The process's id is for people; the folder's lock decides, because ids are reused.
_NAME: Final = re.compile(r"bootstrap-metrics-\d+-\w+")

# The ids of processes that count in their own memory. All children forked from this one share it, so that it needs no
# file; it holds ids, because a process that is killed cannot take its entry back.
_alone: Final = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("i")


def directory() -> Path | None:
    """Return the directory named by the environment, or None when there is a single process."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def note_alone(alone: bool, *, process: int | None = None) -> None:
    """Record whether a process, this one by default, counts in its own memory, where the others cannot see it."""
    own = os.getpid()
    _alone[(own if process is None else process) % len(_alone)] = own if alone else 0


def processes_alone() -> int:
    """Return how many live processes count in their own memory, among those with the same parent."""
    return sum(_is_there(process) for process in _alone.tolist() if process)


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def prepare_directory(path: Path, processes: int = 1) -> None:
    """Make `path` an empty metrics directory, for one server that is about to start its workers.

    Call it once, before the first worker, and never from a worker: it would delete what the others count. Files of
    workers that died stay until then on purpose, for a counter that forgets them would run backwards.
    Raises: OSError, also when it has no room for what so many processes begin with.
    """
    path.mkdir(parents=True, exist_ok=True)
    for file in path.glob("*.db"):
        file.unlink(missing_ok=True)
    with tempfile.TemporaryFile(dir=path) as probe:
        allocate(probe.fileno(), 0, processes * PROCESS_BYTES)


def allocate(descriptor: int, start: int, size: int) -> None:
    """Reserve disk space for a part of a file: writing to a mapped page without space kills the process.

    Raises: OSError when there is no room.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, start, size)
    else:
        os.truncate(descriptor, start + size)


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """Make a directory for the duration of the block, and remove those left by killed processes.

    Raises: OSError when there is nowhere to make it.
    """
    base = Path(tempfile.gettempdir())
    _remove_left_ones(base)
    made, lock = _made_and_locked(base)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)


def _made_and_locked(base: Path) -> tuple[Path, int]:
    while True:
        made = Path(tempfile.mkdtemp(prefix=f"bootstrap-metrics-{os.getpid()}-", dir=base))
        lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
        # Workers inherit the lock, so that it is held while any process lives that counts there.
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        # Another server that starts may have taken it for a left one before we had the lock.
        if made.is_dir() and os.path.samestat(os.fstat(lock), made.stat()):
            return made, lock
        os.close(lock)


def _remove_left_ones(base: Path) -> None:
    with suppress(OSError):
        for entry in os.scandir(base):
            if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                _remove_if_left(Path(entry.path))


def _remove_if_left(path: Path) -> None:
    # A directory that cannot be opened, such as another user's, is left alone.
    with suppress(OSError):
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(lock).st_uid == os.geteuid():
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(lock)
