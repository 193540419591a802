"""Correctness under load: two service processes on PostgreSQL, while keys, states and the database itself change."""

from __future__ import annotations

import base64
import http.client
import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.db import connections

from configs.models import Config, Status
from configs.services import set_external_key
from profiles.models import Profile
from tests.devices.conftest import ALIAS
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

# What is asserted are answers under load, and that there was load.
pytestmark = [pytest.mark.alone, pytest.mark.slow]
DEVICES = 24
CALLERS = 6
STORM_SECONDS = 3.0
#: What a busy machine may take longer for as much load.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class State:
    """What a device is from the moment that `begun` is written until the next one is."""

    begun: float
    done: float
    key: str
    enabled: bool
    revision: int


@dataclass
class Device:
    external_id: str
    states: list[State] = field(default_factory=list)
    tags: dict[str, int] = field(default_factory=dict)
    rendered: bool = False

    def possible(self, started: float, ended: float) -> list[State]:
        """Return the states that an answer may be based on: the last one before the call, and those during it."""
        before = [state for state in self.states if state.done <= started]
        during = [state for state in self.states if state.done > started and state.begun < ended]
        return [*before[-1:], *during]


@dataclass(frozen=True)
class Seen:
    device: Device
    key: str
    known: str
    started: float
    ended: float
    status: int
    body: bytes
    etag: str


@pytest.fixture(scope="module")
def services(postgres):
    environment = {
        "DATABASE_URL": postgres.url,
        "MG_BOOTSTRAP_WORKERS": "1",
        "MG_BOOTSTRAP_LOG_LEVEL": "error",
        # A caller with a rotated key goes on with the old one: what it must get is 403, as long as it asks.
        "MG_BOOTSTRAP_LIMIT_SOURCE": "1000000000:1000000000",
        "MG_BOOTSTRAP_LIMIT_DEVICE": "1000000000:1000000000",
        "MG_BOOTSTRAP_LIMIT_KEY_CHECKS": "1000000000:1000000000",
    }
    with ExitStack() as stack, ThreadPoolExecutor(2) as executor:
        started = [executor.submit(ServerProcess, environment) for _ in range(2)]
        for future in started:
            stack.callback(future.result().stop)
        yield [future.result() for future in started]


@pytest.fixture
def fleet(postgres, django_db_blocker):
    with django_db_blocker.unblock():
        Config.objects.using(ALIAS).all().delete()
        Profile.objects.using(ALIAS).all().delete()
        profile = Profile(domain_id="d", name="p", template_format="json", content_template='{"r": {{ .Vars.r }}}')
        profile.save(using=ALIAS)
        devices = []
        for number in range(DEVICES):
            device = Device(f"device-{number}", rendered=number % 2 == 0)
            config = Config(domain_id="d", external_id=device.external_id, profile=profile if device.rendered else None)
            write(device, config, key=f"key-{number}", enabled=True, revision=0)
            devices.append(device)
        yield devices
        connections[ALIAS].close()


def write(device: Device, config: Config, *, key: str, enabled: bool, revision: int) -> None:
    if not device.states or device.states[-1].key != key:
        set_external_key(config, key)
    config.status = Status.ENABLED if enabled else Status.DISABLED
    config.content, config.render_context = f"r{revision}", {"r": revision}
    begun = time.monotonic()
    config.save(using=ALIAS)
    device.states.append(State(begun, time.monotonic(), key, enabled, revision))


