"""The secret key is changed while devices call: one instance is started anew after the other."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.instances.cluster import FEW, LIST, Browser, Cluster, prepare, replace, settings_of
from tests.journeys.conftest import Caller
from tests.support.database import provide_database
from tests.support.instances import Devices, environment_of, instances, manage, statuses
from tests.support.nginx import Nginx
from tests.support.sandbox import SandboxProcess
from tests.support.server import ServerProcess

NEXT = "the-next-secret-key-of-more-than-fifty-characters-0123456789"


def test_keys_change_one_instance_after_the_other_while_devices_call(tmp_path: Path, sandbox_process: SandboxProcess):
    with provide_database(tmp_path) as database:
        settings = settings_of(database.url, sandbox_process)
        prepare(settings, FEW)
        with instances(2, settings) as two, Nginx(tmp_path, [one.port for one in two]) as nginx:
            change_keys(Cluster(two, nginx, settings), Caller(nginx.url, sandbox_process.token()))


def change_keys(cluster: Cluster, operator: Caller) -> None:
    old = environment_of(cluster.settings)["MG_BOOTSTRAP_SECRET_KEY"]
    both = {"MG_BOOTSTRAP_SECRET_KEY": NEXT, "MG_BOOTSTRAP_SECRET_KEY_FALLBACKS": old}
    browser = Browser()
    browser.log_in(cluster.nginx.url)
    enrolled: list[str] = []

    def replace_all(step: dict[str, str]) -> None:
        for one in cluster.instances:
            replace(one, cluster, step)
            # What this one seals, the others open.
            enrolled.append(enrol(operator, one))
            for other in cluster.instances:
                answers = {key: Caller(other.url, "").device(key, key).status_code for key in enrolled}
                assert answers == dict.fromkeys(enrolled, 200)
                assert browser.get(other.url, LIST).status_code == 200

    with Devices(cluster.nginx.port, FEW, range(FEW.configs)) as devices:
        # Read everywhere, before anything is written under it.
        replace_all({"MG_BOOTSTRAP_SECRET_KEY_FALLBACKS": NEXT})
        replace_all(both)
        manage(cluster.settings | both, "reseal_secrets")
        # Each device's call renews its digest.
        statuses(cluster.nginx.port, FEW, range(FEW.configs))
        manage(cluster.settings | both, "renew_key_digests", "--check")
        replace_all({"MG_BOOTSTRAP_SECRET_KEY_FALLBACKS": ""})

    assert devices.failures == []
    assert statuses(cluster.nginx.port, FEW, range(FEW.configs)) == {"200": FEW.configs}


def enrol(operator: Caller, one: ServerProcess) -> str:
    """Enrol a device with a sealed secret at this instance; return its id, which is its key."""
    operator.base = one.url
    name = f"enrolled-at-{one.port}-{uuid.uuid4().hex}"
    body = {"external_id": name, "external_key": name, "content": "x", "client_key": "sealed"}
    answer = operator.call("POST", "/clients/configs", body)
    assert answer.status_code == 201, answer.text
    return name
