"""The demo: what it keeps, what it refuses, and that it stops what it started."""

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bootstrap_project.demo import pi, scenario, secrets
from bootstrap_project.demo.errors import DemoError
from bootstrap_project.demo.processes import Children, free_port
from tests.support.ports import free_port as any_free_port
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
# Each demo looks whether the sandbox's usual port is free and then has its sandbox take it.
one_demo_at_a_time = pytest.mark.turns("demo")
COMMAND = [sys.executable, "-m", "bootstrap_project.demo"]


def environment(port):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MG_", "DJANGO_"))}
    return {**inherited, "MG_BOOTSTRAP_HTTP_HOST": "127.0.0.1", "MG_BOOTSTRAP_HTTP_PORT": str(port)}


def run_demo(folder, port):
    return subprocess.run(
        [*COMMAND, "--exit", "--folder", str(folder)],
        cwd=ROOT,
        env=environment(port),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_secrets_are_made_once_for_their_owner_alone(tmp_path):
    made = secrets.load_or_make(tmp_path)

    assert secrets.load_or_make(tmp_path) == made
    assert stat.S_IMODE((tmp_path / secrets.FILE_NAME).stat().st_mode) == 0o600
    assert len(made["MG_BOOTSTRAP_ENCRYPT_KEY"].encode()) == 32


def test_database_without_its_secrets_is_refused(tmp_path):
    (tmp_path / secrets.DATABASE_NAME).touch()

    with pytest.raises(DemoError, match=r"Put demo\.env back, or start over"):
        secrets.load_or_make(tmp_path)


def test_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(DemoError, match="Cannot write in"):
        secrets.prepare_folder(tmp_path / "file" / "var")


def test_callers_own_systems_are_left_alone(tmp_path):
    caller = {
        "PATH": "/bin",
        "DATABASE_URL": "postgresql://production/db",
        "MG_USERS_URL": "https://production",
        "MG_BOOTSTRAP_DB_HOST": "production",
        "MG_BOOTSTRAP_HTTP_PORT": "9999",
    }

    made = secrets.service_environment(tmp_path, {}, caller, "http://127.0.0.1:9100")

    assert not [value for value in made.values() if "production" in value]
    assert made["MG_BOOTSTRAP_HTTP_PORT"] == "9999"
    assert made["MG_USERS_URL"] == "http://127.0.0.1:9100"


def test_another_port_is_taken_when_the_usual_one_is_busy():
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]

        assert free_port(port) != port


def test_process_that_ends_by_itself_is_named_with_its_last_words(tmp_path):
    with Children() as children, pytest.raises(DemoError, match=r"(?s)The sandbox ended by itself .*No module named"):
        children.start("sandbox", tmp_path / "log", os.environ, "this_module_does_not_exist", ready=lambda: False)


def test_process_that_ends_later_is_named_too(tmp_path):
    with Children() as children:
        children.start("sandbox", tmp_path / "log", os.environ, "this_module_does_not_exist", ready=lambda: True)

        with pytest.raises(DemoError, match=r"(?s)The sandbox ended by itself .*No module named"):
            children.watch()


def test_process_that_fails_instead_of_ending_well_is_named_with_its_last_words(tmp_path):
    with Children() as children, pytest.raises(DemoError, match=r"(?s)The migration failed \(exit code 1\).*No module"):
        children.run("migration", tmp_path / "log", os.environ, "this_module_does_not_exist")


def test_template_is_the_specifications():
    assert json.loads(re.sub(r"\{\{.*?\}\}", "0", pi.PROFILE["content_template"]))["mqtt"]["port"] == 0
    assert pi.expected_configuration("x")["device"]["sample_interval_seconds"] == 15


def test_silent_service_is_a_sentence():
    port = any_free_port()

    with pytest.raises(DemoError, match="gave no answer to GET"):
        scenario.bootstrap(f"http://127.0.0.1:{port}")
    assert not scenario.is_healthy(f"http://127.0.0.1:{port}")


def test_taken_port_is_a_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run_demo(tmp_path, taken.getsockname()[1])

    assert done.returncode == 1
    assert "Cannot listen on 127.0.0.1" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@one_demo_at_a_time
