"""The page's commands around a backup: one that fails harms no earlier one, and the drill meets another database."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.deploying.facts import PAGE
from tests.deploying.page import blocks

BLOCKS = [block for block in blocks(PAGE.read_text(encoding="utf-8")) if block.kind == "console"]
COMMANDS = [command.text for block in BLOCKS for command in block.commands()]
DUMPS = [text for text in COMMANDS if " pg_dump " in text]
ADDRESS = "postgres://bootstrap:of-the-role@db.example.com:5432/bootstrap"


@pytest.fixture
def run(tmp_path: Path):
    """Run a command of the page where its programs are what a test has made of them."""

    def run_command(text: str, **programs: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "bin").mkdir(exist_ok=True)
        sudo = 'while [ "$1" = -u ]; do shift 2; done\nexec "$@"'
        for name, body in ({"sudo": sudo} | programs).items():
            path = tmp_path / "bin" / name
            path.write_text(f"#!/bin/sh\n{body}\n")
            path.chmod(0o755)
        environment = {
            "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
            "DUMP": f"{tmp_path}/bootstrap.dump",
        }
        words = ["bash", "-c", text.replace("/var/backups", str(tmp_path)).replace("/etc/bootstrap", str(tmp_path))]
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run_command


@pytest.mark.parametrize("text", DUMPS)
def test_a_backup_that_fails_says_so_and_leaves_the_last_good_one(tmp_path, run, text):
    dump = tmp_path / "bootstrap.dump"
    dump.write_text("good")

    assert run(text, pg_dump="echo half; exit 1").returncode != 0
    assert dump.read_text() == "good"

    assert run(text, pg_dump="echo whole").returncode == 0
    assert dump.read_text() == "whole\n"
    assert dump.stat().st_mode & 0o777 == 0o600


def test_a_dump_is_named_by_its_time_so_that_no_other_one_is_lost(run):
    (name,) = [text for text in COMMANDS if text.startswith("DUMP=")]

    assert re.search(r"bootstrap-\d{4}-\d\d-\d\d-\d{4}\.dump$", run(f'{name}; echo "$DUMP"').stdout)
    assert DUMPS


@pytest.mark.parametrize("options", ["", "?sslmode=verify-full&sslrootcert=/etc/ssl/bootstrap.pem"])
def test_the_drill_and_the_passwords_come_out_of_an_address_with_and_without_options(tmp_path, run, options):
    for path in (tmp_path / "database_url", tmp_path / "owner/database_url"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{ADDRESS}{options}\n")
    (drill,) = [text for text in COMMANDS if text.startswith("sudo sed") and "drill_url" in text]
    passwords = [text for text in COMMANDS if "_PASSWORD=$(sudo sed" in text]

    assert run(drill).returncode == 0
    assert (tmp_path / "drill_url").read_text() == f"{ADDRESS}_drill{options}\n"
    assert len(passwords) == 2
    for text in passwords:
        assert run(f"{text}; echo $OWNER_PASSWORD$SERVICE_PASSWORD").stdout == "of-the-role\n"


def test_nothing_is_done_to_the_drill_before_its_name_is_proved():
    (made,) = [number for number, text in enumerate(COMMANDS) if "tee /etc/bootstrap/drill_url" in text]

    assert "drill_url" in COMMANDS[made + 1]
    assert "current_database()" in COMMANDS[made + 1]
