"""Behind PgBouncer with transaction pooling: devices, operators and every command, by the documented file."""

import os
import re
import shutil
import subprocess
from typing import Any

import psycopg
import pytest

from tests.deploying.database import SERVICE
from tests.deploying.facts import DEPLOY
from tests.deploying.story import credential, enrol, expect_served
from tests.support.ports import free_port
from tests.support.postgres import unprivileged_user
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")]


@pytest.fixture
def pooled(deployed, tmp_path):
    """The address of the service's role behind PgBouncer, which has four connections for all."""
    port = free_port()
    text = (DEPLOY / "pgbouncer" / "pgbouncer.ini").read_text(encoding="utf-8")
    for pattern, by in (
        (r"host=db\.example\.com port=5432", f"host=127.0.0.1 port={deployed.postgres.port}"),
        (r"listen_port = \d+", f"listen_port = {port}"),
        (r"/etc/pgbouncer/userlist\.txt", f"{tmp_path}/userlist.txt"),
        (r"default_pool_size = \d+", "default_pool_size = 4"),
    ):
        text, count = re.subn(pattern, by, text)
        assert count == 1, pattern
    (tmp_path / "pgbouncer.ini").write_text(f"{text}unix_socket_dir =\n")
    (tmp_path / "userlist.txt").write_text(f'"{SERVICE}" "{SERVICE}"\n')
    user = unprivileged_user()
    as_user: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    for path in [tmp_path, *tmp_path.parents]:
        if user and path.owner() == "root" and path.parts[:2] != ("/", "usr") and len(path.parts) > 2:
            path.chmod(0o755)
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(PGBOUNCER), str(tmp_path / "pgbouncer.ini")], stdout=output, stderr=output, **as_user
        )
    try:
        url = deployed.url(port=port)
        eventually(lambda: answers(url, process, log))
        yield url
    finally:
        process.terminate()
        process.wait()


def answers(url, process, log):
    assert process.poll() is None, log.read_text()
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_devices_operators_and_all_commands_go_through_it(deployed, pooled, platform):
    settings = credential(platform) | {"DATABASE_URL": pooled, "MG_BOOTSTRAP_DB_PREPARED_STATEMENTS": "false"}
    with ServerProcess(settings) as server:
        config_id = enrol(server.url, platform)
        # More calls than the pool has connections, on every connection that the service has.
        for _ in range(40):
            expect_served(server.url, config_id)
        assert "Traceback" not in server.log()

    deployed.manage("migrate", "--noinput", "-v", "0", settings=settings)
    deployed.manage("refresh_bindings", "--all", settings=settings)
    deployed.manage("reseal_secrets", settings=settings)
    deployed.manage("renew_key_digests", "--check", settings=settings)
    assert re.search(r"4\d attempts", deployed.manage("prune_attempts", "--older-than", "1s", settings=settings))
    deployed.manage("prune_logins", settings=settings)
    deployed.manage("worker", "--once", settings=settings)
