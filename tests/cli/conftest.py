"""One service and one platform for all tests of the command line, and the program's `main` to call."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bootstrap_project.cli.main import main
from tests.support.sandbox import SandboxProcess
from tests.support.server import DEFAULTS, ServerProcess

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "b2f1c6de-0a55-4c3e-9d10-7a6f0c1d2e3f"
CLIENT_ID = "6b5f5f74-f3b1-4b78-9d9a-4b7d9b0f2d11"
CHANNEL_ID = "0df6c6a5-0dc7-4bb7-8298-0e3c8a89d913"
CRYPTO_KEY = DEFAULTS["MG_BOOTSTRAP_ENCRYPT_KEY"]
UNKNOWN = "00000000-0000-4000-8000-000000000000"
_OURS = ("MG_", "NO_COLOR", "TERM")


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without the caller's settings for the program."""
    kept = {name: value for name, value in os.environ.items() if not _is_ours(name)}
    return {**kept, **more}


def _is_ours(name: str) -> bool:
    return name.startswith(_OURS) or name.lower().endswith("_proxy")


@dataclass(frozen=True)
class Done:
    """What one run of the program came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def succeeded(self) -> Done:
        assert (self.code, self.err) == (0, ""), self
        return self

    def failed(self, code: int, *parts: str) -> Done:
        assert self.code == code, self
        assert self.err.startswith("error: "), self
        for part in parts:
            assert part in self.err, self
        assert "Traceback" not in self.err
        return self


class Program:
    """Calls `main` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name in os.environ:
            if _is_ours(name):
                monkeypatch.delenv(name)
        monkeypatch.chdir(folder)

    def setenv(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def __call__(self, *argv: str, stdin: bytes = b"") -> Done:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self._capsys.readouterr()
        code = main(argv)
        written = self._capsys.readouterr()
        return Done(code, written.out, written.err)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Program:
    """The program alone, in an empty folder."""
    return Program(monkeypatch, capsys, tmp_path)


@pytest.fixture(scope="session")
def platform() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture(scope="session")
def service(platform: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    environment = {name: value for name, value in clean_environment().items() if not name.startswith("DJANGO_")}
    database = tmp_path_factory.mktemp("cli") / "cli.sqlite3"
    settings = {**platform.settings(), "DATABASE_URL": f"sqlite:///{database}", "MG_BOOTSTRAP_WORKERS": "1"}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--noinput"],
        cwd=ROOT,
        env={**environment, **DEFAULTS, **settings},
        check=True,
        capture_output=True,
    )
    with ServerProcess(settings) as server:
        yield server


@pytest.fixture(scope="session")
def token(platform: SandboxProcess) -> str:
    return platform.token(lifetime=3600)


@dataclass(frozen=True)
class Cli:
    """The program with the service's address and an operator's arguments."""

    program: Program
    url: str
    token: str

    def run(self, *argv: str, stdin: bytes = b"") -> Done:
        """Run `bootstrap …` as it is; no output may hold the token."""
        done = self.program("bootstrap", *argv, "--bootstrap-url", self.url, stdin=stdin)
        assert self.token not in done.out + done.err
        return done

    def __call__(self, *argv: str, stdin: bytes = b"") -> Done:
        """Run an operator's command: domain and token are added."""
        return self.run(*argv, DOMAIN, self.token, stdin=stdin)

    def config(self, **members: Any) -> str:
        """Create a config and return its id."""
        body = {"external_id": unique("device"), "external_key": "the-device-key"} | members
        done = self("create", json.dumps(body), "-r")
        assert done.code == 0, done
        return done.out.strip()

    def profile(self, **members: Any) -> str:
        """Create a profile and return its id."""
        body = {"name": unique("profile")} | members
        return str(self("profiles", "create", json.dumps(body)).succeeded().json["id"])


def unique(word: str) -> str:
    """A name that no test before this one has used."""
    return f"{word}-{time.time_ns():x}"


@pytest.fixture
def cli(program: Program, service: ServerProcess, token: str) -> Cli:
    return Cli(program, service.url, token)
