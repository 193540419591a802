"""Plays a fleet's agents, an attacker and those who look on, each in a process of its own; talks to loopback alone.

Run as `python -m tests.benchmarks.agents` with a job as one line of JSON on standard input; the result is JSON, too.
Agents keep the schedule of Magistrala's: five tries, ten seconds apart, whatever the answer says. With `keep`, an
agent holds its connection after the last answer until the other side closes it, as programs in Go do by default.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from enrollments.synthetic import Fleet
from tests.benchmarks.devices_load import HOST, ROOT, device_request, head_value, percentile, request

MOST_AGENTS = 20_000
MOST_SECONDS = 300.0
#: What the attacker has under way at once; a machine of his has an end, too.
MOST_WRONG = 256
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


class Call(asyncio.Protocol):
    """One connection that is asked one thing at a time."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[int] | None = None
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, data: bytes) -> asyncio.Future[int]:
        assert self.transport is not None
        self.buffer = b""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        complete = bool(separator) and len(body) >= int(head_value(head, b"content-length") or 0)
        if complete and self.answer and not self.answer.done():
            self.answer.set_result(int(head[9:12]))
            if head_value(head, b"connection").lower() == b"close":
                self.close()
                self.transport = None

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_exception(error or ConnectionResetError("closed before the answer"))
        self.transport = None

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()


async def connect(port: int, source: str = HOST) -> Call:
    loop = asyncio.get_running_loop()
    _transport, call = await loop.create_connection(Call, HOST, port, local_addr=(source, 0))
    return call


async def ask_once(port: int, data: bytes, *, source: str = HOST, timeout: float = 10.0) -> tuple[int, Call | None]:
    """The status, and the connection still open; 0 and None for no answer in time."""
    call = None
    try:
        async with asyncio.timeout(timeout):
            call = await connect(port, source)
            return await call.ask(data), call
    except (OSError, TimeoutError):
        if call is not None:
            call.close()
        return 0, None


async def play_agents(job: Job) -> dict[str, Any]:
    fleet = Fleet(configs=job.first + job.agents, seed=job.seed)
    numbers = range(job.first, job.first + min(job.agents, MOST_AGENTS))
    requests = [device_request(fleet, number, key=job.key) for number in numbers]
    served: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    ends: list[float] = []
    kept: list[Call] = []

    async def agent(data: bytes) -> None:
        for number in range(1, job.tries + 1):
            status, call = await ask_once(job.port, data, timeout=job.timeout)
            statuses[str(status)] += 1
            if status == 200 and call is not None:
                served[str(number)] += 1
                ends.append(time.perf_counter() - begun)
                if job.keep:
                    kept.append(call)
                else:
                    call.close()
                return
            if call is not None:
                call.close()
            if number < job.tries:
                await asyncio.sleep(job.pause)

    begun = time.perf_counter()
    async with asyncio.timeout(MOST_SECONDS):
        await asyncio.gather(*(agent(data) for data in requests))
    for call in kept:
        call.close()
    ends.sort()
    return {
        "agents": len(requests),
        "served": dict(served),
        "statuses": dict(statuses),
        "median": percentile(ends, 0.5),
        "p99": percentile(ends, 0.99),
        "last": ends[-1] if ends else 0.0,
    }


async def play_flood(job: Job, stopped: Callable[[], bool]) -> dict[str, Any]:
    fleet = Fleet(configs=10_000, seed=job.seed)
    statuses: Counter[str] = Counter()
    under_way: set[asyncio.Task[None]] = set()
    unsent = 0

    async def wrong(number: int) -> None:
        data = device_request(fleet, number % fleet.configs, key="wrong")
        status, call = await ask_once(job.port, data, source=FLOOD_SOURCE, timeout=5)
        statuses[str(status)] += 1
        if call is not None:
            call.close()

    begun, sent = time.perf_counter(), 0
    while not stopped():
        due = int((time.perf_counter() - begun) * job.flood)
        for number in range(sent, due):
            if len(under_way) >= MOST_WRONG:
                unsent += 1
                continue
            task = asyncio.create_task(wrong(number))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        sent = due
        await asyncio.sleep(0.01)
    seconds = time.perf_counter() - begun
    await asyncio.gather(*under_way)
    return {"statuses": dict(statuses), "a_second": sum(statuses.values()) / seconds, "unsent": unsent}


async def play_probes(job: Job, stopped: Callable[[], bool]) -> dict[str, Any]:
    results: dict[str, Any] = {}

    async def probe(name: str, data: bytes, every: float, *, kept: bool) -> None:
        latencies: list[float] = []
        failed = 0
        call: Call | None = None
        while not stopped():
            started = time.perf_counter()
            status = 0
            if call is not None and call.transport is not None:
                with contextlib.suppress(OSError, TimeoutError):
                    status = await asyncio.wait_for(call.ask(data), job.timeout)
            else:
                status, call = await ask_once(job.port, data, timeout=job.timeout)
            took = time.perf_counter() - started
            latencies.append(took)
            failed += status != 200
            if call is not None and (not kept or status == 0):
                call.close()
                call = None
            await asyncio.sleep(max(0.0, every - took))
        latencies.sort()
        figures = {"p50": percentile(latencies, 0.5), "p95": percentile(latencies, 0.95)}
        results[name] = figures | {"p99": percentile(latencies, 0.99), "calls": len(latencies), "failed": failed}

    probes: list[Awaitable[None]] = []
    for name, one in job.probes.items():
        data = request(one["path"], one.get("headers", {}))
        probes.append(probe(name, data, one.get("every", 0.1), kept=one.get("kept", True)))
    await asyncio.gather(*probes)
    return results


async def play(job: Job) -> dict[str, Any]:
    if job.agents:
        return await play_agents(job)
    loop = asyncio.get_running_loop()
    # Nothing more comes on standard input: its end tells us to stop, also when whoever started us is gone.
    end = loop.run_in_executor(None, sys.stdin.read)
    limit = time.perf_counter() + MOST_SECONDS

    def stopped() -> bool:
        return end.done() or time.perf_counter() > limit

    return await (play_flood(job, stopped) if job.flood else play_probes(job, stopped))


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
    sys.stdout.write(json.dumps(asyncio.run(play(Job(**json.loads(sys.stdin.readline()))))))
