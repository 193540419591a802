"""The deployment's file for nginx: nginx takes it, and a device and an operator get through."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID
from tests.journeys.conftest import TRANSPORT_KEY, Caller
from tests.support.database import Database
from tests.support.ports import free_port
from tests.support.sandbox import SandboxProcess
from tests.support.server import ROOT, ServerProcess
from tests.support.waiting import eventually

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(NGINX is None, reason="nginx is not installed")]


RECIPE = ROOT / "bootstrap_project/deploy/nginx/bootstrap.conf"


def replaced(text: str, pattern: str, by: str) -> str:
    """Replace what must be there."""
    changed, count = re.subn(pattern, by, text)
    assert count, pattern
    return changed


def configuration(folder: Path, *, port: int, upstream: int) -> Path:
    """Write the recipe for this machine: without TLS, on a free port, and with nothing outside of `folder`."""
    text = replaced(RECIPE.read_text(), r"listen 443 ssl backlog=4096;", f"listen 127.0.0.1:{port} backlog=4096;")
    text = replaced(text, r" *ssl_.*\n", "")
    text = replaced(text, r"listen 80;", f"listen 127.0.0.1:{free_port()};")
    text = replaced(text, r"127\.0\.0\.1:901[34]", f"127.0.0.1:{upstream}")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    made = folder / "nginx.conf"
    # Its worker would be another user, who cannot write here.
    user = "user root;\n" if os.geteuid() == 0 else ""
    made.write_text(
        f"{user}pid {folder}/pid;\nerror_log {folder}/error.log;\ndaemon off;\nworker_processes 1;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}{text}}}\n"
    )
    return made


def command(made: Path, *arguments: str) -> list[str]:
    assert NGINX is not None
    return [NGINX, "-p", str(made.parent), "-e", str(made.parent / "error.log"), "-c", str(made), *arguments]


def test_nginx_takes_the_recipe(tmp_path):
    made = configuration(tmp_path, port=free_port(), upstream=9013)

    done = subprocess.run(command(made, "-t"), capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.fixture
def behind(tmp_path: Path, database: Database, sandbox_process: SandboxProcess) -> Iterator[tuple[ServerProcess, str]]:
    """The service behind nginx, and nginx' address."""
    environment = {
        "DATABASE_URL": database.url,
        "MG_BOOTSTRAP_ENCRYPT_KEY": TRANSPORT_KEY.decode(),
        "MG_BOOTSTRAP_TRUSTED_PROXIES": "127.0.0.1",
        "MG_BOOTSTRAP_LOG_LEVEL": "info",
    }
    port = free_port()
    with ServerProcess(environment | sandbox_process.settings()) as service:
        made = configuration(tmp_path, port=port, upstream=service.port)
        with subprocess.Popen(command(made)) as process:
            try:
                eventually(lambda: answers(port))
                yield service, f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/api/openapi.json")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def test_a_device_and_an_operator_get_through(behind, operator):
    service, base = behind
    caller = Caller(base, operator.token)

    made = caller.call(
        "POST", "/clients/configs", {"external_id": "caf\u00e9 1", "external_key": "k" * 12, "content": "x"}
    )
    headers = {"Authorization": f"Client {'k' * 12}", "X-Forwarded-For": "198.51.100.7"}
    asked = caller.http.get(f"{base}/clients/bootstrap/caf%C3%A9%201", headers=headers, timeout=60)

    assert made.status_code == 201, made.text
    assert (asked.status_code, asked.json()["content"]) == (200, "x")
    # Nobody says for themselves where they come from.
    assert "198.51.100.7" not in service.log()
    for path in ("/metrics", "/metrics/", "/health", "/health/"):
        assert caller.http.get(base + path, timeout=60).status_code == 403


def test_a_document_in_chunks_has_a_length_behind_it(behind, operator):
    _service, base = behind

    answer = Caller(base, operator.token).call(
        "POST",
        "/clients/bootstrap/profiles/upload",
        iter([b"name: chunks\n", b"content_template: x\n"]),
        headers={"Content-Type": "application/yaml"},
    )

    assert answer.status_code == 201, answer.text


def test_bodies_have_the_bounds_of_the_service(behind, operator):
    _service, base = behind
    caller = Caller(base, operator.token)

    for path, size, status in (
        (f"/{DOMAIN_ID}/clients/configs", 2**20 + 1, 413),
        ("/admin/login/", 8 * 2**20 + 1, 413),
        # Let through, and refused by the service, where nobody has signed in.
        ("/admin/login/", 2**20 + 1, 413),
    ):
        answer = caller.http.post(base + path, data=b"x" * size, timeout=60)

        assert answer.status_code == status


def connections_to(port: int) -> int:
    """Return how many connections to a port of this machine are open, from the kernel's table."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_peers_that_stall_cost_the_proxy_alone_and_only_people_are_limited(behind, operator):
    service, base = behind
    caller = Caller(base, operator.token)
    caller.call("POST", "/clients/configs", {"external_id": "sensor-1", "external_key": "k" * 12, "content": "x"})
    head = f"POST /{DOMAIN_ID}/clients/configs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{"
    before, port = connections_to(service.port), int(base.rpartition(":")[2])

    with contextlib.ExitStack() as stack:

        def are_people_limited() -> bool:
            # nginx gives stalled bodies up in time; on a busy machine that may be before we are answered.
            stack.close()
            for _ in range(50):
                peer = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
                peer.sendall(head.encode())
            return bool(caller.call("GET", "/clients/configs").status_code == 503)

        eventually(are_people_limited)
        device = caller.device("sensor-1", "k" * 12)
        taken = connections_to(service.port) - before

    assert device.status_code == 200
    assert taken < 10
    eventually(lambda: caller.call("GET", "/clients/configs").status_code == 200)
