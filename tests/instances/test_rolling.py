"""Two instances are replaced one after the other, each drained first, while devices and operators call."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from tests.instances.cluster import FLEET, Cluster
from tests.journeys.conftest import Caller
from tests.support.instances import Devices, ask, instances
from tests.support.nginx import Nginx
from tests.support.sandbox import SandboxProcess
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

#: As long as a busy machine may need until its balancer knows.
DRAIN = {"MG_BOOTSTRAP_DRAIN_SECONDS": "15"}


class Operators(threading.Thread):
    """Somebody who changes devices, which no proxy tries a second time; `failures` are answers that were not 200."""

    def __init__(self, base: str, token: str) -> None:
        super().__init__()
        self._caller = Caller(base, token)
        self.over = threading.Event()
        self.answered = 0
        self.failures: list[str] = []

    def run(self) -> None:
        path = f"/clients/configs/{FLEET.config_id(1)}"
        while not self.over.is_set():
            # Each with a connection of its own: nginx, told to choose anew, ends those that are kept.
            answer = self._caller.call(
                "PATCH", path, {"render_context": {"site": str(self.answered)}}, headers={"Connection": "close"}
            )
            if answer.status_code == 200:
                self.answered += 1
            else:
                self.failures.append(f"{answer.status_code} {answer.text[:200]}")


def replace_drained(one: ServerProcess, cluster: Cluster) -> None:
    """Do what a balancer does that asks for readiness: it sends nothing more to who says that it is about to stop."""
    os.kill(one.pid, signal.SIGTERM)
    eventually(lambda: ask(one.port, "/health") == "503")
    assert ask(one.port, "/health/live") == "200"
    cluster.nginx.choose([port for port in cluster.ports if port != one.port])
    assert one.halt(None) == 0
    one.start()
    cluster.nginx.choose(cluster.ports)


def test_no_call_fails(shared: dict[str, str], tmp_path: Path, sandbox_process: SandboxProcess):
    settings = shared | DRAIN
    with instances(2, settings) as two, Nginx(tmp_path, [one.port for one in two]) as nginx:
        cluster, operators = Cluster(two, nginx, settings), Operators(nginx.url, sandbox_process.token())
        with Devices(nginx.port, FLEET, range(FLEET.configs)) as devices:
            operators.start()
            try:
                for one in two:
                    replace_drained(one, cluster)
                    devices.wait(100)
            finally:
                operators.over.set()
                operators.join()

    assert devices.failures == []
    assert operators.failures == []
    assert operators.answered > 10
