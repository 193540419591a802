"""The wheel is the whole product: it serves, and its commands work, from a folder that has nothing of the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import requests

from tests.support.server import DEFAULTS, ROOT, ServerProcess

NOT_INHERITED = ("MG_", "DATABASE_URL", "DJANGO_")
SHIPPED = ("bootstrap_project", "configs", "devices", "enrollments", "profiles", "templates")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of a copy without asking any registry."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "var", "tests", "__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "wheel", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "-w", folder, source], check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it; what it depends on comes from the tests' own."""
    folder = tmp_path_factory.mktemp("installed") / "env"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--python", str(python)]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", wheel], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # Of a path that is added so, the .pth files are not read: one of them leads back to the checkout.
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder


@pytest.fixture(scope="module")
def service(installed, tmp_path_factory) -> Iterator[tuple[ServerProcess, Path]]:
    """The installed server, on the SQLite of the empty folder that it was started in."""
    folder = tmp_path_factory.mktemp("elsewhere")
    migrated = run(installed, folder, "bootstrap-manage", "migrate", "--noinput", "-v", "0")
    assert migrated.returncode == 0, migrated.stderr
    with ServerProcess(
        {"MG_BOOTSTRAP_WORKERS": "1"}, python=str(installed / "bin" / "python"), folder=folder
    ) as server:
        yield server, folder


def run(installed: Path, folder: Path, program: str, *arguments: str, **environment: str):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    return subprocess.run(
        [installed / "bin" / program, *arguments],
        cwd=folder,
        env=inherited | DEFAULTS | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_file_of_the_product_is_in_the_wheel(wheel):
    listed = subprocess.run(["git", "ls-files", "-z", *SHIPPED], cwd=ROOT, capture_output=True, text=True, check=False)
    tracked = {name for name in listed.stdout.split("\0") if (ROOT / name).is_file()}
    if not tracked:
        tracked = {
            str(path.relative_to(ROOT))
            for top in SHIPPED
            for path in (ROOT / top).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    assert tracked - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_no_module_is_from_the_checkout(installed, tmp_path):
    code = "import bootstrap_project, configs, devices, sys; print(bootstrap_project.__file__, *sys.path)"

    said = run(installed, tmp_path, "python", "-c", code).stdout

    assert str(ROOT / "bootstrap_project") not in said
    assert str(installed) in said


def test_pages_of_programs_and_people_are_served(service):
    server, _folder = service

    def read(path: str) -> str:
        with urlopen(f"{server.url}{path}") as answer:
            assert answer.status == 200
            return str(answer.read().decode())

    assert '"pass"' in read("/health")
    login = read("/admin/login/")
    assert "Bootstrap" in login
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', login + read("/api/"))
    assert any("bootstrap/admin.css" in name for name in files)
    for name in files:
        assert read(name), name


def test_people_log_in_to_the_first_page(installed, service):
    server, folder = service
    made = run(
        installed,
        folder,
        "bootstrap-manage",
        *("createsuperuser", "--noinput", "--username", "ada", "--email", ""),
        DJANGO_SUPERUSER_PASSWORD="correct horse battery",
    )
    assert made.returncode == 0, made.stderr

    with requests.Session() as session:
        page = session.get(f"{server.url}/admin/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        home = session.post(
            f"{server.url}/admin/login/",
            {
                "username": "ada",
                "password": "correct horse battery",
                "csrfmiddlewaretoken": token[1],
                "next": "/admin/",
            },
        )

    assert home.status_code == 200
    assert "Devices and what they are given" in home.text


def test_the_data_lies_where_it_was_started(installed, service):
    _server, folder = service

    assert (folder / "var" / "bootstrap.sqlite3").is_file()
    assert not list(installed.rglob("*.sqlite3*"))


def test_the_command_line_is_there(installed, service):
    server, folder = service

    done = run(installed, folder, "magistrala-cli", "bootstrap", "get", "all", "d", "x", "-b", server.url)

    # There is no platform to say whose token it is; what counts is that the service was asked and said so.
    assert done.returncode == 3
    assert done.stderr.startswith("error: Status: ")


def test_a_command_says_what_is_wrong_in_one_sentence(installed, tmp_path):
    for environment in ({"MG_BOOTSTRAP_SECRET_KEY": ""}, {"DATABASE_URL": "sqlite:////no/such/folder/x"}):
        done = run(installed, tmp_path, "bootstrap-manage", "migrate", **environment)

        assert done.returncode == 1
        assert done.stderr.startswith("bootstrap: ")
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_set_up_checkout_has_the_same_programs():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]

    for name, entry in scripts.items():
        module, _, function = entry.partition(":")
        assert function == "main"
        assert f"program {name} {module}\n" in (ROOT / "Makefile").read_text().replace("; }", "")
