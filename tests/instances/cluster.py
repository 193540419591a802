"""Instances behind nginx, what they are started with, and who calls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from bootstrap_project.demo.fleet.plan import Fleet
from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID
from tests.support.instances import manage
from tests.support.nginx import Nginx
from tests.support.sandbox import SandboxProcess
from tests.support.server import ServerProcess

#: More than one step of a run in the background.
FLEET = Fleet(configs=600, profiles=2, bindings=2, domain=DOMAIN_ID)
FEW = Fleet(configs=60, profiles=2, bindings=2, domain=DOMAIN_ID)
LIST = "/admin/configs/config/"
PASSWORD = "correct horse battery"


def settings_of(database: str, sandbox: SandboxProcess) -> dict[str, str]:
    """Return what all instances on a database have in common."""
    return {
        "DATABASE_URL": database,
        "MG_BOOTSTRAP_TRUSTED_PROXIES": "127.0.0.1",
        "MG_BOOTSTRAP_TOKEN": sandbox.pat()[0],
        **sandbox.settings(),
    }


def prepare(settings: Mapping[str, str], fleet: Fleet, **release: Any) -> None:
    """Put a fleet into the database, and a person who may do everything; `release` as in `manage`."""
    counts = [f"--{name}={getattr(fleet, name)}" for name in ("configs", "profiles", "bindings", "domain")]
    manage(settings, "make_fleet", *counts, **release)
    password = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    manage(
        {**settings, **password}, "createsuperuser", "--noinput", "--username=ada", "--email=ada@example.com", **release
    )


@dataclass
class Cluster:
    """Three instances behind nginx, and what they were started with."""

    instances: list[ServerProcess]
    nginx: Nginx
    settings: dict[str, str]

    @property
    def ports(self) -> list[int]:
        return [one.port for one in self.instances]


class Browser:
    """Somebody's browser: it has one set of cookies for all instances, as behind one name."""

    def __init__(self) -> None:
        self.http = requests.Session()
        self.http.trust_env = False

    def get(self, base: str, path: str) -> requests.Response:
        return self.http.get(base + path, allow_redirects=False, timeout=60)

    def post(self, base: str, path: str, data: dict[str, Any]) -> requests.Response:
        sent = {"csrfmiddlewaretoken": self.http.cookies.get("csrftoken") or "", **data}
        return self.http.post(base + path, data=sent, allow_redirects=False, timeout=60)

    def log_in(self, base: str, password: str = PASSWORD) -> requests.Response:
        self.get(base, "/admin/login/")
        return self.post(base, "/admin/login/", {"username": "ada", "password": password, "next": LIST})


def replace(one: ServerProcess, cluster: Cluster, settings: Mapping[str, str]) -> None:
    """Start an instance anew with other settings, when nginx has been told to leave it alone."""
    cluster.nginx.choose([port for port in cluster.ports if port != one.port])
    assert one.halt() == 0
    one.change(settings)
    one.start()
    cluster.nginx.choose(cluster.ports)


def start_refresh(browser: Browser, one: ServerProcess) -> str:
    """Have the bindings of the whole fleet refreshed in the background; return the page that tells of it."""
    chosen = [FLEET.config_id(number) for number in range(FLEET.configs)]
    form = {"action": "refresh_bindings", "_selected_action": chosen, "post": "yes", "expected": str(len(chosen))}
    answer = browser.post(one.url, LIST, form)
    assert answer.status_code == 302, answer.text[:2000]
    return answer.headers["Location"]
