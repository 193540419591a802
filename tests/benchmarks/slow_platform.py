"""Devices beside 200 operators' calls that hang at the platform: a bind keeps nothing that a device needs.

The same device is asked alone and beside them, in turns and in one run; BENCH_QUICK=1 makes the turns short.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from typing import Any, Self

import requests

from bootstrap_project.demo.fleet.plan import Fleet
from bootstrap_project.magistrala.sandbox import seed
from tests.benchmarks.agents import Job, Player
from tests.benchmarks.devices_load import device_request
from tests.benchmarks.devices_machine import make_fleet, serve, sized
from tests.benchmarks.report import Report
from tests.support.sandbox import SandboxProcess
from tests.support.server import ServerProcess

BINDS = 200
ROUNDS = 3
SECONDS = sized(15, 4)
DEVICE = Fleet(configs=1, profiles=1, domain=seed.DOMAIN_ID)
#: What is bound: devices with one slot, for a client.
BOUND = Fleet(configs=BINDS, profiles=10, bindings=1, seed=2, domain=seed.DOMAIN_ID)
#: Longer than the whole run: none of the calls ends by itself, but at a limit of ours.
HANGS_SECONDS = 60


def run(report: Report) -> None:
    make_fleet(DEVICE.configs, profiles=1, domain=seed.DOMAIN_ID)
    make_fleet(BOUND.configs, profiles=10, bindings=1, seed=2, domain=seed.DOMAIN_ID)
    with SandboxProcess() as sandbox, serve(**sandbox.settings(), MG_READ_TIMEOUT_SECONDS=str(HANGS_SECONDS)) as server:
        token = sandbox.token()
        watch(server, 1)
        alone, beside = [], []
        statuses: Counter[int] = Counter()
        for _ in range(ROUNDS):
            alone.append(watch(server, SECONDS))
            with HangingBinds(server, sandbox, token) as binds:
                beside.append(watch(server, SECONDS))
                hanging = binds.under_way
            statuses.update(binds.statuses)
            report.note(f"{hanging} of {BINDS} binds were under way when a round ended")
    for name in ("p50", "p99"):
        report.add(f"device alone, {name}", 1000 * statistics.median(one[name] for one in alone), "ms")
        report.add(f"device beside {BINDS} hanging binds, {name}", 1000 * median(beside, name), "ms")
    report.add("p99 beside ÷ alone", median(beside, "p99") / median(alone, "p99"), target=2.5)
    report.add("device calls that failed", sum(one["failed"] for one in [*alone, *beside]), target=0)
    report.note(f"the binds were answered {dict(sorted(statuses.items()))} in the end")


def median(rounds: list[dict[str, float]], name: str) -> float:
    return statistics.median(one[name] for one in rounds)


def watch(server: ServerProcess, seconds: float) -> dict[str, float]:
    lines = device_request(DEVICE, 0).decode().split("\r\n")
    headers = {"Authorization": lines[2].partition(": ")[2]}
    probes: dict[str, dict[str, Any]] = {
        "device": {"path": lines[0].split()[1], "headers": headers, "every": 0.005},
    }
    with Player(Job(port=server.port, probes=probes)) as player:
        time.sleep(seconds)
        found: dict[str, float] = player.result()["device"]
        return found


class HangingBinds:
    """Operators whose binds wait for clients and channels that do not come, until the block ends."""

    def __init__(self, server: ServerProcess, sandbox: SandboxProcess, token: str) -> None:
        self.statuses: Counter[int] = Counter()
        self._server = server
        self._sandbox = sandbox
        self._headers = {"Authorization": f"Bearer {token}"}
        self._threads = [threading.Thread(target=self._bind, args=(number,)) for number in range(BINDS)]
        self._lock = threading.Lock()

    @property
    def under_way(self) -> int:
        """How many have no answer yet."""
        return sum(one.is_alive() for one in self._threads)

    def __enter__(self) -> Self:
        slow = {"kind": "slow", "seconds": HANGS_SECONDS}
        self._sandbox.faults(*(slow | {"match": {"service": name}} for name in ("clients", "channels")))
        for thread in self._threads:
            thread.start()
        # They have come as far as the platform, or as far as they get.
        time.sleep(2)
        return self

    def __exit__(self, *_: object) -> None:
        self._sandbox.faults()
        for thread in self._threads:
            thread.join()

    def _bind(self, number: int) -> None:
        path = f"/{seed.DOMAIN_ID}/clients/bootstrap/enrollments/{BOUND.config_id(number)}/bindings"
        body = {"bindings": [{"slot": "mqtt_client", "type": "client", "resource_id": seed.CLIENT_ID}]}
        try:
            answer = requests.put(f"{self._server.url}{path}", json=body, headers=self._headers, timeout=120)
            status = answer.status_code
        except requests.RequestException:
            status = 0
        with self._lock:
            self.statuses[status] += 1
