"""A real nginx in front of instances of the service: devices to some, all others to some."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import requests

from tests.support.ports import free_port
from tests.support.waiting import eventually

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

_SHIPPED = Path(__file__).resolve().parents[2] / "bootstrap_project" / "deploy" / "nginx" / "bootstrap.conf"
_UPSTREAM = re.compile(r"^upstream \w+ \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_SERVER = re.compile(r"^ *server \S+:\d+(.*;)\n", re.MULTILINE)

# What concerns several instances, of the documented file; the upstreams are its own, with other ports.
_FILE = """
{user}pid {folder}/pid;
error_log {folder}/error.log;
daemon off;
worker_processes 1;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream devices {{ {devices} }}
    upstream others {{ {others} }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        client_max_body_size 8m;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        location / {{ proxy_pass http://others; }}
        location /clients/bootstrap {{ proxy_pass http://devices; }}
    }}
}}
"""


def _members(ports: Sequence[int]) -> str:
    """Return what an upstream of the documented file says, for these ports; all of its upstreams say the same."""
    texts = _UPSTREAM.findall(_SHIPPED.read_text(encoding="utf-8"))
    (parameters,) = {end for text in texts for end in _SERVER.findall(text)}
    (others,) = {_SERVER.sub("", text) for text in texts}
    return "".join(f"server 127.0.0.1:{port}{parameters} " for port in ports) + others


class Nginx:
    """Passes on what comes to its port; a context manager. `choose` changes to whom while requests go on."""

    def __init__(self, folder: Path, devices: Sequence[int], others: Sequence[int] = ()) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._write(devices, others or devices)

    def __enter__(self) -> Self:
        assert NGINX is not None
        words = [NGINX, "-p", str(self._folder), "-e", str(self._folder / "error.log"), "-c", str(self._path)]
        self._process = subprocess.Popen(words)
        eventually(self._answers)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    @property
    def url(self) -> str:
        """The address of all instances together."""
        return f"http://127.0.0.1:{self.port}"

    def choose(self, devices: Sequence[int], others: Sequence[int] = ()) -> None:
        """Pass requests on to these ports from now on, and wait until it does."""
        assert self._process is not None
        before = self._workers()
        self._write(devices, others or devices)
        self._process.send_signal(signal.SIGHUP)
        # Its old workers end when they have answered.
        eventually(lambda: bool(self._workers()) and not before & self._workers())

    def log(self) -> str:
        """Return what it has complained of."""
        return (self._folder / "error.log").read_text(encoding="utf-8", errors="replace")

    @property
    def _path(self) -> Path:
        return self._folder / "nginx.conf"

    def _write(self, devices: Sequence[int], others: Sequence[int]) -> None:
        # Its worker would be another user, who cannot write here.
        user = "user root;\n" if os.geteuid() == 0 else ""
        self._path.write_text(
            _FILE.format(
                user=user, folder=self._folder, port=self.port, devices=_members(devices), others=_members(others)
            ),
            encoding="utf-8",
        )

    def _workers(self) -> set[int]:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return {int(pid) for pid in children.read_text(encoding="ascii").split()}

    def _answers(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/health", timeout=60).status_code == 200
        return False
