"""The files in which prometheus_client counts where processes share a folder, made safe against a full disk.

prometheus_client maps sparse files. A process that touches a page for which the disk has no room is killed by SIGBUS,
in the middle of a device's answer. Here each file is allocated when it is made and when it grows; values that find no
room are counted in memory.
"""

from __future__ import annotations

import logging
import mmap
import os
import threading
import time
from typing import Any, Final

from prometheus_client import mmap_dict, values

from bootstrap_project.observability.multiprocess import allocate, note_alone

logger = logging.getLogger(__name__)

#: How often a process looks for room again for values that it counts in memory.
RETRY_SECONDS: Final = 10.0
_FIRST_BYTES: Final = mmap_dict._INITIAL_MMAP_SIZE  # noqa: SLF001
# The files of this process that are out of room.
_full: Final[set[str]] = set()
# Length of the key, its padding, value and time, at most.
_OVERHEAD_BYTES: Final = 4 + 8 + 16


class AllocatedDict(mmap_dict.MmapedDict):
    """One such file; values without room in it are kept in memory, and move into it once it has room.

    Not thread-safe, as its base: prometheus_client holds its lock around all calls.
    """

    # Both None where not even a small file has room.
    _f: Any
    _m: Any

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        self._name = filename
        self._beside: dict[str, tuple[float, float]] = {}
        self._retry_at = 0.0
        if read_mode:
            super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
        else:
            self._open()

    def read_value(self, key: str) -> tuple[float, float]:
        """Return value and time of `key`; both start at 0."""
        if key not in self._positions and key not in self._beside:
            self._init_value(key)
        found = self._beside.get(key)
        return found if found is not None else super().read_value(key)  # type: ignore[no-untyped-call]

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        if key in self._positions:
            super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]
        else:
            self._beside[key] = value, timestamp
        if self._beside:
            self._move_into_file()

    def _init_value(self, key: str) -> None:
        self.write_value(key, 0.0, 0.0)

    def _open(self) -> None:
        self._f = self._m = None
        self._positions: dict[str, int] = {}
        self._used = self._capacity = 0
        try:
            _allocate_new(self._name)
            super().__init__(self._name)  # type: ignore[no-untyped-call]
        except OSError as error:
            self._f = self._m = None
            self._refuse(error)

    def _move_into_file(self) -> None:
        if time.monotonic() < self._retry_at:
            return
        if self._m is None:
            self._open()
        if self._m is None or not self._make_room():
            return
        for key, (value, timestamp) in self._beside.items():
            super()._init_value(key)  # type: ignore[no-untyped-call]
            super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]
        self._beside.clear()
        if self._retry_at:
            self._retry_at = 0.0
            _full.discard(self._name)
            note_alone(bool(_full))

    def _make_room(self) -> bool:
        """Grow the file until it holds all values kept in memory; return whether it could."""
        wanted = self._used + sum(len(key.encode()) + _OVERHEAD_BYTES for key in self._beside)
        capacity = self._capacity
        while capacity < wanted:
            capacity *= 2
        if capacity == self._capacity:
            return True
        try:
            allocate(self._f.fileno(), self._capacity, capacity - self._capacity)
            self._m = mmap.mmap(self._f.fileno(), capacity)
        except OSError as error:
            self._refuse(error)
            return False
        self._capacity = capacity
        return True

    def _refuse(self, error: OSError) -> None:
        is_new = not _full
        _full.add(self._name)
        self._retry_at = time.monotonic() + RETRY_SECONDS
        note_alone(True)
        if is_new:
            # Not from here: the log counts what it drops, with the lock that this thread holds.
            extra = {"folder": os.path.dirname(self._name), "reason": error.strerror or type(error).__name__}  # noqa: PTH120
            arguments = ("no room for counters: this process counts some in its own memory, and /metrics lacks them",)
            threading.Thread(target=logger.error, args=arguments, kwargs={"extra": extra}, daemon=True).start()


def _allocate_new(name: str) -> None:
    with open(name, "ab") as file:  # noqa: PTH123
        if file.tell():
            return
        try:
            allocate(file.fileno(), 0, _FIRST_BYTES)
        except OSError:
            # Half a file would be read as one.
            file.truncate(0)
            os.unlink(name)  # noqa: PTH108
            raise


def install() -> None:
    """Make prometheus_client use AllocatedDict, from the next file on."""
    patched: Any = values
    patched.MmapedDict = AllocatedDict


# A forked child starts with files of its own.
os.register_at_fork(after_in_child=_full.clear)
