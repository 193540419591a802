"""Does for one folder what systemd does for a machine: starts, reloads and stops the units of the deployment.

As a program it takes systemctl's arguments: a test puts it in the place of systemctl. Of a unit it knows what ours use:
environments, credentials, several ExecStart, ExecReload, Wants, and instances of a template.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

#: What a unit's process inherits of the test's own environment.
INHERITED = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "TMPDIR")
STOP_SECONDS = 60.0


class Unit:
    """One unit, read from the folder of units."""

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name if "." in name else f"{name}.service"
        stem, _, kind = self.name.rpartition(".")
        template, at, self.instance = stem.partition("@")
        self.path = root / "etc/systemd/system" / f"{template}{at}.{kind}"
        self.entries: dict[str, list[str]] = {}
        for line in self.path.read_text(encoding="utf-8").splitlines():
            if "=" in line and not line.startswith("#"):
                key, value = line.split("=", 1)
                self.entries.setdefault(key, []).append(value.replace("%i", self.instance))
        self.state = root / "run" / self.name
        self.log = root / "var/log" / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """The main process' id, 0 when it does not run."""
        with contextlib.suppress(OSError, ValueError):
            number = int((self.state / "pid").read_text())
            if "\nState:\tZ" not in Path(f"/proc/{number}/status").read_text():
                return number
        return 0

    def environment(self) -> dict[str, str]:
        """Return what its processes have in their environment."""
        made = {name: os.environ[name] for name in INHERITED if name in os.environ}
        for text in self.entries.get("Environment", []):
            made |= dict(pair.split("=", 1) for pair in shlex.split(text))
        for text in self.entries.get("EnvironmentFile", []):
            path = Path(text.removeprefix("-"))
            if text.startswith("-") and not path.exists():
                continue
            lines = path.read_text(encoding="utf-8").splitlines()
            made |= dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        return made

    def start(self) -> int:
        """Start it and what it wants; return 0, or the code that one of a oneshot's commands failed with."""
        if self.name.endswith(".timer"):
            Unit(self.root, f"{self.name.removesuffix('.timer')}.service")
            return 0
        if self.pid:
            return 0
        for wanted in " ".join(self.entries.get("Wants", [])).split():
            if wanted.startswith("bootstrap"):
                Unit(self.root, wanted).start()
        credentials = self.state / "credentials"
        credentials.mkdir(parents=True, exist_ok=True)
        for text in self.entries.get("LoadCredential", []):
            name, path = text.split(":", 1)
            (credentials / name).write_bytes(Path(path).read_bytes())
        if self.entries["Type"] == ["oneshot"]:
            for command in self.entries["ExecStart"]:
                with self.log.open("ab") as log:
                    code = self._run(command, credentials, log).wait()
                if code:
                    sys.stderr.write(f"Job for {self.name} failed.\n{self.log.read_text()}\n")
                    return code
            return 0
        (command,) = self.entries["ExecStart"]
        with self.log.open("ab") as log:
            (self.state / "pid").write_text(str(self._run(command, credentials, log).pid))
        return 0

    def _run(self, command: str, credentials: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            shlex.split(command.replace("%d", str(credentials))),
            cwd=self.entries["WorkingDirectory"][-1],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def is_active(self) -> int:
        """Print whether it runs."""
        sys.stdout.write("active\n" if self.pid else "inactive\n")
        return 0 if self.pid else 3

    def reload(self) -> int:
        """Run ExecReload."""
        (command,) = self.entries["ExecReload"]
        return subprocess.run(shlex.split(command.replace("$MAINPID", str(self.pid))), check=False).returncode

    def stop(self) -> int:
        """Stop it as `KillMode=mixed` does, and wait."""
        pid = self.pid
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            end = time.monotonic() + STOP_SECONDS
            while self.pid and time.monotonic() < end:
                time.sleep(0.05)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        return 0


def stop_all(root: Path) -> None:
    """Stop every unit that was started."""
    for state in sorted((root / "run").glob("*.service")):
        Unit(root, state.name).stop()


def main(root: Path, arguments: list[str]) -> int:
    """Do what systemctl would."""
    words = [word for word in arguments if not word.startswith("-")]
    verb, names = words[0], words[1:]
    if verb == "daemon-reload":
        return 0
    if verb == "enable" and "--now" in arguments:
        verb = "start"
    code = 0
    for name in names:
        if re.fullmatch(r"nginx|pgbouncer", name):
            code = subprocess.run([root / "shims" / f"{verb}-{name}"], check=False).returncode or code
            continue
        unit = Unit(root, name)
        if verb == "restart":
            unit.stop()
        does = {"start": unit.start, "restart": unit.start, "stop": unit.stop, "reload": unit.reload}
        code = (does | {"is-active": unit.is_active})[verb]() or code
    return code


if __name__ == "__main__":
    sys.exit(main(Path(os.environ["WORLD"]), sys.argv[1:]))
