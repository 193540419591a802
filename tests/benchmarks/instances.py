"""One instance, and three on the same database, behind nginx: devices a second side by side, and what a kill costs.

Each instance has one worker process, so that what is compared is the number of instances. On a machine with fewer cores
than parts the ratio says what the parts take from each other, and not what three machines would do. BENCH_QUICK=1 makes
short runs.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID
from tests.benchmarks.devices_load import Job, Result, generate
from tests.benchmarks.devices_machine import make_fleet, sized
from tests.benchmarks.report import Report
from tests.support.instances import instances, kill
from tests.support.nginx import NGINX, Nginx
from tests.support.sandbox import SandboxProcess

DEVICES = 1_000
SECONDS = sized(10, 3)
ROUNDS = sized(5, 2)


def run(report: Report) -> None:
    if NGINX is None:
        report.note("nginx is not installed: nothing was measured")
        return
    make_fleet(DEVICES, profiles=10, domain=DOMAIN_ID)
    with SandboxProcess() as sandbox, tempfile.TemporaryDirectory(prefix="bootstrap-bench-") as folder:
        settings = {
            "DATABASE_URL": os.environ["DATABASE_URL"],
            "MG_BOOTSTRAP_LOG_LEVEL": "error",
            **sandbox.settings(),
        }
        with instances(3, settings) as three, Nginx(Path(folder), [three[0].port]) as nginx:
            ports = [one.port for one in three]
            rates: dict[int, list[Result]] = {1: [], 3: []}
            for _ in range(ROUNDS):
                for number, results in rates.items():
                    nginx.choose(ports[:number])
                    results.append(generate(job(nginx)))
            tell(report, rates)
            nginx.choose(ports)
            with ThreadPoolExecutor(1) as executor:
                under_way = executor.submit(generate, job(nginx, seconds=2 * SECONDS))
                time.sleep(SECONDS)
                kill(three[0])
                killed = under_way.result()
    report.add("one of three killed: failed", failed(killed), target=0)
    report.note(f"one of three killed: {killed.calls:,} calls, statuses {killed.statuses}, {killed.broken} broken")
    report.note(f"{os.cpu_count()} cores for nginx, PostgreSQL, the load and all instances together")


def job(nginx: Nginx, seconds: float = SECONDS) -> Job:
    return Job(port=nginx.port, seconds=seconds, connections=32, devices=DEVICES)


def failed(result: Result) -> int:
    return result.calls - result.count(200) + result.broken


def tell(report: Report, rates: dict[int, list[Result]]) -> None:
    for number, results in rates.items():
        name = "one instance" if number == 1 else "three instances"
        report.add(f"{name}: devices", statistics.median(one.rate for one in results), "/s")
        report.add(f"{name}: p99", 1000 * statistics.median(one.p99 for one in results), "ms")
        report.add(f"{name}: failed", sum(failed(one) for one in results), target=0)
    pairs = zip(rates[3], rates[1], strict=True)
    report.add("three ÷ one", statistics.median(above.rate / below.rate for above, below in pairs))
