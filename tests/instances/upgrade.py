"""Upgrades from an earlier commit to this one, as an operator does, and looks whether a device notices.

`python -m tests.instances.upgrade COMMIT` (`make upgrade-drill FROM=COMMIT`) unpacks the commit below var/upgrade with
packages of its own. On PostgreSQL two instances of it serve behind nginx while `migrate` of this one runs, work on the
newer schema, are replaced one after the other, and one comes back. On SQLite it is stopped, migrated and started anew.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import uuid
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bootstrap_project.magistrala.sandbox.seed import CLIENT_ID
from tests.instances.cluster import FLEET, LIST, Browser, Cluster, prepare, settings_of, start_refresh
from tests.journeys.conftest import Caller
from tests.support.instances import Devices, WorkerProcess, kill, manage, statuses
from tests.support.nginx import NGINX, Nginx
from tests.support.postgres import PostgresError, PostgresServer
from tests.support.sandbox import SandboxProcess
from tests.support.server import ROOT, ServerProcess
from tests.support.waiting import eventually

Say = Callable[[str], object]


@dataclass(frozen=True)
class Release:
    """The code of a commit, and the Python with its packages."""

    folder: Path
    python: str = sys.executable


NOW = Release(ROOT)
#: Of both rings; those that settings give are written by every release, those that are derived are not the same in all.
OWN_KEYS = {
    name: f"drill:{b64encode(os.urandom(32)).decode()}"
    for name in ("MG_BOOTSTRAP_SEALING_KEYS", "MG_BOOTSTRAP_KEY_PEPPERS")
}


def unpack(commit: str, folder: Path) -> Release:
    """Write the files of a commit into a folder, to be run with the packages of this one.

    Raises: subprocess.CalledProcessError where this is no clone that has it.
    """
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return Release(folder)


def install(release: Release) -> Release:
    """Give a release packages of its own, those of its lock."""
    subprocess.run(["make", "--no-print-directory", "environment", "LEVEL=runtime"], cwd=release.folder, check=True)
    return Release(release.folder, str(release.folder / ".venv" / "bin" / "python"))


class Operator:
    """Does what operators do, at one instance after the other."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self._token = sandbox.token()
        self._browser = Browser()
        self.enrolled: list[str] = []

    def work(self, one: ServerProcess) -> None:
        """Enrol a device with a secret, bind it, change it, and look at the admin's list."""
        caller, name = Caller(one.url, self._token), f"enrolled-{uuid.uuid4().hex}"
        slots = [{"name": "mqtt", "type": "client", "required": True, "fields": ["id", "secret"]}]
        template = '{"secret": "{{ (index .Bindings "mqtt").Secret.secret }}"}'
        profile = {"name": name, "template_format": "json", "content_template": template, "binding_slots": slots}
        made = caller.call("POST", "/clients/bootstrap/profiles", profile)
        assert made.status_code == 201, made.text
        body = {"external_id": name, "external_key": name, "client_key": "sealed", "profile_id": made.json()["id"]}
        answer = caller.call("POST", "/clients/configs", body)
        assert answer.status_code == 201, answer.text
        path = f"/clients/configs/{answer.json()['id']}"
        binding = {"slot": "mqtt", "type": "client", "resource_id": CLIENT_ID}
        bound = caller.call(
            "PUT", f"/clients/bootstrap/enrollments/{answer.json()['id']}/bindings", {"bindings": [binding]}
        )
        assert bound.status_code in {200, 204}, f"{bound.status_code} {bound.text}"
        changed = caller.call("PATCH", path, {"render_context": {"site": "changed"}})
        assert changed.status_code == 200, changed.text
        if self._browser.get(one.url, LIST).status_code != 200:
            self._browser.log_in(one.url)
        assert self._browser.get(one.url, LIST).status_code == 200
        self.enrolled.append(name)

    def check(self, one: ServerProcess) -> None:
        """See that an instance serves all that were enrolled, wherever that was."""
        answers = {name: Caller(one.url, "").device(name, name).status_code for name in self.enrolled}
        refused = {name: status for name, status in answers.items() if status != 200}
        assert not refused, f"{one.folder} does not serve devices that were enrolled at another instance: {refused}"


