"""The units: systemd takes them, and what they say fits the product."""

import re
import shlex
import shutil
import subprocess

import pytest
from django.core.management import get_commands

from bootstrap_project.checks.configuration import check_magistrala_urls
from bootstrap_project.server.worker import STOP_TIMEOUT_SECONDS
from tests.deploying.facts import DEPLOY, documented_settings, pairs, setting_names

FOLDER = DEPLOY / "systemd"
FILES = sorted([*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")])
SERVICES = [path for path in FILES if path.suffix == ".service"]
services = pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)


def entries(path):
    """Return each key's values, in order."""
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(tmp_path):
    for path in FILES:
        # It looks whether the programs are there.
        text = re.sub(r"/opt/bootstrap/.venv/bin/python", "/bin/true", path.read_text(encoding="utf-8"))
        (tmp_path / path.name.replace("@", "@9013")).write_text(text)

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@services
def test_commands_are_ours(path):
    commands = {"-m": {"bootstrap_project.serve"}, "manage.py": get_commands().keys()}
    for line in entries(path)["ExecStart"]:
        found = re.search(r"/opt/bootstrap/.venv/bin/python (\S+) (\S+)", line)
        assert found, line
        assert found[2] in commands[found[1]]


@services
def test_services_run_as_their_user_and_write_nowhere_else(path):
    said = entries(path)

    assert said["User"] == said["Group"] == said["StateDirectory"] == ["bootstrap"]
    assert said["NoNewPrivileges"] == said["PrivateTmp"] == said["ProtectHome"] == ["yes"]
    assert said["ProtectSystem"] == ["strict"]
    assert said["EnvironmentFile"][0] == "/etc/bootstrap/bootstrap.env"


def test_the_server_has_time_to_drain_and_to_finish_and_comes_back():
    said = entries(FOLDER / "bootstrap@.service")
    own = dict(pair.split("=") for line in said["Environment"] for pair in shlex.split(line))

    assert int(said["TimeoutStopSec"][0]) > int(own["MG_BOOTSTRAP_DRAIN_SECONDS"]) + STOP_TIMEOUT_SECONDS
    assert said["KillMode"] == ["mixed"]
    assert said["Restart"] == ["on-failure"]
    assert said["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    # What the unit says by the instance's name, the file of settings must not say again.
    assert own.keys().isdisjoint(pairs(DEPLOY / "bootstrap.env"))


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".timer"], ids=lambda path: path.name)
def test_each_timer_has_its_service(path):
    assert path.with_suffix(".service") in SERVICES
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:00", entries(path)["OnCalendar"][0])


def test_every_setting_is_a_documented_one():
    named = set().union(*(setting_names(path.read_text(encoding="utf-8")) for path in [*FILES, FOLDER / "bootstrap"]))

    assert sorted((named | pairs(DEPLOY / "bootstrap.env").keys()) - documented_settings()) == []


def test_a_shell_reads_the_settings_as_systemd_does(tmp_path):
    done = subprocess.run(
        ["sh", "-ec", f"set -a; . {DEPLOY}/bootstrap.env; env"], capture_output=True, text=True, env={}, check=True
    )
    read = dict(line.split("=", 1) for line in done.stdout.splitlines())

    assert pairs(DEPLOY / "bootstrap.env").items() <= read.items()
    subprocess.run(["sh", "-n", FOLDER / "bootstrap"], check=True)


def test_no_address_of_the_platform_is_warned_of(settings):
    for name, value in pairs(DEPLOY / "bootstrap.env").items():
        if name.startswith("MG_") and name.endswith("_URL") and "BOOTSTRAP" not in name:
            setattr(settings, name, value)

    assert check_magistrala_urls(None) == []