def get(connection, external_id, key, known=""):
    headers = {"Authorization": f"Client {key}"} | ({"If-None-Match": known} if known else {})
    connection.request("GET", f"/clients/bootstrap/{external_id}", headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers.get("ETag", "")


def call_all(services, devices, stop, seen):
    """Call as devices do, from several threads on both services, until told to stop; each keeps its tag for a while."""

    def run(number):
        rng = random.Random(number)
        service = services[number % len(services)]
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        known: dict[str, str] = {}
        while not stop.is_set():
            device = rng.choice(devices)
            key = rng.choice(device.states[-2:]).key if rng.random() < 0.5 else device.states[-1].key
            tag = known.get(device.external_id, "") if rng.random() < 0.6 else ""
            started = time.monotonic()
            status, body, etag = get(connection, device.external_id, key, tag)
            seen.append(Seen(device, key, tag, started, time.monotonic(), status, body, etag))
            if status == 200:
                known[device.external_id] = etag
        connection.close()

    return [threading.Thread(target=run, args=(number,)) for number in range(CALLERS)]


def revision_of(device: Device, body: bytes) -> int:
    content = json.loads(body)["content"]
    return int(json.loads(content)["r"]) if device.rendered else int(content[1:])


def complaint(seen: Seen) -> str:
    """Return what is wrong with an answer, given what the device was while it was asked for; "" for nothing."""
    states = seen.device.possible(seen.started, seen.ended)
    right = [state for state in states if state.enabled and state.key == seen.key]
    if seen.status == 200:
        fits = any(state.revision == revision_of(seen.device, seen.body) for state in right)
        return "" if fits else f"stale 200 with revision {revision_of(seen.device, seen.body)}, of {states}"
    if seen.status == 304:
        fits = any(state.revision == seen.device.tags[seen.known] for state in right)
        return "" if fits and seen.known == seen.etag else f"stale 304, of {states}"
    if seen.status == 403:
        return "" if len(right) < len(states) else f"wrong refusal, of {states}"
    return f"unexpected {seen.status}: {seen.body!r}"


def test_never_a_stale_answer_or_a_wrong_refusal(services, fleet):
    seen: list[Seen] = []
    stop = threading.Event()
    threads = call_all(services, fleet, stop, seen)
    rng = random.Random(7)

    for thread in threads:
        thread.start()
    end = time.monotonic() + STORM_SECONDS
    changes = 0

    def is_enough() -> bool:
        return {200, 304, 403} <= {one.status for one in seen} and changes > 50 and len(seen) > 300

    # Longer where the machine is slow; whoever never answers otherwise is noticed below.
    while time.monotonic() < end or (time.monotonic() < end + PATIENCE_SECONDS and not is_enough()):
        device = rng.choice(fleet)
        last = device.states[-1]
        config = Config.objects.using(ALIAS).get(external_id=device.external_id)
        kind = rng.choice(["key", "status", "revision"])
        write(
            device,
            config,
            key=f"key-{rng.random()}" if kind == "key" else last.key,
            enabled=not last.enabled if kind == "status" else last.enabled,
            revision=last.revision + 1 if kind == "revision" else last.revision,
        )
        changes += 1
        time.sleep(0.005)
    stop.set()
    for thread in threads:
        thread.join(30)

    for one in seen:
        if one.status == 200:
            one.device.tags[one.etag] = revision_of(one.device, one.body)
    complaints = [complaint(one) for one in seen]
    assert [text for text in complaints if text][:5] == []
    assert is_enough(), (changes, Counter(one.status for one in seen))


def test_a_database_that_restarts_under_load_is_503_and_then_well_again(postgres, services, fleet):
    seen: list[Seen] = []
    stop = threading.Event()
    threads = call_all(services, fleet, stop, seen)

    for thread in threads:
        thread.start()
    eventually(lambda: len(seen) > CALLERS)
    restarted = time.monotonic()
    postgres.restart()
    back = time.monotonic()
    # Calls that began while it was away may be answered a little later.
    eventually(lambda: {one.status for one in list(seen) if one.started > back + 0.1} >= {200, 304})
    time.sleep(1.0)
    stop.set()
    for thread in threads:
        thread.join(30)

    before = Counter(one.status for one in seen if one.ended < restarted)
    during = Counter(one.status for one in seen if one.ended >= restarted and one.started <= back + 0.1)
    after = Counter(one.status for one in seen if one.started > back + 0.1)
    assert set(before) <= {200, 304}
    assert set(during) <= {200, 304, 503}
    assert during[503] > 0
    assert set(after) == {200, 304}
    for service in services:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        for device in fleet:
            assert get(connection, device.external_id, device.states[-1].key)[0] == 200
        connection.close()
        assert "Traceback" not in service.log()


def test_a_database_that_falls_silent_is_503_until_it_speaks(postgres, services, fleet):
    (device, *_), service = fleet, services[0]

    def ask(path: str = "") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        try:
            if not path:
                return int(get(connection, device.external_id, device.states[-1].key)[0])
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    assert ask() == ask("/health") == 200
    with postgres.silent(), ThreadPoolExecutor(30) as executor:
        # More than there are places; then one who comes when it is known.
        crowd = list(executor.map(ask, ["", "", "/health"] * 10))
        late = [ask(), ask("/health")]
    assert set(crowd) == {503}
    assert late == [503, 503]

    end = time.monotonic() + 30
    while ask() != 200:
        assert time.monotonic() < end, "it never came back"
        time.sleep(0.1)
    assert ask("/health") == 200


def test_imported_rows_in_a_crowd_are_all_served_and_hold_up_nobody(services, fleet, django_db_blocker):
    """As agents do that ignore `Retry-After`: all at once, and again a while later."""
    imported, enrolled = fleet[: DEVICES // 2], fleet[DEVICES // 2 :]
    ids = [device.external_id for device in imported]
    rows = Config.objects.using(ALIAS).filter(external_id__in=ids)
    for config in rows:
        device = next(device for device in imported if device.external_id == config.external_id)
        config.external_key_hash = upstream_hash(device.states[-1].key)
        config.external_key_digest = config.external_key_pepper = ""
        config.save(using=ALIAS)

    def ask(numbered):
        number, device = numbered
        connection = http.client.HTTPConnection("127.0.0.1", services[number % 2].port, timeout=60)
        status = get(connection, device.external_id, device.states[-1].key)[0]
        connection.close()
        return status

    tries: list[int] = []
    with ThreadPoolExecutor(len(fleet)) as executor:
        futures = [executor.submit(ask, numbered) for numbered in enumerate(imported)]
        enrolled_first = list(executor.map(ask, enumerate(enrolled)))
        first = [future.result() for future in futures]
        for _ in range(20):
            tries = list(executor.map(ask, enumerate(imported)))
            if set(tries) == {200}:
                break
            time.sleep(0.3)

    assert set(enrolled_first) == {200}
    assert set(first) <= {200, 503}
    assert set(tries) == {200}
    assert not rows.filter(external_key_digest="").exists()


def upstream_hash(key: str) -> str:
    salt = bytes(range(16))
    digest = Scrypt(salt=salt, length=32, n=2**14, r=8, p=1).derive(key.encode())
    return f"scrypt${base64.b64encode(digest).decode()}.{base64.b64encode(salt).decode()}"
