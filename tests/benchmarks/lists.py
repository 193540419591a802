"""Lists and device calls in a large fleet against a small one, and what SQLite does while rows are written.

Loading the large fleet takes minutes. BENCH_LARGE_DATABASE_URL names a database that holds it already, made with
`manage.py make_fleet --domain b2f1c6de-0a55-4c3e-9d10-7a6f0c1d2e3f --disabled 5`. BENCH_QUICK=1 makes it smaller.
"""

from __future__ import annotations

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection, connections

from bootstrap_project.api.pagination import Page
from bootstrap_project.demo.fleet.plan import Fleet
from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID, OTHER_DOMAIN_ID
from configs.models import Config, Status
from tests.benchmarks.devices_load import Job, Result, generate
from tests.benchmarks.devices_machine import ROOT, make_fleet, other_database, ratios, serve, sized
from tests.benchmarks.report import Report
from tests.support.sandbox import SandboxProcess

LARGE, SMALL = sized(1_000_000, 100_000), 10_000
DEEP = LARGE * 9 // 10
ROUNDS = sized(9, 5)
REPEATED = 7
LARGE_FLEET = Fleet(configs=LARGE, seed=1)
ANOTHER_SEED = 2
RARE = "1-0001234"


class Lists:
    """An operator's lists, over one kept connection."""

    def __init__(self, port: int, domain: str, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._base = f"/{domain}/clients/configs?limit=50"
        self._headers = {"Authorization": f"Bearer {token}"}

    def time(self, query: str) -> float:
        """The median time of some calls, in seconds."""
        times = []
        for _ in range(REPEATED):
            started = time.perf_counter()
            self._connection.request("GET", f"{self._base}&{query}", headers=self._headers)
            answer = self._connection.getresponse()
            body = answer.read()
            assert answer.status == 200, body
            times.append(time.perf_counter() - started)
        return statistics.median(times)


def run(report: Report) -> None:
    large = os.environ.get("BENCH_LARGE_DATABASE_URL", "")
    if not large:
        large = other_database("bootstrap_bench_large")
        make_fleet(LARGE, database=large, domain=DOMAIN_ID, disabled=5)
    manage(large, "make_fleet", f"--seed={ANOTHER_SEED}", "--remove")
    make_fleet(SMALL, database=large, domain=OTHER_DOMAIN_ID, disabled=5, seed=ANOTHER_SEED)
    make_fleet(SMALL, domain=DOMAIN_ID, disabled=5)
    with SandboxProcess() as sandbox:
        with ExitStack() as stack:
            few = stack.enter_context(serve(**sandbox.settings()))
            many = stack.enter_context(serve(DATABASE_URL=large, **sandbox.settings()))
            operator, outsider = sandbox.token(), sandbox.token("outsider")
            small = Lists(few.port, DOMAIN_ID, operator)
            whole = Lists(many.port, DOMAIN_ID, operator)
            part = Lists(many.port, OTHER_DOMAIN_ID, outsider)
            measure_lists(report, small, whole, part)
            measure_devices(report, few.port, many.port)
        measure_deep_page(report, large)
        measure_sqlite(report, sandbox)
    report.note(f"medians of {ROUNDS} interleaved rounds; load of the machine at the end: {os.getloadavg()[0]:.1f}")


def measure_lists(report: Report, small: Lists, whole: Lists, part: Lists) -> None:
    queries = {
        "first page": "",
        "status filter": "status=disabled",
        "substring": f"name={RARE}",
    }
    for name, query in queries.items():
        other = query.replace("1-", f"{ANOTHER_SEED}-")
        rounds = [(small.time(query), part.time(other), whole.time(query)) for _ in range(ROUNDS)]
        report.add(f"{name}, {SMALL:,} configs", milliseconds(one for one, _, _ in rounds), "ms")
        report.add(f"{name}, domain of {SMALL:,} among {LARGE:,}", milliseconds(one for _, one, _ in rounds), "ms")
        report.add(f"{name}, domain of {LARGE:,}", milliseconds(one for _, _, one in rounds), "ms")
        few, among, many = zip(*rounds, strict=True)
        report.add(f"{name}, among {LARGE:,} ÷ alone", ratios(among, few), target=2)
        report.add(f"{name}, domain of {LARGE:,} ÷ of {SMALL:,}", ratios(many, few), target=2)
    times = [whole.time(f"offset={DEEP}") for _ in range(ROUNDS)]
    report.add(f"page at offset {DEEP:,}", milliseconds(times), "ms")


def measure_deep_page(report: Report, large: str) -> None:
    """The page's own statement against a plain OFFSET, without the total that both need."""
    connections.databases["large"] = {**connection.settings_dict, **_place(large)}
    rows = Config.objects.using("large").in_domain(DOMAIN_ID).filter(status=Status.ENABLED).order_by("id")
    page = Page(offset=DEEP, limit=50)

    def timed(read: Callable[[], object]) -> float:
        started = time.perf_counter()
        read()
        return time.perf_counter() - started

    plain, deferred, counted = [], [], []
    for _ in range(ROUNDS):
        plain.append(timed(lambda: list(rows[DEEP : DEEP + 50])))
        deferred.append(timed(lambda: list(page.of(rows))))
        counted.append(timed(rows.count))
    report.add("plain OFFSET", milliseconds(plain), "ms")
    report.add("deferred join", milliseconds(deferred), "ms")
    report.add("deferred join ÷ plain OFFSET", ratios(deferred, plain), target=0.5)
    report.add("exact total of the domain", milliseconds(counted), "ms")
    connections["large"].close()


def _place(url: str) -> dict[str, object]:
    parts = urlsplit(url)
    return {"NAME": parts.path[1:], "HOST": parts.hostname, "PORT": str(parts.port), "USER": parts.username}


def measure_devices(report: Report, few: int, many: int) -> None:
    seconds = float(sized(4, 2))
    rounds = []
    for _ in range(sized(5, 3)):
        small = called(Job(port=few, seconds=seconds, devices=SMALL // 2, stride=2))
        # Their rows lie far apart, and so each is on another page.
        large = called(Job(port=many, seconds=seconds, devices=20_000, stride=LARGE // 20_000))
        rounds.append((large.seconds / large.count(200), small.seconds / small.count(200)))
    above, below = zip(*rounds, strict=True)
    report.add(f"device call among {LARGE:,} ÷ among {SMALL:,}", ratios(above, below), target=1.2)


def called(job: Job) -> Result:
    result = generate(job)
    # Some of them are disabled.
    assert set(result.statuses) <= {"200", "403"}, result
    return result


def measure_sqlite(report: Report, sandbox: SandboxProcess) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        make_fleet(sized(100_000, 10_000), database=database, domain=DOMAIN_ID)
        with serve(DATABASE_URL=database, **sandbox.settings()) as server:
            job = Job(port=server.port, seconds=float(sized(4, 2)), devices=5000)
            operator = {"domain": DOMAIN_ID, "token": sandbox.token()}
            reads, mixes = [], []
            for _ in range(sized(5, 3)):
                reads.append(generate(job))
                mixes.append(generate(Job(**{**job.__dict__, **operator})))
    errors = sum(one.broken + one.calls - one.count(200) for one in [*reads, *mixes])
    report.add("SQLite, reads", statistics.median(one.rate for one in reads), "req/s")
    report.add("SQLite, 90/10 mix", statistics.median(one.rate for one in mixes), "req/s")
    report.add("SQLite, 90/10 mix, p99", 1000 * statistics.median(one.p99 for one in mixes), "ms")
    mix = ratios((one.rate for one in mixes), (one.rate for one in reads))
    report.add("SQLite, 90/10 mix ÷ reads", mix, target=0.6, more_is_better=True)
    report.add("SQLite, calls that failed", errors, target=0)


def manage(database: str, *words: str) -> None:
    environment = {**os.environ, "DATABASE_URL": database}
    subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True, capture_output=True)


def milliseconds(times: Iterable[float]) -> float:
    return 1000 * statistics.median(times)
