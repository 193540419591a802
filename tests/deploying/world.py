"""A machine in a folder: where the page's paths, names and ports mean things of a test's own.

`/etc`, `/opt` and `/var` are folders in it, the three example hosts are servers of this machine, `systemctl` is
`tests.deploying.units`, and programs that need another user (`sudo`, `runuser`) run as who runs the test.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

from bootstrap_project.demo import pi
from tests.deploying.facts import DEPLOY, ROOT
from tests.deploying.story import PATIENCE
from tests.deploying.units import stop_all
from tests.support.ports import free_port
from tests.support.postgres import PostgresServer, find_installation
from tests.support.sandbox import SandboxProcess

HOST = "boot.example.com"
#: The ports that the page and its files name.
PORTS = ("9013", "9014", "9023", "9024", "9099", "6432", "5432")
#: The platform's, of which each is a path of the sandbox's.
SERVICES = {"9001": "auth", "9002": "users", "9003": "domains", "9005": "channels", "9006": "clients"}
_SHIMS = {
    "sudo": 'while [ "$1" = -u ]; do shift 2; done\nexec "$@"',
    "runuser": 'while [ "$1" != -- ]; do shift; done\nshift\nexec "$@"',
    # Without owners: the page's users are not on this machine.
    "install": 'exec /usr/bin/install $(printf "%s\\n" "$@" | sed "/^-[og]$/,+1d")',
    "systemctl": 'exec {python} -m tests.deploying.units "$@"',
    "nginx": 'exec {nginx} -p {root} -e {root}/var/log/nginx.log -c {root}/nginx.conf "$@"',
    "reload-nginx": "if [ -s {root}/nginx.pid ]; then nginx -s reload; else nginx; fi",
    "curl": 'exec {curl} --connect-to "{host}:443:127.0.0.1:{tls}" "$@"',
}


class World:
    """Such a folder; a context manager, at whose end nothing that was started in it goes on."""

    def __init__(self, root: Path, postgres: PostgresServer, sandbox: SandboxProcess) -> None:
        self.root = root
        self.postgres = postgres
        self.ports = {port: str(free_port()) for port in PORTS} | {"5432": str(postgres.port)}
        self.tls, self.plain = free_port(), free_port()
        self._sandbox = sandbox
        self.checkout = root / "opt/bootstrap"

    def __enter__(self) -> Self:
        for name in ("home", "shims", "run", "tmp", "etc/systemd/system", "etc/nginx/conf.d"):
            (self.root / name).mkdir(parents=True)
        for name in ("var/lib", "var/log", "var/backups", "usr/local/sbin", "opt/bootstrap/.venv/bin"):
            (self.root / name).mkdir(parents=True)
        self._copy_files()
        self._make_programs()
        self._make_nginx()
        return self

    def __exit__(self, *_: object) -> None:
        stop_all(self.root)
        with suppress(OSError, ValueError):
            os.kill(int((self.root / "nginx.pid").read_text()), signal.SIGTERM)

    def translated(self, text: str) -> str:
        """Return a text of the page or of a file, with this folder's paths, hosts, ports and names."""
        for port, service in SERVICES.items():
            text = text.replace(f"http://platform:{port}", self._sandbox.service_url(service))
        text = text.replace("bootstrap@example.com", pi.OPERATOR).replace("PLATFORM-PASSWORD", pi.OPERATOR_PASSWORD)
        # With options, as over a network.
        text = text.replace("db.example.com:5432/bootstrap", "127.0.0.1:5432/bootstrap?sslmode=prefer")
        text = text.replace("db.example.com", "127.0.0.1")
        for port, own in self.ports.items():
            text = re.sub(rf"(?<!\d){port}(?!\d)", own, text)
        text = re.sub(r"(?<![\w.}/-])/(etc|opt|var|usr/local)/", rf"{self.root}/\1/", text)
        text = text.replace("listen 80;", f"listen 127.0.0.1:{self.plain};")
        return text.replace("listen 443 ssl", f"listen 127.0.0.1:{self.tls} ssl")

    @property
    def environment(self) -> dict[str, str]:
        """What commands are run with."""
        kept = {name: os.environ[name] for name in ("LANG",) if name in os.environ}
        # PostgreSQL's programs of the server's own version before the machine's.
        path = [f"{self.root}/shims", f"{self.root}/usr/local/sbin", str(find_installation().bin), os.environ["PATH"]]
        return kept | {
            "PATH": ":".join(path),
            "HOME": f"{self.root}/home",
            "WORLD": str(self.root),
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.root / "tmp"),
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.postgres.port),
            "PGUSER": "postgres",
            "NO_PROXY": "*",
        }

    def run(self, *command: str) -> str:
        """Run one program in the checkout, which must end well, and return what it prints."""
        trusted = {"CURL_CA_BUNDLE": f"{self.root}/etc/nginx/{HOST}.pem"}
        done = subprocess.run(
            command,
            cwd=self.checkout,
            env=self.environment | trusted,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def _copy_files(self) -> None:
        target = self.checkout / "bootstrap_project/deploy"
        shutil.copytree(DEPLOY, target)
        for path in target.rglob("*"):
            if path.is_file():
                path.write_text(self.translated(path.read_text(encoding="utf-8")), encoding="utf-8")
        with (target / "bootstrap.env").open("a", encoding="utf-8") as settings:
            settings.writelines(f"{name}={value}\n" for name, value in PATIENCE.items())

    def _make_programs(self) -> None:
        words = {
            "python": sys.executable,
            "root": self.root,
            "nginx": shutil.which("nginx") or "/usr/sbin/nginx",
            "curl": shutil.which("curl"),
            "host": HOST,
            "tls": self.tls,
        }
        for name, text in _SHIMS.items():
            self._program(self.root / "shims" / name, text.format(**words))
        programs = self.root / "opt/bootstrap/.venv/bin"
        self._program(programs / "python", f'export PYTHONPATH={ROOT}\nexec {sys.executable} "$@"')
        (self.checkout / "manage.py").symlink_to(ROOT / "manage.py")

    @staticmethod
    def _program(path: Path, text: str) -> None:
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def _make_nginx(self) -> None:
        folder = self.root / "etc/nginx"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "".join(f"{kind}_temp_path {self.root}/tmp/{kind};\n" for kind in kinds)
        # Its workers would be another user, who cannot write here.
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.root / "nginx.conf").write_text(
            f"{user}pid {self.root}/nginx.pid;\nworker_processes 1;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{folders}include {folder}/conf.d/*.conf;\n}}\n",
            encoding="utf-8",
        )
