"""A site's power comes back: thousands of agents call in the same moment, each with five tries ten seconds apart.

Storms against fresh processes: devices with digests, twice: closing their connections after the answer, and keeping
them open as programs in Go do; the former while somebody tries 500 wrong keys a second; and imported rows that
scrypt alone can decide. BENCH_QUICK=1 makes them small.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import Any

from bootstrap_project.demo.fleet.plan import Fleet
from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID
from tests.benchmarks.agents import Job, Player
from tests.benchmarks.devices_load import device_request
from tests.benchmarks.devices_machine import make_fleet, make_legacy, scrypt_rate, serve, sized
from tests.benchmarks.report import Report
from tests.support.sandbox import SandboxProcess
from tests.support.server import ServerProcess

AGENTS = sized(10_000, 2_000)
LEGACY = sized(2_000, 300)
FLOOD = 500
FLEET = Fleet(configs=AGENTS + LEGACY + 100, profiles=10, domain=DOMAIN_ID)


def run(report: Report) -> None:
    make_fleet(FLEET.configs, profiles=10, domain=DOMAIN_ID)
    with SandboxProcess() as sandbox:
        token = sandbox.token()
        environment = sandbox.settings()
        for keep in (False, True):
            with serve(**environment) as server:
                calm_storm(report, server, keep=keep)
        with serve(**environment) as server:
            flooded_storm(report, server, token)
        with serve(**environment) as server:
            legacy_storm(report, server, token)
    report.note(f"load of the machine at the end: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores shared by all parts")
    report.note("agents, attacker and onlookers are processes on the same machine")


def calm_storm(report: Report, server: ServerProcess, *, keep: bool) -> None:
    name = f"{AGENTS:,} agents{' that keep their connections' if keep else ''}"
    with Player(Job(port=server.port, agents=AGENTS, keep=keep)) as agents:
        tell_of_agents(report, name, agents.result())


def flooded_storm(report: Report, server: ServerProcess, token: str) -> None:
    name = f"{AGENTS:,} agents, {FLOOD} wrong keys/s"
    with ExitStack() as stack:
        onlookers = stack.enter_context(Player(Job(port=server.port, probes=probes(token))))
        flood = stack.enter_context(Player(Job(port=server.port, flood=FLOOD)))
        # The attacker is there before the storm, and behind it.
        time.sleep(3)
        agents = stack.enter_context(Player(Job(port=server.port, agents=AGENTS))).result()
        time.sleep(2)
        seen, wrong = onlookers.result(), flood.result()
    tell_of_agents(report, name, agents)
    report.add(f"{name}: refused", wrong["a_second"], "/s")
    # An enrolled device is one of the crowd here, and waits for its turn like all of it.
    tell_of_probes(report, name, seen, device=None)
    report.note(f"wrong keys were answered {wrong['statuses']}, {wrong['unsent']} not sent as too many were under way")


def legacy_storm(report: Report, server: ServerProcess, token: str) -> None:
    name = f"{LEGACY:,} legacy agents"
    key = FLEET.external_key(AGENTS)
    make_legacy({FLEET.external_id(number): key for number in range(AGENTS, AGENTS + LEGACY)})
    raw = scrypt_rate()
    with ExitStack() as stack:
        onlookers = stack.enter_context(Player(Job(port=server.port, probes=probes(token))))
        job = Job(port=server.port, agents=LEGACY, first=AGENTS, key=key)
        agents = stack.enter_context(Player(job)).result()
        seen = onlookers.result()
    raw = (raw + scrypt_rate()) / 2
    tell_of_agents(report, name, agents, first=None)
    served = sum(agents["served"].values())
    report.add(f"{name}: scrypt, all cores", raw, "/s")
    # What an agent waits between its tries counts, too: the machine has to be busy meanwhile.
    goodput = served / agents["last"] / raw
    report.add(f"{name}: goodput ÷ scrypt", goodput, target=0.65, more_is_better=True)
    tell_of_probes(report, name, seen)


def probes(token: str) -> dict[str, dict[str, Any]]:
    lines = device_request(FLEET, FLEET.configs - 1).decode().split("\r\n")
    headers = {"Authorization": lines[2].partition(": ")[2]}
    operator = {"path": f"/{DOMAIN_ID}/clients/configs?limit=50", "headers": {"Authorization": f"Bearer {token}"}}
    return {
        # Often enough that one answer in a hundred is several of them.
        "health": {"path": "/health", "every": 0.02},
        "health, new connections": {"path": "/health", "kept": False},
        "enrolled device": {"path": lines[0].split()[1], "headers": headers, "every": 0.02},
        "list": operator | {"every": 0.25},
    }


def tell_of_agents(report: Report, name: str, agents: dict[str, Any], first: float | None = 99) -> None:
    served = agents["served"]
    count = agents["agents"]
    report.add(f"{name}: served", 100 * sum(served.values()) / count, "%", target=100, more_is_better=True)
    report.add(
        f"{name}: served at the first try", 100 * served.get("1", 0) / count, "%", target=first, more_is_better=True
    )
    report.add(f"{name}: half were served after", agents["median"], "s")
    report.add(f"{name}: the last was served after", agents["last"], "s")
    report.note(f"{name}: served at try {dict(sorted(served.items()))}, answers {agents['statuses']} (0: none in time)")


def tell_of_probes(report: Report, name: str, seen: dict[str, Any], device: float | None = 50.0) -> None:
    for probe, share, target in (
        ("health", "p99", 50.0),
        ("health, new connections", "p99", None),
        ("enrolled device", "p99", device),
        ("list", "p95", 1000.0),
    ):
        report.add(f"{name}: {probe}, {share}", 1000 * seen[probe][share], "ms", target=target)
    failed = {probe: found["failed"] for probe, found in seen.items() if found["failed"]}
    report.note(f"{name}: failed probes: {failed or 'none'}")
