"""The program as people and shells run it: a process of its own."""

import importlib.metadata
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import tomllib
import venv
from pathlib import Path

import click
import pytest

from tests.cli.conftest import DOMAIN, ROOT, UNKNOWN, clean_environment, unique
from tests.cli.http_server import FakeServer, Reply

COMMAND = [sys.executable, "-m", "bootstrap_project.cli"]
GET_ALL = ["bootstrap", "get", "all"]
#: What an ordinary call does not need.
HEAVY = {"cryptography", "requests", "django", "urllib3", "tomllib", "getpass", "argparse", "dataclasses"}


def run(*argv, command=COMMAND, stdin=b"", **variables):
    return subprocess.run(
        [*command, *argv],
        cwd=ROOT,
        env=clean_environment(**variables),
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )


def loaded_by(*argv):
    """Return the names of the modules that a run has loaded."""
    program = (
        "import sys; from bootstrap_project.cli.main import main; main(sys.argv[1:]); "
        "sys.stderr.write('\\n'.join(['', *sys.modules]))"
    )
    found = set(run(*argv, command=[sys.executable, "-c", program]).stderr.decode().split())
    assert "bootstrap_project.cli.main" in found, argv
    return found


def can_build():
    """Whether packages can be built without fetching anything: with pip, and a setuptools that knows our metadata."""
    try:
        return (
            importlib.metadata.version("pip") != ""
            and int(importlib.metadata.version("setuptools").split(".")[0]) >= 80
        )
    except importlib.metadata.PackageNotFoundError:
        return False


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The program in an environment that has nothing but Python, click and the package; the path of its script.

    Installed by pip where a new setuptools is at hand; else as pip would, by the entry point in pyproject.toml.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    script = folder / "bin" / "magistrala-cli"
    packages = next(folder.glob("lib/python*/site-packages"))
    shutil.copytree(Path(click.__file__).parent, packages / "click", ignore=shutil.ignore_patterns("__pycache__"))
    if can_build():
        source = folder / "source"
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "var", "tests", "__pycache__"))
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source], check=True)
        subprocess.run([*pip, "--python", python, "install", "--no-deps", *folder.glob("*.whl")], check=True)
        return script
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["magistrala-cli"]
    module, _, function = entry.partition(":")
    script.write_text(f"#!{python}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (packages / "checkout.pth").write_text(f"{ROOT}\n")
    return script


def test_installed_program_works_with_click_alone(installed, service, token, tmp_path):
    config = json.dumps({"external_id": unique("installed"), "external_key": "key", "name": "größe"})
    settings = {"MG_BOOTSTRAP_URL": service.url, "MG_DOMAIN_ID": DOMAIN, "MG_TOKEN": token}

    made = run("bootstrap", "create", "-", "-r", command=[installed], stdin=config.encode(), **settings)
    shown = run("bootstrap", "get", made.stdout.decode().strip(), command=[installed], **settings)
    refused = run("bootstrap", "get", UNKNOWN, command=[installed], **settings)
    secure = run("bootstrap", "bootstrap", "secure", "id", "key", "0123456789abcdef", command=[installed], **settings)

    assert (made.returncode, made.stderr) == (0, b"")
    assert json.loads(shown.stdout)["external_id"] == json.loads(config)["external_id"]
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert refused.stderr.startswith(b"error: Status: Not Found: entity not found\n")
    assert secure.returncode in {1, 2}
    assert b"Traceback" not in secure.stderr
    assert run("--version", command=[installed]).stdout.startswith(b"magistrala-cli ")


@pytest.mark.parametrize(
    "variables",
    [
        {"LANG": "C", "LC_ALL": "C"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_output_is_utf_8_whatever_the_locale(variables):
    with FakeServer(lambda asked: Reply(200, '{"name":"größe ✓"}'.encode())) as server:
        done = run("bootstrap", "get", "größe", "d", "t", "-b", server.url, "-r", **variables)

    assert (done.returncode, done.stdout) == (0, '{"name":"größe ✓"}\n'.encode())
    assert server.asked[0].target == "/d/clients/configs/gr%C3%B6%C3%9Fe"


def test_errors_are_utf_8_whatever_the_locale():
    with FakeServer(lambda asked: Reply(400, '{"message":"größe"}'.encode())) as server:
        done = run(*GET_ALL, "d", "t", "-b", server.url, LC_ALL="C")

    assert (done.returncode, done.stderr) == (1, "error: Status: Bad Request: größe\n".encode())


def test_reader_that_has_seen_enough_is_no_error():
    body = json.dumps({"configs": [{"id": str(number), "content": "x" * 1000} for number in range(2000)]}).encode()
    with FakeServer(lambda asked: Reply(200, body)) as server:
        process = subprocess.Popen(
            [*COMMAND, *GET_ALL, "d", "t", "-b", server.url],
            cwd=ROOT,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()

        assert (process.wait(timeout=60), said) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_is_a_sentence():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, "--help"], cwd=ROOT, env=clean_environment(), stdout=full, stderr=subprocess.PIPE, check=False
        )

    assert (done.returncode, done.stderr) == (4, b"error: the output cannot be written: No space left on device\n")


def test_closed_output_is_no_crash():
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&- 2>&-', "sh", *COMMAND, "--help"], cwd=ROOT, env=clean_environment(), check=False
    )

    assert done.returncode == 4


def test_interruption_is_no_traceback():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            [*COMMAND, *GET_ALL, "d", "t", "-b", f"http://127.0.0.1:{silent.getsockname()[1]}"],
            cwd=ROOT,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        connection, _ = silent.accept()
        with connection:
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)

    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_alone(variables, coloured):
    with FakeServer(lambda asked: Reply(200, b'{"a":[1,"b",null,[]]}')) as server:
        shown = on_terminal(*GET_ALL, "d", "t", "-b", server.url, **variables)
        piped = run(*GET_ALL, "d", "t", "-b", server.url, **variables)

    assert (b"\x1b[" in shown) is coloured
    assert b"\x1b" not in piped.stdout
    assert strip_colours(shown) == piped.stdout.replace(b"\n", b"\r\n")


def on_terminal(*argv, **variables):
    """Run the program with a terminal as its output and return what it shows."""
    leader, follower = os.openpty()
    try:
        subprocess.run([*COMMAND, *argv], cwd=ROOT, env=clean_environment(**variables), stdout=follower, check=True)
        return os.read(leader, 65536)
    finally:
        os.close(leader)
        os.close(follower)


def strip_colours(text):
    for code in (b"34;1", b"32;1", b"36;1", b"33;1", b"0"):
        text = text.replace(b"\x1b[" + code + b"m", b"")
    return text


def test_secret_is_asked_for_on_a_terminal():
    leader, follower = os.openpty()
    with FakeServer(lambda asked: Reply(200, b"{}")) as server:
        with subprocess.Popen(
            [*COMMAND, *GET_ALL, "d", "-", "-b", server.url],
            cwd=ROOT,
            env=clean_environment(),
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
        ) as process:
            shown = b""
            while b"user_auth_token: " not in shown:
                shown += os.read(leader, 65536)
            os.write(leader, b"typed-token\n")
        shown += os.read(leader, 65536)
        os.close(leader)
        os.close(follower)

    assert process.returncode == 0
    assert server.asked[0].headers["Authorization"] == "Bearer typed-token"
    assert b"typed-token" not in shown


def test_calls_load_no_more_than_they_need():
    assert not loaded_by("bootstrap", "get", "all", "d", "t", "-b", "http://127.0.0.1:9") & HEAVY


def test_bash_completes(tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("this system has no bash")
    script = tmp_path / "magistrala-cli"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m bootstrap_project.cli "$@"\n')
    script.chmod(0o755)
    ask = (
        "source <(magistrala-cli completion bash); COMP_WORDS=(magistrala-cli bootstrap pro); COMP_CWORD=2; "
        '_magistrala_cli; printf "%s\\n" "${COMPREPLY[@]}"; complete -p magistrala-cli'
    )

    done = run("-c", ask, command=[bash], PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert done.stdout.decode().splitlines() == ["profiles", "complete -o default -F _magistrala_cli magistrala-cli"]
    assert done.stderr == b""
