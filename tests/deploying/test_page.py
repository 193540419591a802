"""The page on deploying, walked from its first command to its last."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading

import pytest

from tests.deploying.facts import PAGE, documented_settings, setting_names
from tests.deploying.page import blocks, is_printed
from tests.support.waiting import eventually

TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = blocks(TEXT)
#: A whole installation, and then some: as long as a busy machine may need.
WALK_SECONDS = 900


def test_every_command_is_run_or_says_why_not():
    assert len(BLOCKS) == TEXT.count("\n```") / 2
    for block in BLOCKS:
        assert block.kind in {"console", "json"}, block.text
        assert block.kind == "json" or block.text.startswith("$ "), block.text
        assert not block.note or block.reason or block.program or block.note == "log lines", block.note
    assert len([block for block in BLOCKS if block.kind == "console" and not block.reason]) >= 15


def test_every_setting_that_the_page_names_is_documented():
    families = {"MG_BOOTSTRAP_LIMIT"}

    assert sorted(setting_names(TEXT) - documented_settings() - families) == []


def test_every_heading_that_the_page_links_is_there():
    headings = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    assert sorted(set(re.findall(r"\]\(#([^)]*)\)", TEXT)) - anchors) == []


@pytest.mark.parametrize(
    ("expected", "printed", "is_it"),
    [
        (("a…c",), "x\nabc\n", True),
        (("a…c", "d"), "abc\nx\nd\n", True),
        (("d", "a…c"), "abc\nd\n", False),
        (("…", "d"), "d\n", True),
        (("a",), "ab\n", False),
    ],
)
def test_what_is_printed_is_compared_line_by_line(expected, printed, is_it):
    assert is_printed(expected, printed) is is_it


@pytest.mark.slow
def test_the_page_leads_from_an_empty_postgresql_to_served_devices(world):
    commands = [
        command
        for block in BLOCKS
        if block.kind == "console" and not block.reason and (not block.program or shutil.which(block.program))
        for command in block.commands()
    ]
    lines = ["exec 2>&1"]
    for number, command in enumerate(commands):
        lines += [f"printf '\\n@@ {number}\\n'", world.translated(command.text), "code=$?; [ $code = 0 ] || exit $code"]

    done = subprocess.run(
        ["bash", "-c", "\n".join([*lines, "printf '\\n@@ end\\n'"])],
        cwd=world.checkout,
        env=world.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WALK_SECONDS,
        check=False,
    )

    parts = re.split(r"^@@ (\w+)\n", done.stdout, flags=re.MULTILINE)[1:]
    printed = dict(zip(parts[::2], parts[1::2], strict=True))
    logs = "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in (world.root / "var/log").iterdir())
    assert done.returncode == 0, f"it stopped at {commands[len(printed) - 1].text}\n{done.stdout[-3000:]}\n{logs}"
    other = [
        f"{command.text}\n{printed[str(number)]}"
        for number, command in enumerate(commands)
        if not is_printed(tuple(map(world.translated, command.expected)), printed[str(number)])
    ]
    assert other == []

    log_in(world)
    expect_no_failure_while_instances_are_replaced(world)
    expect_devices_and_operators_to_go_on_without_each_other(world)


def log_in(world):
    """Log in to the admin through nginx as the page's operator, and look at the home page."""
    login, jar = "https://boot.example.com/admin/login/", str(world.root / "cookies")
    page = world.run("curl", "-sS", "-f", "-c", jar, login)
    (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page))
    password = (world.root / "home/ada-password").read_text().strip()
    fields = {"csrfmiddlewaretoken": token, "username": "ada", "password": password, "next": "/admin/"}

    sent = [word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}")]
    home = world.run("curl", "-sS", "-f", "-L", "-b", jar, "-c", jar, "-e", login, *sent, login)

    assert "Latest failures" in home
    assert "Magistrala" in home


def device_status(world):
    """Return what the page's device is answered through nginx."""
    address = "https://boot.example.com/clients/bootstrap/sensor-1"
    key = "Authorization: Client a-key-of-more-than-twelve-bytes"
    return world.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", key, address)


def operator_status(world):
    """Return what somebody who opens the admin is answered through nginx."""
    return world.run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "https://boot.example.com/admin/login/")


def expect_no_failure_while_instances_are_replaced(world):
    """Have a device ask all the time while both of its instances are restarted one after the other."""
    done, statuses = threading.Event(), []

    def ask():
        while not done.is_set():
            statuses.append(device_status(world))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for port in ("9023", "9024"):
            world.run("systemctl", "restart", world.translated(f"bootstrap@{port}"))
            address = world.translated(f"http://127.0.0.1:{port}/health")
            world.run("curl", "-sS", "-f", "--retry", "60", "--retry-delay", "1", "--retry-all-errors", address)
    finally:
        done.set()
        asking.join()
    assert set(statuses) == {"200"}, statuses


def expect_devices_and_operators_to_go_on_without_each_other(world):
    """Stop the instances of operators, then those of devices, and look at the others."""
    operators, devices = ([world.translated(f"bootstrap@90{n}{m}") for m in "34"] for n in "12")

    world.run("systemctl", "stop", *operators)
    assert (device_status(world), operator_status(world)) == ("200", "502")
    world.run("systemctl", "start", *operators)
    world.run("systemctl", "stop", *devices)
    eventually(lambda: operator_status(world) == "200")
    assert device_status(world) == "502"
