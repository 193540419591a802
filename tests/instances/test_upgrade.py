"""The release before is upgraded to this one while devices call: on PostgreSQL one instance after the other.

From any other commit, and with that one's own packages: `make upgrade-drill FROM=commit`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.instances.upgrade import Release, drill_postgres, drill_sqlite, unpack
from tests.support.database import provide_database
from tests.support.sandbox import SandboxProcess

#: The last commit of the release before. Its packages are ours but for versions.
RELEASE_BEFORE = "a9b24bd"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Release:
    try:
        return unpack(RELEASE_BEFORE, tmp_path_factory.mktemp("before"))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no clone that has the history of the release before")


def test_two_instances_are_replaced_and_no_call_fails(before: Release, tmp_path: Path, sandbox_process: SandboxProcess):
    with provide_database(tmp_path, migrated=False) as database:
        drill_postgres(before, database.url, tmp_path, sandbox_process, print)


def test_a_sqlite_file_is_upgraded_with_what_it_holds(before: Release, tmp_path: Path, sandbox_process: SandboxProcess):
    drill_sqlite(before, tmp_path, sandbox_process, print)
