"""What a process of the service holds on to after an operator has created many configs, beside what it held before.

Each creation hashes a key with scrypt, which takes 16 MB for a moment, in whichever thread the server gives it.
BENCH_QUICK=1 makes it 200 configs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import requests

from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID
from tests.benchmarks.devices_machine import memory, serve, sized
from tests.benchmarks.report import Report
from tests.support.sandbox import SandboxProcess

CONFIGS = sized(1_000, 200)
AT_ONCE = 16
LISTS = 20


#: Ours, and what makes the C library go by its own: we leave it alone where somebody has set something.
RULES = {"": {}, ", the C library's own rule": {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold_max=33554432"}}


def run(report: Report) -> None:
    with SandboxProcess() as sandbox:
        for rule, environment in RULES.items():
            with serve(**sandbox.settings(), **environment) as server:
                idle, after = create_many(server.url, sandbox.token(), rule, partial(memory, server))
            report.add(f"a worker, idle{rule}", idle, "MB")
            report.add(f"a worker after {CONFIGS:,} creations{rule}", after, "MB")
            report.add(f"after ÷ idle{rule}", after / idle, target=None if rule else 2.5)
    report.note(f"load of the machine at the end: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores shared by all parts")


def create_many(url: str, token: str, rule: str, measure: Callable[[], float]) -> tuple[float, float]:
    """Return what was measured before and after."""
    address = f"{url}/{DOMAIN_ID}/clients/configs"
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=AT_ONCE))
        # What is loaded at the first call is no matter of how many there are.
        for _ in range(LISTS):
            session.get(address, timeout=60).raise_for_status()
        idle = measure()

        def create(number: int) -> None:
            name = f"memory {number}{rule}"
            body = {"external_id": name, "external_key": f"key-{number}", "name": name}
            answer = session.post(address, json=body, timeout=60)
            assert answer.status_code == 201, answer.text

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(create, range(CONFIGS)))
        return idle, measure()
