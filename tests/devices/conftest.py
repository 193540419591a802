"""What a device does: it asks with a key, and reads an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any

import pytest
from django.db import connections
from prometheus_client import REGISTRY

from bootstrap_project.security import transport_cipher
from configs.models import Config
from devices.rate_limit import failure_limits
from devices.slow_keys import SlowKeys
from tests.support.database import Database
from tests.support.postgres import PostgresServer
from tests.support.rows import EXTERNAL_KEY, make_binding, make_config, make_profile

PI_TEMPLATE = """{
  "device_id": {{ toJSON .Device.ID }},
  "name": {{ toJSON .Device.ExternalID }},
  "domain_id": {{ toJSON .Device.DomainID }},
  "interval": {{ .Vars.interval }},
  "ratio": {{ .Vars.ratio }},
  "site": {{ toJSON .Vars.site }},
  "mqtt": {
    "client_id": {{ toJSON .Bindings.mqtt.ID }},
    "secret": {{ toJSON .Bindings.mqtt.Secret.secret }}
  },
  "topic": {{ toJSON .Bindings.telemetry.Snapshot.topic }}
}
"""
SLOTS = [
    {"name": "mqtt", "type": "client", "required": True},
    {"name": "telemetry", "type": "channel", "required": True},
    {"name": "commands", "type": "channel", "required": False},
]
#: Everything that must show up nowhere but in the answer to the right key.
SECRETS = ("s3cr3t-of-the-client", "CLIENT-KEY-PEM", EXTERNAL_KEY)


#: Django's name for the PostgreSQL server that is a test module's own.
ALIAS = "storm"


class InlineExecutor(Executor):
    """Works at once, in the caller's thread and so in the test's transaction."""

    def submit(self, function, /, *args, **kwargs):
        future: Future[Any] = Future()
        future.set_result(function(*args, **kwargs))
        return future


@pytest.fixture(autouse=True)
def fresh_limits(monkeypatch):
    """Give each test limits of its own, and slow checks that are made at once."""
    failure_limits.cache_clear()

    def inline() -> SlowKeys:
        return SlowKeys(InlineExecutor(), failure_limits(), threads=1, waiting=0, wait_seconds=1)

    monkeypatch.setattr("devices.authentication.slow_keys", inline)
    yield
    failure_limits.cache_clear()


@pytest.fixture(scope="module")
def postgres(django_db_blocker: Any) -> Iterator[PostgresServer]:
    """A server of the module's own, migrated, which the service under test and the test may reach and stop."""
    with PostgresServer() as server, django_db_blocker.unblock():
        settings = {
            **connections["default"].settings_dict,
            "ENGINE": "django.db.backends.postgresql",
            "HOST": "127.0.0.1",
            "PORT": str(server.port),
            "USER": "postgres",
            "PASSWORD": "",
            "NAME": "bootstrap",
            "OPTIONS": {},
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": False,
        }
        connections.settings[ALIAS] = settings
        # As a process of its own, since a migration of the queue knows the database "default" alone.
        Database(server.url, None).migrate()
        yield server
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.settings[ALIAS]


@pytest.fixture
def ask(client):
    """Ask as a device does; `key` None sends no header."""

    def ask(external_id="pi-1", key=EXTERNAL_KEY, *, path=None, scheme="Client ", method="get", **extra):
        headers = {} if key is None else {"authorization": f"{scheme}{key}"}
        target = f"/clients/bootstrap/{external_id}" if path is None else path
        return getattr(client, method)(target, headers=headers, **extra)

    return ask


@pytest.fixture
def ask_secure(client, settings):
    """Ask over the secure endpoint, the key encrypted under the transport key."""

    def ask_secure(external_id="pi-1", key=EXTERNAL_KEY, *, transport_key=None, raw=None):
        plaintext = key if isinstance(key, bytes) else key.encode()
        message = (
            raw
            if raw is not None
            else transport_cipher.encrypt(transport_key or settings.TRANSPORT_KEY, plaintext).hex()
        )
        return client.get(f"/clients/bootstrap/secure/{external_id}", headers={"authorization": f"Client {message}"})

    return ask_secure


@pytest.fixture
def pi(db):
    """A device with a profile, both required bindings and certificates."""
    return make_pi()


def make_pi(**values: Any) -> Config:
    profile = make_profile(
        template_format=values.pop("template_format", "json"),
        content_template=values.pop("content_template", PI_TEMPLATE),
        defaults={"interval": 30, "site": "default", "ratio": 1.0},
        binding_slots=SLOTS,
    )
    config = make_config(
        **{
            "external_id": "pi-1",
            "profile": profile,
            "render_context": {"site": "north"},
            "client_cert": "CERT-PEM",
            "client_key": "CLIENT-KEY-PEM",
            "ca_cert": "CA-PEM",
            "content": "static content",
            **values,
        }
    )
    make_binding(
        config=config, slot="mqtt", resource_id="client-1", snapshot={"id": "client-1"}, secret={"secret": SECRETS[0]}
    )
    make_binding(
        config=config, slot="telemetry", type="channel", resource_id="channel-1", snapshot={"topic": "telemetry/north"}
    )
    return config


def message_of(response: Any) -> str:
    message: str = json.loads(response.content)["message"]
    return message


def count_of(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def without_request_id(response: Any) -> tuple[int, dict[str, str], dict[str, str]]:
    """All that an answer says to a device but what is new in each."""
    body = json.loads(response.content)
    body.pop("request_id")
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    return response.status_code, body, headers
