"""A device's call: the Raspberry Pi's profile and three bindings with secrets, through the production server.

What it is compared with is served by the same processes over the same connections: a constant, and one row as JSON.
All take turns in each round, and what counts is the median of the ratios within a round. BENCH_QUICK=1 makes it short.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bootstrap_project.demo.fleet.plan import Fleet
from bootstrap_project.rendering.cache import templates
from bootstrap_project.rendering.context import BindingContext, build_context
from tests.benchmarks.devices_load import Job, Result, generate
from tests.benchmarks.devices_machine import (
    make_fleet,
    make_legacy,
    memory,
    processor_seconds,
    ratios,
    scrypt_rate,
    serve,
    sized,
)
from tests.benchmarks.report import Report
from tests.support.server import ServerProcess

DEVICES = sized(100_000, 12_000)
COLD_DEVICES = sized(10_000, 4_000)
KNOWN = 2000
LEGACY = sized(240, 80)
#: With half as many, all came to one of two processes in one of eight rounds, and the other's core had nothing to do.
LEGACY_CONNECTIONS = 8
ROUNDS = sized(5, 3)
SECONDS = float(sized(4, 2))
FLEET = Fleet(configs=DEVICES, profiles=1, domains=1)


@dataclass
class Measured:
    """A load's result and the processor time of each call, in µs."""

    result: Result
    processor: float


def run(report: Report) -> None:
    make_fleet(DEVICES, profiles=1, domains=1)
    with serve() as server:
        measure_calls(report, server)
    measure_cold(report)
    # The kernel shares connections out by chance, and room for all of them lets no round end in refusals.
    with serve(MG_BOOTSTRAP_KEY_CHECKS_WAITING=str(LEGACY_CONNECTIONS)) as server:
        measure_legacy(report, server)
    measure_memory(report)
    report.note(f"{DEVICES:,} devices, 16 connections, medians of {ROUNDS} interleaved rounds of {SECONDS:.0f} s")
    report.note("processor time is that of the service and of its database sessions, without the load generator's")
    report.note(f"load of the machine at the end: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores shared by all parts")


def measured(server: ServerProcess, job: Job, *expected: int) -> Measured:
    before = processor_seconds(server)
    result = generate(job)
    processor = processor_seconds(server) - before
    strange = set(result.statuses) - {str(status) for status in expected}
    assert result.calls, result
    assert not strange, result
    assert not result.broken, result
    return Measured(result, 1e6 * processor / result.calls)


