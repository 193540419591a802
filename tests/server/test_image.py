"""The conditions of the image on this machine: nothing can be written, any user, no rights, process number one."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from tests.support.database import Database, provide_database
from tests.support.instances import ask
from tests.support.ports import free_port
from tests.support.server import DEFAULTS, ROOT, STOP_SECONDS
from tests.support.waiting import eventually

#: Nobody of this machine.
USER = 54_321

# All that is mounted here is seen again below $1, and cannot be written. What the image has of its own lies below /mnt.
_ROOM = """
set -e
mount --make-rprivate /
mount --rbind / "$1"
for point in $(awk -v root="$1" 'index($5, root) == 1 {print $5}' /proc/self/mountinfo); do
    mount -o remount,bind,ro "$point" 2>/dev/null || true
done
mount -t proc proc "$1/proc"
mount -t tmpfs -o mode=755 tmpfs "$1/mnt"
mkdir -p "$1/mnt/app" "$1/mnt/python" "$1/mnt/packages"
mkdir -m 1777 "$1/mnt/tmp"
cp -Rp "$2/." "$1/mnt/app"
chmod -R a+rX "$1/mnt/app"
mount --bind "$3" "$1/mnt/python"
mount -o remount,bind,ro "$1/mnt/python"
mount --bind "$4" "$1/mnt/packages"
mount -o remount,bind,ro "$1/mnt/packages"
mount -t tmpfs -o size=16m,mode=1777,nosuid,nodev,noexec tmpfs "$1/mnt/tmp"
mount -o remount,ro "$1/mnt"
root=$1
user=$5
shift 5
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups --inh-caps=-all --bounding-set=-all \
    --no-new-privs env -C /mnt/app "$@"
"""

TRY_TO_WRITE = """
import sys
for path in sys.argv[1:]:
    try:
        open(path, "w").close()
    except OSError as error:
        assert error.strerror == "Read-only file system", error
    else:
        print(path)
"""


class Room:
    """Starts programs under the image's conditions, with the files that the image has and the settings that it sets."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self._root, self._code = folder / "root", folder / "code"
        self._root.mkdir()
        self._settings = settings
        last_stage = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
        lines = re.sub(r"\\\n\s*", " ", last_stage).splitlines()
        for line in lines:
            if found := re.fullmatch(r"COPY (\S+) \./(\S*)", line):
                source, target = ROOT / found[1], self._code / (found[2] or found[1])
                if source.is_dir():
                    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    target.parent.mkdir(exist_ok=True)
                    shutil.copy(source, target)
        # As the Dockerfile does.
        compileall.compile_dir(self._code, quiet=2)
        environment = [line.removeprefix("ENV ") for line in lines if line.startswith("ENV ")]
        self._variables = dict(re.findall(r'(\w+)=("[^"]*"|\S+)', " ".join(environment)))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `python WORDS` as the only program of a namespace of its own."""
        plain = {name: value for name, value in self._variables.items() if "$" not in value}
        ours = {
            "PATH": os.environ["PATH"],
            "TMPDIR": "/mnt/tmp",
            "PYTHONPATH": "/mnt/packages",
            "LD_LIBRARY_PATH": "/mnt/python/lib",
        }
        alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        packages = sysconfig.get_path("purelib")
        given = [str(self._root), str(self._code), sys.base_prefix, packages, str(USER)]
        return subprocess.Popen(
            [*alone, "sh", "-c", _ROOM, "room", *given, "/mnt/python/bin/python3", *words],
            env={**ours, **plain, **DEFAULTS, **self._settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        process = self.start(*words)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {name: value.strip() for name, _colon, value in (line.partition(":") for line in lines)}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with provide_database(tmp_path, migrated=False) as made:
        yield made


@pytest.fixture
def room(database: Database) -> Iterator[Room]:
    # Not below pytest's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory(prefix="bootstrap-room-") as folder:
        made = Room(Path(folder), {"DATABASE_URL": database.url, "MG_BOOTSTRAP_HTTP_PORT": str(free_port())})
        code, output = made.run("-c", "import django")
        if code != 0:
            pytest.skip(f"this machine gives no namespaces, or its Python to no other user: {output[-300:]}")
        yield made


@pytest.mark.slow
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the image's file system holds no SQLite file")
def test_it_migrates_serves_and_ends_where_nothing_is_to_be_written(room: Room):
    code, output = room.run("manage.py", "migrate", "--noinput")
    assert code == 0, output
    code, output = room.run("-c", TRY_TO_WRITE, "/mnt/app/x", "/mnt/packages/x", "/x", "/var/tmp/x", "/mnt/tmp/x")
    assert (code, output.split()) == (0, ["/mnt/tmp/x"])

    port = int(room._settings["MG_BOOTSTRAP_HTTP_PORT"])
    process = room.start("-m", "bootstrap_project.serve")
    try:
        eventually(lambda: ask(port, "/health") == "200" or process.poll() is not None)
        (first,) = children(process.pid)

        assert status(first)["NSpid"].split()[-1] == "1"
        assert status(first)["Uid"].split() == [str(USER)] * 4
        assert {status(first)[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
        assert ask(port, "/clients/bootstrap/unknown", {"Authorization": "Client unknown"}) == "403"
        assert ask(port, "/admin/login/") == "200"
        assert ask(port, "/metrics") == "200"

        workers = children(first)
        os.kill(workers[0], signal.SIGKILL)
        eventually(lambda: len(children(first)) == len(workers) and workers[0] not in children(first))
        assert [status(one)["State"] for one in children(first) if status(one)["State"].startswith("Z")] == []

        os.kill(first, signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    finally:
        process.kill()
        output, _ = process.communicate()
    assert "Traceback" not in output
