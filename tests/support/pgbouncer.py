"""PgBouncer, where this machine has one: a pooler that hands each transaction another connection."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.ports import free_port
from tests.support.waiting import eventually

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
#: Whom it is run as where we are root, which it refuses to be.
_USER = "nobody"


@contextmanager
def pgbouncer(url: str, folder: Path, *, pool_size: int = 4) -> Iterator[str]:
    """Pool the transactions of the database `url` for the block; yields the pooler's own URL."""
    assert PROGRAM is not None
    target, port = psycopg.conninfo.conninfo_to_dict(url), free_port()
    settings = folder / "pgbouncer.ini"
    password = f" password={target['password']}" if target.get("password") else ""
    settings.write_text(
        f"""[databases]
{target["dbname"]} = host={target["host"]} port={target["port"]} user={target["user"]}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
"""
    )
    as_user = ["-u", _USER] if os.geteuid() == 0 else []
    settings.chmod(0o644)
    for part in [folder, *folder.parents]:
        if part.stat().st_uid == os.geteuid() and part != Path("/"):
            part.chmod(part.stat().st_mode | 0o711)
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen([PROGRAM, "-q", *as_user, str(settings)], stdout=log, stderr=log)
    pooled = f"postgres://{target['user']}@127.0.0.1:{port}/{target['dbname']}"
    try:
        eventually(lambda: answers(pooled) or process.poll() is not None)
        assert process.poll() is None, (folder / "pgbouncer.log").read_text()
        yield pooled
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    """Tell whether somebody serves the database there."""
    try:
        with psycopg.connect(url, prepare_threshold=None) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True