def measure_calls(report: Report, server: ServerProcess) -> None:
    def job(seconds: float = SECONDS, **members: object) -> Job:
        return Job(port=server.port, seconds=seconds, **members)  # type: ignore[arg-type]

    tags = generate(job(60, devices=KNOWN, calls=KNOWN, keep_tags=True)).tags
    path = f"/bench/row/{FLEET.external_id(7)}"
    kinds: dict[str, Callable[[], Measured]] = {
        "constant": lambda: measured(server, job(path="/bench/constant"), 200),
        "one row": lambda: measured(server, job(path=path), 200),
        "device": lambda: measured(server, job(devices=KNOWN), 200),
        "device, 304": lambda: measured(server, job(devices=KNOWN, tags=tags), 304),
        "wrong key": lambda: measured(server, job(devices=KNOWN, wrong=True), 403, 429),
    }
    for kind in kinds.values():
        kind()
    seen: dict[str, list[Measured]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, kind in kinds.items():
            seen[name].append(kind())

    def rates(name: str) -> list[float]:
        return [one.result.rate for one in seen[name]]

    def processors(name: str) -> list[float]:
        return [one.processor for one in seen[name]]

    for name in kinds:
        report.add(f"{name}", statistics.median(rates(name)), "req/s")
        report.add(f"{name}, processor time of a call", statistics.median(processors(name)), "µs")
    report.add("device, p50", 1000 * statistics.median(one.result.p50 for one in seen["device"]), "ms")
    report.add("device, p99", 1000 * statistics.median(one.result.p99 for one in seen["device"]), "ms")
    report.add("device ÷ one row", ratios(rates("device"), rates("one row")), target=0.7, more_is_better=True)
    report.add("one row ÷ device, processor time", ratios(processors("one row"), processors("device")))
    report.add("device ÷ constant", ratios(rates("device"), rates("constant")), target=0.3, more_is_better=True)
    report.add(
        "wrong key ÷ right key, processor time", ratios(processors("wrong key"), processors("device")), target=0.6
    )
    report.add("304 ÷ 200, req/s", ratios(rates("device, 304"), rates("device")), target=1, more_is_better=True)
    sizes = [statistics.median(one.result.bytes / one.result.calls for one in seen[name]) for name in kinds]
    size = dict(zip(kinds, sizes, strict=True))
    report.add("304 ÷ 200, bytes", size["device, 304"] / size["device"], target=0.4)
    share = 100 * template_seconds() / (statistics.median(processors("device")) / 1e6)
    report.add("template's execution, share of a call", share, "%", target=5)


def template_seconds() -> float:
    """What one execution of the fleet's template takes."""
    bindings = {}
    for index, slot in enumerate(FLEET.slots()):
        snapshot = {"id": FLEET.resource_id(0, index), "identity": "mqtt_client-0000000"}
        secret = {"secret": FLEET.secret(0, index)}
        bindings[slot["name"]] = BindingContext(
            Type=slot["type"], ID=FLEET.resource_id(0, index), Snapshot=snapshot, Secret=secret
        )
    context = build_context(
        config_id=FLEET.config_id(0),
        external_id=FLEET.external_id(0),
        domain_id=FLEET.domain_ids[0],
        defaults={"mqtt_host": "localhost", "mqtt_port": 8883, "sample_interval_seconds": 30, "sensor": "DHT22"},
        render_context={"site": "site-0"},
        bindings=bindings,
    )
    template = templates.get(FLEET.template(0))
    times = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(2000):
            template.execute(context)
        times.append((time.perf_counter() - started) / 2000)
    return statistics.median(times)


def measure_cold(report: Report) -> None:
    """Fresh processes, and every device new to them, against the same devices again."""
    cold, warm = [], []
    for _ in range(sized(3, 2)):
        with serve() as server:
            job = Job(port=server.port, seconds=60, calls=COLD_DEVICES, devices=COLD_DEVICES)
            cold.append(measured(server, job, 200).result.rate)
            warm.append(measured(server, job, 200).result.rate)
    report.add("cold", statistics.median(cold), "req/s")
    report.add("cold ÷ warm", ratios(cold, warm), target=0.95, more_is_better=True)


def measure_legacy(report: Report, server: ServerProcess) -> None:
    """Rows that scrypt alone can decide; each has its digest after its first call, so each is called once a round.

    Each comes on a connection of its own, as devices do: eight that stay could all belong to one of two processes.
    """
    numbers = range(DEVICES - LEGACY, DEVICES)
    keys = {FLEET.external_id(number): FLEET.external_key(numbers[0]) for number in numbers}
    served, raw = [], []
    for _ in range(3):
        make_legacy(keys)
        before = scrypt_rate()
        job = Job(
            port=server.port,
            seconds=60,
            calls=LEGACY,
            connections=LEGACY_CONNECTIONS,
            headers={"Connection": "close"},
        )
        served.append(measured(server, with_key(job, numbers), 200).result.rate)
        raw.append((before + scrypt_rate()) / 2)
    report.add("scrypt, all cores", statistics.median(raw), "/s")
    report.add("legacy rows", statistics.median(served), "req/s")
    report.add("legacy rows ÷ scrypt", ratios(served, raw), target=0.85, more_is_better=True)


def with_key(job: Job, numbers: range) -> Job:
    """The job for these devices, which all have the first one's key."""
    return replace(job, devices=len(numbers), first=numbers[0], key=FLEET.external_key(numbers[0]))


def measure_memory(report: Report) -> None:
    few, many = sized(2_000, 2_000), sized(200_000, 24_000)
    with serve() as server:
        generate(Job(port=server.port, seconds=60, calls=few, devices=few))
        small = memory(server)
        done = 0
        while done < many:
            # In parts, so that no run of the generator meets its bound.
            done += generate(Job(port=server.port, seconds=60, calls=min(DEVICES, many - done), devices=DEVICES)).calls
        large = memory(server)
    report.add(f"memory of a worker after {few:,} calls", small, "MB")
    report.add(f"memory of a worker after {many:,} calls", large, "MB")
    report.add("memory, many ÷ few calls", large / small, target=1.3)
