"""The primary dies and its replica is promoted: instances that know both go on with whichever takes writes."""

from __future__ import annotations

import signal
from contextlib import ExitStack

from tests.instances.cluster import FEW, prepare, settings_of
from tests.journeys.conftest import Caller
from tests.support.instances import Devices, ask, instances, manage
from tests.support.postgres import PostgresReplica, PostgresServer
from tests.support.sandbox import SandboxProcess
from tests.support.waiting import eventually


def test_devices_are_told_to_come_again_until_the_replica_takes_over(sandbox_process: SandboxProcess):
    with ExitStack() as stack:
        primary = stack.enter_context(PostgresServer())
        replica = stack.enter_context(PostgresReplica(primary))
        hosts = f"127.0.0.1:{primary.port},127.0.0.1:{replica.port}"
        url = f"postgresql://postgres@{hosts}/bootstrap?target_session_attrs=read-write"
        settings = settings_of(url, sandbox_process)
        manage(settings, "migrate", "--noinput")
        prepare(settings, FEW)
        replica.wait()
        two = stack.enter_context(instances(2, settings))
        operator = Caller(two[0].url, sandbox_process.token())
        devices = stack.enter_context(Devices(two[1].port, FEW, range(FEW.configs)))

        devices.wait()
        primary.halt(signal.SIGQUIT)
        eventually(lambda: ask(two[0].port, "/health") == ask(two[1].port, "/health") == "503")
        with replica.connect() as connection:
            connection.execute("SELECT pg_promote()")
        eventually(lambda: ask(two[0].port, "/health") == ask(two[1].port, "/health") == "200")
        devices.wait(10)
        meanwhile = devices.failures.copy()
        devices.wait(100)
        renamed = operator.call("PATCH", f"/clients/configs/{FEW.config_id(1)}", {"name": "after the failover"})

    assert {one.split()[1] for one in meanwhile} == {"503"}
    assert devices.failures == meanwhile
    assert renamed.status_code == 200
