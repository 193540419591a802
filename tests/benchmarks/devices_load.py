"""Generates load in a process of its own: HTTP/1.1 over kept connections, loopback only, bounded in time and number.

Run as `python -m tests.benchmarks.devices_load`, a job as JSON on standard input; the result is JSON, too. Knows the
keys of a synthetic fleet from its seed, and needs no Django.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bootstrap_project.demo.fleet.plan import Fleet

HOST = "127.0.0.1"
MOST_CONNECTIONS, MOST_SECONDS, MOST_CALLS = 256, 180.0, 1_000_000
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Job:
    """What to send: devices of a fleet one after the other, again and again, or one path. Ends with the first bound."""

    port: int
    seconds: float = 5.0
    calls: int = MOST_CALLS
    connections: int = 16
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    seed: int = 1
    first: int = 0
    devices: int = 0
    stride: int = 1
    key: str = ""
    wrong: bool = False
    #: What `devices` calls know already, each its own; and whether the result is to hold what they got.
    tags: list[str] = field(default_factory=list)
    keep_tags: bool = False
    #: An operator's domain and token: every tenth call then changes a config.
    domain: str = ""
    token: str = ""


@dataclass
class Result:
    """What came back."""

    calls: int = 0
    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    broken: int = 0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    tags: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.calls / self.seconds

    def count(self, status: int) -> int:
        return self.statuses.get(str(status), 0)


def request(path: str, headers: dict[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def device_request(fleet: Fleet, number: int, *, key: str = "", **headers: str) -> bytes:
    authorization = f"Client {key or fleet.external_key(number)}"
    return request(f"/clients/bootstrap/{fleet.external_id(number)}", {"Authorization": authorization} | headers)


def change_request(fleet: Fleet, number: int, job: Job) -> bytes:
    body = json.dumps({"render_context": {"site": f"changed-{number}"}})
    headers = {"Authorization": f"Bearer {job.token}", "Content-Type": "application/json"}
    path = f"/{job.domain}/clients/configs/{fleet.config_id(number)}"
    head = request(path, headers | {"Content-Length": str(len(body))})
    return head.replace(b"GET", b"PATCH", 1) + body.encode()


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def head_value(head: bytes, name: bytes) -> bytes:
    """A header's value; `name` in small letters."""
    at = head.lower().find(b"\r\n" + name + b":")
    return head[at + len(name) + 3 :].partition(b"\r\n")[0].strip() if at >= 0 else b""


class Load:
    """Requests sent over some connections, each waiting for its answer before the next."""

    def __init__(self, requests: list[bytes], *, connections: int, seconds: float, calls: int) -> None:
        self.requests = requests
        self.connections = min(connections, MOST_CONNECTIONS)
        self.seconds = min(seconds, MOST_SECONDS)
        self.calls = min(calls, MOST_CALLS)
        self.sent = self.bytes = self.broken = 0
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.tags: dict[int, bytes] = {}
        self.end = 0.0

    def next(self) -> tuple[int, bytes] | None:
        if self.sent >= self.calls or time.perf_counter() >= self.end:
            return None
        index = self.sent % len(self.requests)
        self.sent += 1
        return index, self.requests[index]

    async def measure(self, port: int) -> Result:
        loop = asyncio.get_running_loop()
        begun = time.perf_counter()
        self.end = begun + self.seconds
        made = []
        for _ in range(self.connections):
            _transport, protocol = await loop.create_connection(lambda: _Connection(self), HOST, port)
            made.append(protocol)
        await asyncio.wait_for(asyncio.gather(*(protocol.done for protocol in made)), self.seconds + 30)
        ordered = sorted(self.latencies)
        return Result(
            calls=len(ordered),
            seconds=time.perf_counter() - begun,
            statuses=dict(self.statuses),
            bytes=self.bytes,
            broken=self.broken,
            p50=percentile(ordered, 0.5),
            p95=percentile(ordered, 0.95),
            p99=percentile(ordered, 0.99),
        )


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load) -> None:
        self.load = load
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.index = -1
        self.again: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        following = self.load.next()
        self.index = -1
        if following is None:
            self.transport.close()
            return
        self.index, data = following
        self.started = time.perf_counter()
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        head_end = buffer.find(b"\r\n\r\n")
        if head_end < 0:
            self.buffer = buffer
            return
        head = buffer[:head_end]
        size = head_end + 4 + int(head_value(head, b"content-length") or 0)
        if len(buffer) < size:
            self.buffer = buffer
            return
        load = self.load
        load.latencies.append(time.perf_counter() - self.started)
        load.statuses[head[9:12].decode()] += 1
        load.bytes += size
        if self.index not in load.tags:
            load.tags[self.index] = head_value(head, b"etag")
        self.buffer = b""
        if head_value(head, b"connection").lower() == b"close":
            self.index = -1
            self.transport.close()
            self.again = asyncio.ensure_future(self.connect_again())
        else:
            self.send()

    async def connect_again(self) -> None:
        _host, port = self.transport.get_extra_info("peername")[:2]
        await asyncio.get_running_loop().create_connection(lambda: self, HOST, port)

    def connection_lost(self, error: Exception | None) -> None:
        if self.again is not None:
            self.again = None
            return
        if self.index >= 0:
            self.load.broken += 1
        if not self.done.done():
            self.done.set_result(None)


async def work(job: Job) -> Result:
    def load(requests: list[bytes], seconds: float, calls: int) -> Load:
        return Load(requests, connections=job.connections, seconds=seconds, calls=calls)

    if job.path:
        return await load([request(job.path, job.headers)], job.seconds, job.calls).measure(job.port)
    fleet = Fleet(configs=job.first + job.devices * job.stride, seed=job.seed)
    numbers = range(job.first, job.first + job.devices * job.stride, job.stride)
    key = "wrong" if job.wrong else job.key
    requests = [device_request(fleet, number, key=key, **job.headers) for number in numbers]
    for index, tag in enumerate(job.tags):
        requests[index] = device_request(fleet, numbers[index], **{"If-None-Match": tag})
    if job.token:
        requests[::10] = [change_request(fleet, number, job) for number in numbers[::10]]
    sending = load(requests, job.seconds, job.calls)
    result = await sending.measure(job.port)
    if job.keep_tags:
        result.tags = [sending.tags[index].decode() for index in range(len(requests))]
    return result


def generate(job: Job) -> Result:
    """Run the job in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.devices_load"],
        cwd=ROOT,
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the load generator failed:\n{done.stderr}")
    return Result(**json.loads(done.stdout))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(asyncio.run(work(Job(**json.load(sys.stdin)))))))
