"""The Raspberry Pi's rows, and the four calls as an operator makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.test import Client

from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.sandbox import SandboxProcess

PI_SLOTS = [
    {"name": "mqtt_client", "type": "client", "required": True},
    {"name": "telemetry", "type": "channel", "required": True},
    {"name": "commands", "type": "channel", "required": False},
]
MQTT_CLIENT = {"slot": "mqtt_client", "type": "client", "resource_id": seed.CLIENT_ID}
TELEMETRY = {"slot": "telemetry", "type": "channel", "resource_id": seed.TELEMETRY_CHANNEL_ID}
COMMANDS = {"slot": "commands", "type": "channel", "resource_id": seed.COMMANDS_CHANNEL_ID}


def make_profile(*, slots: list[dict[str, Any]] | None = None, **members: Any) -> Profile:
    values: dict[str, Any] = {"domain_id": seed.DOMAIN_ID, "name": f"profile {Profile.objects.count()}"} | members
    return Profile.objects.create(binding_slots=PI_SLOTS if slots is None else slots, **values)


def make_config(*, profile: Profile | None = None, **members: Any) -> Config:
    values: dict[str, Any] = {
        "domain_id": seed.DOMAIN_ID,
        "external_id": f"device-{Config.objects.count()}",
        "external_key_hash": "unused",
    }
    return Config.objects.create(profile=profile, **(values | members))


def rows(config: Config) -> dict[str, BindingSnapshot]:
    return {row.slot: row for row in BindingSnapshot.objects.filter(config=config)}


def stored(config: Config) -> list[tuple[Any, ...]]:
    """Everything that is stored of a config's bindings, to tell whether anything moved."""
    return list(BindingSnapshot.objects.filter(config=config).order_by("slot").values_list())


class Operator:
    """Somebody with a token, in a domain."""

    def __init__(self, token: str, domain_id: str = seed.DOMAIN_ID) -> None:
        self.http = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.domain_id = domain_id

    def assign(self, config: Config | str, body: Any, **options: Any) -> Any:
        return self._send("patch", config, "profile", body, **options)

    def bind(self, config: Config | str, *bindings: dict[str, Any], **options: Any) -> Any:
        return self.put(config, {"bindings": list(bindings)}, **options)

    def put(self, config: Config | str, body: Any, **options: Any) -> Any:
        return self._send("put", config, "bindings", body, **options)

    def bindings(self, config: Config | str) -> Any:
        return self.http.get(self.path(config, "bindings"), headers=self.headers)

    def refresh(self, config: Config | str) -> Any:
        return self.http.post(self.path(config, "bindings/refresh"), headers=self.headers)

    def path(self, config: Config | str, rest: str) -> str:
        config_id = config.pk if isinstance(config, Config) else config
        return f"/{self.domain_id}/clients/bootstrap/enrollments/{config_id}/{rest}"

    def _send(self, method: str, config: Config | str, rest: str, body: Any, **options: Any) -> Any:
        options.setdefault("content_type", "application/json")
        return getattr(self.http, method)(self.path(config, rest), body, headers=self.headers, **options)


class _Meddler:
    """The adapter, with somebody who does things at bad moments."""

    def __init__(
        self,
        magistrala: MagistralaClient,
        *,
        before_connect: Callable[[], object] = lambda: None,
        before_each: Callable[[], object] = lambda: None,
        always: bool = False,
    ) -> None:
        self._magistrala, self._before_connect, self._before_each = magistrala, before_connect, before_each
        self._always = always
        self._done = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._magistrala, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._before_each()
            if name == "connect" and (self._always or not self._done):
                self._done = True
                self._before_connect()
            return method(*arguments, **options)

        return call


def Meddler(magistrala: MagistralaClient, **options: Any) -> MagistralaClient:  # noqa: N802 - reads like the class.
    return cast("MagistralaClient", _Meddler(magistrala, **options))


def connections(sandbox: SandboxProcess, channel_id: str) -> dict[str, set[str]]:
    """Which clients the platform has connected to a channel, and how."""
    token = sandbox.token("admin")
    clients = sandbox.platform("GET", f"/{seed.DOMAIN_ID}/clients?limit=100&status=all", token).json()["clients"]
    found: dict[str, set[str]] = {}
    for client in clients:
        page = sandbox.platform("GET", f"/{seed.DOMAIN_ID}/channels?client={client['id']}&limit=100", token).json()
        for channel in page.get("channels", ()):
            if channel["id"] == channel_id:
                found[client["id"]] = set(channel["connection_types"])
    return found