def drill_postgres(
    before: Release,
    url: str,
    folder: Path,
    sandbox: SandboxProcess,
    say: Say,
    keys: Mapping[str, str] | None = None,
    *,
    operators_wait: bool = False,
) -> None:
    """Replace two instances under load; with `operators_wait` nobody works at this release before all are replaced."""
    settings = {**settings_of(url, sandbox), **(keys or {})}
    manage(settings, "migrate", "--noinput", folder=before.folder, python=before.python)
    prepare(settings, FLEET, folder=before.folder, python=before.python)
    operator = Operator(sandbox)
    with ExitStack() as stack:
        old = [
            stack.enter_context(ServerProcess(settings, folder=before.folder, python=before.python)) for _ in range(2)
        ]
        nginx = stack.enter_context(Nginx(folder, [one.port for one in old]))
        cluster = Cluster(old, nginx, settings)
        operator.work(old[0])
        begun = begin_run(before, old[0], settings, sandbox)
        with Devices(nginx.port, FLEET, range(FLEET.configs)) as devices:

            def step(what: str) -> None:
                devices.wait(100)
                assert devices.failures == [], f"{what}: {devices.failures[:5]}"
                say(f"{what}: {devices.answered} devices were answered so far, and no call failed")

            step("The release before serves")
            manage(settings, "migrate", "--noinput")
            step("The database was migrated")
            for one in old:
                operator.work(one)
                operator.check(one)
            step("The release before works on the newer schema")
            for number, one in enumerate(old):
                cluster.nginx.choose([port for port in cluster.ports if port != one.port])
                assert one.halt() == 0
                one.folder, one.python = NOW.folder, NOW.python
                one.start()
                cluster.nginx.choose(cluster.ports)
                if not operators_wait or number == 1:
                    operator.work(one)
                    for each in old:
                        operator.check(each)
                step(f"Instance {number + 1} was replaced")
            if not operators_wait:
                # As its own start does where that migrates.
                manage(settings, "migrate", "--noinput", folder=before.folder, python=before.python)
                kill(old[0])
                old[0].folder, old[0].python = before.folder, before.python
                old[0].start()
                operator.check(old[0])
                step("One went back to the release before")
        assert statuses(old[1].port, FLEET, range(FLEET.configs)) == {"200": FLEET.configs}
        manage(settings, "reseal_secrets")
        manage(settings, "reseal_secrets", "--check")
        operator.check(old[1])
        if begun:
            finish_run(settings)
            say("What a worker of the release before had begun was finished by one of this")


def begin_run(before: Release, one: ServerProcess, settings: Mapping[str, str], sandbox: SandboxProcess) -> bool:
    """Start work in the background and kill the worker that is at it; False where the release has no worker."""
    if not (before.folder / "bootstrap_project" / "runs").is_dir():
        return False
    browser = Browser()
    browser.log_in(one.url)
    sandbox.latency(60)
    with WorkerProcess(settings, folder=before.folder, python=before.python) as worker:
        start_refresh(browser, one)
        eventually(lambda: run_state(settings) == "running")
        worker.end(signal.SIGKILL)
    sandbox.latency(0)
    return True


def finish_run(settings: Mapping[str, str]) -> None:
    """Let a worker of this release take up what was begun, half a minute later."""
    with psycopg.connect(settings["DATABASE_URL"]) as connection:
        connection.execute("UPDATE runs_run SET beat_at = beat_at - interval '1 minute'")
    with WorkerProcess(settings):
        eventually(lambda: run_state(settings) in {"done", "failed"})
    assert run_state(settings) == "done"


def run_state(settings: Mapping[str, str]) -> str:
    with psycopg.connect(settings["DATABASE_URL"]) as connection:
        (row,) = connection.execute("SELECT state FROM runs_run").fetchall()
    return str(row[0])


def drill_sqlite(before: Release, folder: Path, sandbox: SandboxProcess, say: Say) -> None:
    """Stop, migrate and start anew on a file."""
    settings = settings_of(f"sqlite:///{folder}/bootstrap.sqlite3", sandbox)
    manage(settings, "migrate", "--noinput", folder=before.folder, python=before.python)
    prepare(settings, FLEET, folder=before.folder, python=before.python)
    operator = Operator(sandbox)
    with ServerProcess(settings, folder=before.folder, python=before.python) as one:
        operator.work(one)
        operator.check(one)
        assert one.halt() == 0
        manage(settings, "migrate", "--noinput")
        one.folder, one.python = NOW.folder, NOW.python
        one.start()
        operator.work(one)
        operator.check(one)
        assert statuses(one.port, FLEET, range(FLEET.configs)) == {"200": FLEET.configs}
    say("SQLite: the file was migrated, and all devices are answered")


def main() -> int:
    """Run both drills; return 1 when a device was not answered, or an operator."""
    parser = argparse.ArgumentParser(prog="python -m tests.instances.upgrade", description=__doc__)
    parser.add_argument("commit", help="the release before")
    parser.add_argument("--own-keys", action="store_true", help="give the two rings keys of their own")
    parser.add_argument("--operators-wait", action="store_true", help="let no operator work at this release meanwhile")
    arguments = parser.parse_args()
    commit = arguments.commit
    keys = OWN_KEYS if arguments.own_keys else {}
    if NGINX is None:
        sys.stderr.write("nginx is not installed (on Debian: apt-get install nginx-light)\n")
        return 1

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    release = install(unpack(commit, ROOT / "var" / "upgrade" / commit))
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bootstrap-upgrade-")))
            sandbox = stack.enter_context(SandboxProcess())
            server = stack.enter_context(PostgresServer(say=say))
            drill_postgres(release, server.url, folder, sandbox, say, keys, operators_wait=arguments.operators_wait)
            drill_sqlite(release, folder, sandbox, say)
    except (AssertionError, PostgresError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
