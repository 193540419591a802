"""Two deployments on one database, of two instances each: devices are sent to one, everybody else to the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from tests.instances.cluster import FLEET, LIST, Browser
from tests.journeys.conftest import Caller
from tests.support.instances import Devices, instances, statuses
from tests.support.nginx import Nginx
from tests.support.sandbox import SandboxProcess
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

Two = tuple[list[ServerProcess], list[ServerProcess], Nginx]


@pytest.fixture(scope="module")
def deployments(shared: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """What serves devices, what serves people and programs, and nginx, which tells them apart by the path."""
    few_connections = {"MG_BOOTSTRAP_DB_POOL_SIZE": "2"}
    few_devices = {"MG_BOOTSTRAP_DEVICES_AT_ONCE": "1"}
    with ExitStack() as stack:
        devices = stack.enter_context(instances(2, shared | few_connections))
        others = stack.enter_context(instances(2, shared | few_devices))
        ports = ([one.port for one in devices], [one.port for one in others])
        yield devices, others, stack.enter_context(Nginx(tmp_path_factory.mktemp("nginx"), *ports))


def bootstraps(instance: ServerProcess) -> int:
    """Return how many devices this instance has answered."""
    text = requests.get(f"{instance.url}/metrics", timeout=60).text
    lines = [line for line in text.splitlines() if line.startswith("bootstrap_device_bootstraps_total{")]
    return int(sum(float(line.rpartition(" ")[2]) for line in lines))


def test_one_goes_on_while_the_other_is_stopped(deployments: Two, sandbox_process: SandboxProcess):
    for_devices, for_others, nginx = deployments
    browser = Browser()
    operator = Caller(nginx.url, sandbox_process.token())
    # Kept, so that not each call asks the platform.
    browser.log_in(nginx.url)

    with Devices(nginx.port, FLEET, range(FLEET.configs)) as devices:
        for one in for_others:
            assert one.halt() == 0
        devices.wait(100)
        assert browser.get(nginx.url, LIST).status_code == 502
        for one in for_others:
            one.start()
    assert devices.failures == []

    for one in for_devices:
        assert one.halt() == 0
    assert statuses(nginx.port, FLEET, range(3)) == {"502": 3}
    assert browser.get(nginx.url, LIST).status_code == 200
    assert operator.call("GET", "/clients/configs?limit=1").status_code == 200
    for one in for_devices:
        one.start()


def test_devices_reach_theirs_alone_and_metrics_are_summed(deployments: Two):
    for_devices, for_others, nginx = deployments
    before = sum(bootstraps(one) for one in for_devices)

    assert statuses(nginx.port, FLEET, range(40)) == {"200": 40}

    # Each process shares its counts from time to time.
    eventually(lambda: sum(bootstraps(one) for one in for_devices) == before + 40)
    assert [bootstraps(one) for one in for_others] == [0, 0]


def test_what_an_operator_changes_in_one_devices_get_from_the_other(deployments: Two, sandbox_process: SandboxProcess):
    _for_devices, for_others, nginx = deployments
    path = f"/clients/configs/{FLEET.config_id(5)}"
    answers = []
    for one, verb in zip(for_others, ("disable", "enable"), strict=True):
        operator = Caller(one.url, sandbox_process.token())
        assert operator.call("POST", f"{path}/{verb}").status_code == 200
        answers.append(dict(statuses(nginx.port, FLEET, [5] * 4)))

    assert answers == [{"403": 4}, {"200": 4}]
