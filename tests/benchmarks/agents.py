"""Plays a fleet's agents, an attacker and those who look on, each in a process of its own; talks to loopback alone.

Run as `python -m tests.benchmarks.agents` with a job as one line of JSON on standard input; the result is JSON, too.
Agents keep the schedule of Magistrala's: five tries, ten seconds apart, whatever the answer says. With `keep`, an
agent holds its connection after the last answer until the other side closes it, as programs in Go do by default.
"""

from __future__ import annotations

import json
import resource
import select
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from bootstrap_project.demo.fleet.plan import Fleet
from tests.benchmarks.calls import Call, Loop
from tests.benchmarks.devices_load import ROOT, device_request, percentile, request

MOST_AGENTS = 20_000
MOST_SECONDS = 300.0
#: What the attacker has under way at once: ten seconds' worth, as he waits no longer for an answer.
MOST_WRONG = 5_000
FLOOD_SOURCE = "127.0.0.2"


@dataclass(frozen=True)
class Job:
    """Who plays: `agents`, `flood` (wrong keys, so many a second) or `probes` (paths by name), until told to stop."""

    port: int
    agents: int = 0
    flood: int = 0
    probes: dict[str, dict[str, Any]] = field(default_factory=dict)
    seed: int = 1
    first: int = 0
    key: str = ""
    tries: int = 5
    pause: float = 10.0
    timeout: float = 10.0
    keep: bool = False


def play_agents(job: Job) -> dict[str, Any]:
    fleet = Fleet(configs=job.first + job.agents, seed=job.seed)
    numbers = range(job.first, job.first + min(job.agents, MOST_AGENTS))
    loop = Loop()
    crowd = Crowd(loop, job)
    agents = [Agent(crowd, device_request(fleet, number, key=job.key)) for number in numbers]
    crowd.at_work = len(agents)
    crowd.begun = time.perf_counter()
    for agent in agents:
        agent.call()
    loop.run(lambda: not crowd.at_work or time.perf_counter() > crowd.begun + MOST_SECONDS)
    ends = sorted(crowd.ends)
    return {
        "agents": len(agents),
        "served": dict(crowd.served),
        "statuses": dict(crowd.statuses),
        "median": percentile(ends, 0.5),
        "p99": percentile(ends, 0.99),
        "last": ends[-1] if ends else 0.0,
    }


class Crowd:
    """What the agents of one job have found."""

    def __init__(self, loop: Loop, job: Job) -> None:
        self.loop = loop
        self.job = job
        self.served: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.ends: list[float] = []
        self.begun = 0.0
        self.at_work = 0


class Agent:
    """A device's agent: calls, waits, calls again, and gives up."""

    def __init__(self, crowd: Crowd, data: bytes) -> None:
        self._crowd = crowd
        self._data = data
        self._tries = 0
        self._connection: Call | None = None

    def call(self) -> None:
        self._tries += 1
        self._connection = Call(self._crowd.loop, self._crowd.job.port)
        self._connection.ask(self._data, self._crowd.job.timeout, self._answered)

    def _answered(self, status: int) -> None:
        crowd, job, connection = self._crowd, self._crowd.job, self._connection
        assert connection is not None
        crowd.statuses[str(status)] += 1
        if status != 200 or not job.keep:
            connection.close()
        if status == 200:
            crowd.served[str(self._tries)] += 1
            crowd.ends.append(time.perf_counter() - crowd.begun)
        elif self._tries < job.tries:
            crowd.loop.after(job.pause, self.call)
            return
        crowd.at_work -= 1


def play_flood(job: Job, loop: Loop, stopped: Callable[[], bool]) -> dict[str, Any]:
    fleet = Fleet(configs=10_000, seed=job.seed)
    statuses: Counter[str] = Counter()
    begun = time.perf_counter()
    sent = under_way = unsent = 0

    def wrong(number: int) -> None:
        connection = Call(loop, job.port, FLOOD_SOURCE)

        def answered(status: int) -> None:
            nonlocal under_way
            under_way -= 1
            statuses[str(status)] += 1
            connection.close()

        connection.ask(device_request(fleet, number % fleet.configs, key="wrong"), job.timeout, answered)

    def send_what_is_due() -> None:
        nonlocal sent, under_way, unsent
        if stopped():
            return
        due = int((time.perf_counter() - begun) * job.flood)
        for number in range(sent, due):
            if under_way >= MOST_WRONG:
                unsent += 1
                continue
            under_way += 1
            wrong(number)
        sent = due
        loop.after(0.01, send_what_is_due)

    send_what_is_due()
    loop.run(stopped)
    seconds = time.perf_counter() - begun
    loop.run(lambda: not under_way)
    return {"statuses": dict(statuses), "a_second": sum(statuses.values()) / seconds, "unsent": unsent}


class Probe:
    """Asks the same thing again and again, and notes how long the answer takes."""

    def __init__(self, loop: Loop, job: Job, *, path: str, every: float = 0.1, kept: bool = True, **other: Any) -> None:
        self._loop = loop
        self._job = job
        self._data = request(path, other.get("headers", {}))
        self._every = every
        self._kept = kept
        self._connection = Call(loop, job.port)
        self._started = 0.0
        self._latencies: list[float] = []
        self._failed = 0

    def ask(self) -> None:
        self._started = time.perf_counter()
        self._connection.ask(self._data, self._job.timeout, self._answered)

    def _answered(self, status: int) -> None:
        took = time.perf_counter() - self._started
        self._latencies.append(took)
        self._failed += status != 200
        if not self._kept:
            self._connection.close()
        self._loop.after(max(0.0, self._every - took), self.ask)

    def figures(self) -> dict[str, float]:
        ordered = sorted(self._latencies)
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
        found = {name: percentile(ordered, share) for name, share in shares.items()}
        return found | {"calls": len(ordered), "failed": self._failed}


def play_probes(job: Job, loop: Loop, stopped: Callable[[], bool]) -> dict[str, Any]:
    probes = {name: Probe(loop, job, **one) for name, one in job.probes.items()}
    for probe in probes.values():
        probe.ask()
    loop.run(stopped)
    return {name: probe.figures() for name, probe in probes.items()}


def play(job: Job) -> dict[str, Any]:
    if job.agents:
        return play_agents(job)
    loop = Loop()
    limit = time.perf_counter() + MOST_SECONDS
    told: list[bool] = []
    # Nothing more comes on standard input: its end tells us to stop, also when whoever started us is gone.
    loop.when_ready(sys.stdin.fileno(), select.EPOLLIN, lambda: told.append(True))

    def stopped() -> bool:
        return bool(told) or time.perf_counter() > limit

    return play_flood(job, loop, stopped) if job.flood else play_probes(job, loop, stopped)


class Player:
    """A job under way in a process of its own; a context manager that ends it."""

    def __init__(self, job: Job) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.agents"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(job)) + "\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def result(self) -> dict[str, Any]:
        """Tell it to stop where it needs telling, and return what it found."""
        output, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError("a player of the storm failed; see above")
        found: dict[str, Any] = json.loads(output)
        return found


if __name__ == "__main__":
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sys.stdout.write(json.dumps(play(Job(**json.loads(sys.stdin.readline())))))
