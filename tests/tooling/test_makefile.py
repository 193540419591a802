"""`make` on machines that lack something: it says what, in a sentence, and what to do."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: What the recipes need of a machine, beside Python.
PROGRAMS = ("sh", "cat", "cksum", "sed", "rm", "mkdir", "cp", "chmod", "flock", "printf")
MAKE = shutil.which("make") or "make"
LOCK = "bootstrap_project/requirements/runtime.txt"

# Behaves as Python as far as setting up goes; it can make a virtual environment of itself and "install".
FAKE_PYTHON = """#!/bin/sh
echo "$*" >> "$PYTHON_LOG"
case "$*" in
    *"sys.version_info < (3, 11)"*) exit {too_old} ;;
    *"import ensurepip"*) exit {no_venv} ;;
    *"-venv"*) echo python3.11-venv ;;
    --version) echo "Python {version}" ;;
    "-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    "-m pip install"*) exit {no_network} ;;
esac
"""


class Machine:
    """A checkout in a folder with a space in its name, and a PATH with nothing but what we put there."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "a checkout"
        self.programs = folder / "programs"
        self.log = folder / "python.log"
        (self.checkout / LOCK).parent.mkdir(parents=True)
        self.programs.mkdir()
        shutil.copy(ROOT / "Makefile", self.checkout)
        for name in ("runtime", "development"):
            (self.checkout / LOCK).with_name(f"{name}.txt").write_text("django==5.2.0\n")
        for name in PROGRAMS:
            path = shutil.which(name)
            if path:
                (self.programs / name).symlink_to(path)
        self.add("id", "#!/bin/sh\necho 1000\n")

    def add(self, name, text):
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def add_python(self, name="python3", *, version="3.11.2", too_old=0, no_venv=0, no_network=0):
        fake = FAKE_PYTHON.format(version=version, too_old=too_old, no_venv=no_venv, no_network=no_network)
        self.add(name, fake)

    def make(self, *arguments, user=None, **environment):
        return subprocess.run(
            [MAKE, "--no-print-directory", *arguments],
            cwd=self.checkout,
            user=user,
            env={"PATH": str(self.programs), "PYTHON_LOG": str(self.log), **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def installations(self):
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return sum("pip install" in line for line in lines)


@pytest.fixture
def machine():
    # Not pytest's own folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="bootstrap-make-") as folder:
        Path(folder).chmod(0o755)
        yield Machine(Path(folder))


def test_missing_python_is_named(machine):
    done = machine.make("run")

    assert done.returncode != 0
    assert "Python 3.11 or newer is needed and was not found." in done.stderr
    assert "apt-get install python3" in done.stderr


def test_older_python_is_named_with_its_version(machine):
    machine.add_python(version="3.9.2", too_old=1)

    done = machine.make("run")

    assert done.returncode != 0
    assert "was not found (this is Python 3.9.2)" in done.stderr


def test_unusable_choice_of_python_is_refused(machine):
    machine.add_python()

    done = machine.make("run", PYTHON="/nowhere/python3.11")

    assert done.returncode != 0
    assert "PYTHON is set to '/nowhere/python3.11'" in done.stderr


def test_missing_venv_package_is_named_to_those_who_cannot_install_it(machine):
    machine.add_python(no_venv=1)

    done = machine.make("run")

    assert done.returncode != 0
    assert "sudo apt-get install python3.11-venv" in done.stderr


def test_root_gets_the_venv_package_installed(machine):
    machine.add_python(no_venv="$([ -e installed ]; echo $?)")
    machine.add("id", "#!/bin/sh\necho 0\n")
    machine.add("apt-get", '#!/bin/sh\necho "$*" >> apt.log\ncase "$1" in install) : > installed ;; esac\n')

    done = machine.make("environment")

    assert done.returncode == 0, done.stderr
    assert "Installing Debian's python3.11-venv" in done.stdout
    assert "install -y -qq --no-install-recommends python3.11-venv" in (machine.checkout / "apt.log").read_text()


def test_folder_without_write_access_is_named(machine):
    machine.add_python()
    machine.checkout.chmod(0o555)

    # Root may write anywhere, so somebody else has to try.
    done = machine.make("run", user=65534 if os.geteuid() == 0 else None)

    machine.checkout.chmod(0o755)
    assert done.returncode != 0
    assert "No permission to write" in done.stderr


def test_prepared_checkout_serves_and_migrates_for_those_who_may_only_read_it(machine):
    machine.add_python()
    assert machine.make("environment").returncode == 0
    machine.log.chmod(0o666)
    for path in [machine.checkout, *machine.checkout.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)

    # Root may write anywhere, so somebody else has to try.
    done = machine.make("serve", "migrate", user=65534 if os.geteuid() == 0 else None)

    for path in [machine.checkout, *machine.checkout.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
    assert (done.returncode, done.stderr) == (0, "")
    assert "-m bootstrap_project.serve" in machine.log.read_text()
    assert "manage.py migrate --noinput" in machine.log.read_text()


def test_programs_find_the_checkout_from_anywhere(machine):
    machine.add_python()
    packages = machine.checkout / ".venv" / "lib" / "python3.11" / "site-packages"
    machine.make("environment")
    packages.mkdir(parents=True)

    machine.make("environment")

    assert (packages / "bootstrap.pth").read_text() == f"{machine.checkout}\n"


def test_programs_of_the_package_are_there_whatever_the_checkout_is_called(machine):
    machine.add_python()

    machine.make("environment")

    for name in ("magistrala-cli", "bootstrap-manage"):
        program = machine.checkout / ".venv" / "bin" / name
        machine.log.write_text("")
        subprocess.run([program, "--a b"], env={"PYTHON_LOG": str(machine.log), "PATH": os.environ["PATH"]}, check=True)
        assert machine.log.read_text() == f"{program} --a b\n"


def test_unreachable_registry_is_named_and_tried_again(machine):
    machine.add_python(no_network=1)

    first, second = machine.make("environment"), machine.make("environment")

    assert first.returncode != 0
    assert second.returncode != 0
    assert "A package registry must be in reach." in first.stderr
    assert machine.installations() == 2


def test_second_setup_installs_nothing(machine):
    machine.add_python()

    first, second = machine.make("environment"), machine.make("environment")

    assert (first.returncode, second.returncode) == (0, 0)
    assert "Installing the locked runtime packages" in first.stdout
    assert second.stdout == ""
    assert machine.installations() == 1


def test_changed_lock_is_installed(machine):
    machine.add_python()
    machine.make("environment")
    (machine.checkout / LOCK).write_text("django==5.2.1\n")

    machine.make("environment")

    assert machine.installations() == 2


def test_environment_that_was_moved_here_is_made_anew(machine):
    machine.add_python()
    machine.make("environment")
    moved = machine.checkout.with_name("elsewhere")
    machine.checkout.rename(moved)
    machine.checkout = moved

    done = machine.make("environment")

    assert "Making .venv" in done.stdout


def test_development_setup_serves_the_runtime_commands_too(machine):
    machine.add_python()

    first, second = machine.make("setup"), machine.make("environment")

    assert "Installing the locked development packages" in first.stdout
    assert second.stdout == ""


def test_parallel_goals_install_once(machine):
    machine.add_python()

    done = machine.make("-j4", "migrate", "setup")

    assert done.returncode == 0, done.stderr
    assert machine.installations() == 1


def test_without_a_goal_the_commands_are_listed(machine):
    done = machine.make()

    assert done.returncode == 0
    for command in ("setup", "run", "demo", "test", "check", "bench", "serve", "migrate", "lock", "fmt", "clean"):
        assert f"make {command} " in done.stdout