def test_pi_is_enrolled_once_and_bootstrapped_by_every_run(tmp_path):
    port = any_free_port()
    first = run_demo(tmp_path, port)
    second = run_demo(tmp_path, port)

    for done in (first, second):
        assert done.returncode == 0, done.stdout + done.stderr
        assert '"client_secret": "example-client-secret"' in done.stdout
        assert f"Client {pi.EXTERNAL_KEY}" in done.stdout
        assert f"http://127.0.0.1:{port}/admin/" in done.stdout
    assert "Enrolling the Raspberry Pi" in first.stdout
    assert "nothing is enrolled anew" in second.stdout
    assert re.findall(r'"id": "(.*)"', first.stdout) == re.findall(r'"id": "(.*)"', second.stdout)
    assert not is_open(port)


@pytest.mark.slow
@one_demo_at_a_time
def test_running_demo_stops_everything_when_asked(tmp_path):
    port = any_free_port()
    process, output = start_demo(tmp_path, port)
    sandbox_port = number_in(output, r"Sandbox:\s+http://127\.0\.0\.1:(\d+)")
    assert is_open(port)
    assert is_open(sandbox_port)

    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=60) == 0
    assert not is_open(port)
    assert not is_open(sandbox_port)


@pytest.mark.slow
@one_demo_at_a_time
def test_many_signals_are_one_stop(tmp_path):
    process, output = start_demo(tmp_path, any_free_port())

    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP] * 7:
        process.send_signal(number)
        time.sleep(0.001)

    assert process.wait(timeout=60) == 0, output.read_text()
    assert "Traceback" not in output.read_text()
    assert processes_with(tmp_path) == []


@pytest.mark.slow
@one_demo_at_a_time
@pytest.mark.parametrize("seconds", [0.4, 0.8, 1.2, 2.0, 3.0])
def test_signals_in_the_course_of_the_start_leave_nobody_behind(tmp_path, seconds):
    path = tmp_path / "output"
    with path.open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, "--folder", str(tmp_path / "var")],
            cwd=ROOT,
            env={**environment(any_free_port()), "TMPDIR": str(tmp_path)},
            stdout=output,
            stderr=output,
        )
    eventually(lambda: "Starting the Magistrala sandbox" in path.read_text())
    time.sleep(seconds)

    for number in [signal.SIGTERM, signal.SIGINT] * 10:
        process.send_signal(number)

    assert process.wait(timeout=60) in {0, 130}, path.read_text()
    assert "Traceback" not in path.read_text()
    assert processes_with(tmp_path) == []


def run_code(code):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout, done.stderr


@pytest.mark.slow
def test_signals_disturb_neither_the_start_of_a_process_nor_the_clean_up():
    code = """
import os, pathlib, signal
from bootstrap_project.demo import processes
def signal_us():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * 2:
        signal.raise_signal(number)
class Child(processes.Child):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        print(self.pid)
        signal_us()
    def stop(self):
        signal_us()
        super().stop()
        print("cleaned up")
processes.Child = Child
try:
    with processes.Children() as children:
        children.stop_on_signals()
        children.start("sandbox", pathlib.Path(os.devnull), os.environ, "http.server", "0", ready=lambda: False)
        print("never")
except processes.Stopped:
    print("stopped")
"""
    output, errors = run_code(code)
    child, *said = output.split("\n")

    assert (said, errors) == (["cleaned up", "stopped", ""], "")
    assert not Path("/proc", child).exists()


def processes_with(folder):
    """Return the ids of the processes that have this folder for their temporary files."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if f"TMPDIR={folder}".encode() in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
    return found


@pytest.mark.slow
@one_demo_at_a_time
def test_running_demo_ends_with_the_service(tmp_path):
    port = any_free_port()
    process, output = start_demo(tmp_path, port)
    service = number_in(tmp_path / "var" / "demo-service.log", r"main PID: (\d+)")

    os.killpg(service, signal.SIGKILL)

    assert process.wait(timeout=60) == 1
    assert "The service ended by itself" in output.read_text()


def start_demo(folder, port):
    """Start the demo, wait until it serves, and return it with the file that it prints to."""
    path = folder / "output"
    with path.open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, "--folder", str(folder / "var")],
            cwd=ROOT,
            # What a killed service leaves is left here.
            env={**environment(port), "TMPDIR": str(folder)},
            stdout=output,
            stderr=output,
        )
    deadline = time.monotonic() + 60
    while "Serving until Ctrl-C." not in path.read_text():
        assert process.poll() is None, path.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process, path


def number_in(path, pattern):
    """Return the number that `pattern` captures in a file."""
    found = re.search(pattern, path.read_text())
    assert found
    return int(found[1])
