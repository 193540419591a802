"""What one tenant's worst calls cost another one: a device calls steadily, alone and beside them, in turns.

The other tenant's calls are devices' and operators', all that we know to be slow, several of each at once. What counts
is what is added to the device's wait. BENCH_QUICK=1 makes the rounds short.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID
from tests.benchmarks.agents import Job, Player
from tests.benchmarks.devices_machine import serve, sized
from tests.benchmarks.report import Report
from tests.support.rows import EXTERNAL_KEY, make_config, make_profile
from tests.support.sandbox import SandboxProcess

ROUNDS = sized(4, 2)
SECONDS = sized(10, 5)
AT_ONCE = 3
#: The most that may be added to the steady device's wait, in milliseconds.
MOST_ADDED = 50.0
_WORDS = random.Random(3)


def _names(count: int, length: int) -> list[str]:
    return ["".join(_WORDS.choices("ab", k=length)) for _ in range(count)]


def _nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def _fields(start: int) -> str:
    return "".join(f"{{{{.Vars.a{start}x{number}}}}}" for number in range(1_900))


#: What devices of the other tenant ask for: template, variables, format.
DEVICES: dict[str, tuple[str, dict[str, Any], str]] = {
    "misspelt names": (
        "".join(f"{{{{ .Vars.x{name} }}}}" for name in _names(90, 63)),
        dict.fromkeys(_names(5_000, 64), 1),
        "go-template",
    ),
    "endless loop": ("{{ range 10000000 }}{{ range 100 }}{{ end }}{{ end }}", {}, "go-template"),
    "large output": ("{{ toJSON .Vars.list }}", {"list": [0] * 500_000}, "go-template"),
    "large YAML": ("{{ range 9900 }}k{{ . }}: v\n{{ end }}", {}, "yaml"),
    "large TOML": ("{{ range 9900 }}k{{ . }} = 1\n{{ end }}", {}, "toml"),
    "large JSON that breaks": ("[{{ range 90000 }}{{ . }},{{ end }}", {}, "json"),
    "format of directives": ("{{ printf .Vars.form }}", {"form": "%%" * 400_000}, "go-template"),
    "deep nil": ("{{ .Vars.deep }}", {"deep": _nested(None, 60)}, "go-template"),
    "large map": ("{{ range 50 }}{{ range $.Vars.map }}{{ break }}{{ end }}{{ end }}", {}, "go-template"),
}
DEVICES["large map"][1]["map"] = {f"{number:06}": 0 for number in _WORDS.sample(range(10**6), 80_000)}


def run(report: Report) -> None:
    with SandboxProcess() as sandbox:
        steady = make_profile(
            domain_id="tenant-a",
            template_format="json",
            content_template='{"id": {{ toJSON .Device.ID }}, "site": {{ toJSON .Vars.site }}}',
        )
        make_config(domain_id="tenant-a", external_id="steady", profile=steady, render_context={"site": "north"})
        for name, (template, variables, template_format) in DEVICES.items():
            profile = make_profile(
                domain_id=DOMAIN_ID, name=name, template_format=template_format, content_template=template
            )
            make_config(domain_id=DOMAIN_ID, external_id=f"b {name}", profile=profile, render_context=variables)
        alone: list[dict[str, float]] = []
        beside: list[dict[str, float]] = []
        answered: Counter[str] = Counter()
        with serve(**sandbox.settings()) as server:
            calls = list(_calls(sandbox.token(), str(steady.pk)))
            for _ in range(ROUNDS):
                alone.append(_steady(server.port))
                with _busy(server.port, calls, answered):
                    beside.append(_steady(server.port))
    for share in ("p50", "p95", "p99"):
        before = statistics.median(1000 * one[share] for one in alone)
        after = statistics.median(1000 * one[share] for one in beside)
        report.add(f"steady device alone, {share}", before, "ms")
        report.add(f"beside the other tenant, {share}", after, "ms")
        report.add(f"{share}, beside / alone", after / before)
        report.add(f"{share}, added", after - before, "ms", target=MOST_ADDED if share == "p99" else None)
    report.add("steady calls that failed", sum(one["failed"] for one in beside), target=0)
    report.note(f"medians of {ROUNDS} rounds of {SECONDS} s each way; {AT_ONCE} of each of the calls at once")
    report.note(f"what the other tenant was answered: {dict(sorted(answered.items()))}")


def _steady(port: int) -> dict[str, float]:
    probe = {"path": "/clients/bootstrap/steady", "headers": {"Authorization": f"Client {EXTERNAL_KEY}"}, "every": 0.01}
    with Player(Job(port=port, probes={"steady": probe})) as player:
        time.sleep(SECONDS)
        found: dict[str, float] = player.result()["steady"]
    return found


_Call = Callable[[], tuple[str, str, dict[str, str], bytes]]


def _calls(token: str, _steady_profile: str) -> Iterator[tuple[str, _Call]]:
    for name in DEVICES:
        path = f"/clients/bootstrap/b%20{name.replace(' ', '%20')}"
        yield name, lambda path=path: ("GET", path, {"Authorization": f"Client {EXTERNAL_KEY}"}, b"")  # type: ignore[misc]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    numbers = itertools.count(1)
    base = f"/{DOMAIN_ID}/clients/bootstrap/profiles"

    def save() -> tuple[str, str, dict[str, str], bytes]:
        number = next(numbers)
        body = {
            "name": f"new {number}",
            "content_template": _fields(number),
            "defaults": dict.fromkeys(_names(90, 63), 1),
        }
        return "POST", base, headers, json.dumps(body).encode()

    yield "save and lint", save
    from profiles.models import Profile  # noqa: PLC0415 - models are there once Django is set up.

    for name in ("misspelt names", "endless loop"):
        path = f"{base}/{Profile.objects.get(name=name).pk}/render-preview"
        body = json.dumps({"config": {"render_context": DEVICES[name][1]}}).encode()
        yield f"preview of {name}", lambda path=path, body=body: ("POST", path, headers, body)  # type: ignore[misc]


@contextmanager
def _busy(port: int, calls: list[tuple[str, _Call]], answered: Counter[str]) -> Iterator[None]:
    """Have all calls made again and again while the block runs."""
    over = threading.Event()

    def work(name: str, call: _Call) -> None:
        while not over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                method, path, headers, body = call()
                connection.request(method, path, body=body or None, headers=headers)
                response = connection.getresponse()
                response.read()
                answered[f"{name}: {response.status}"] += 1
                if response.status == 503:
                    # Less than the answer asks for.
                    over.wait(0.2)
            except OSError:
                answered[f"{name}: no answer"] += 1
            finally:
                connection.close()

    threads = [threading.Thread(target=work, args=one) for one in calls for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    # All of them are under way.
    time.sleep(2)
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
