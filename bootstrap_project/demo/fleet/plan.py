"""The contents of a synthetic fleet: names, ids and keys, derived from a seed and a number.

Needs no Django and no database, so that a program that plays the devices derives their keys from the seed.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any, Final

MAX_BINDINGS: Final = 16
_KINDS: Final = ("pump", "valve", "thermometer", "meter", "gateway", "camera", "lock", "fan")
_SITES: Final = ("north", "south", "east", "west", "harbour", "mine", "depot", "tower", "plant", "yard")
_PI_SLOTS: Final[tuple[dict[str, Any], ...]] = (
    {"name": "mqtt_client", "type": "client", "required": True, "fields": ["id", "identity", "secret"]},
    {"name": "telemetry", "type": "channel", "required": True, "fields": ["id", "name"]},
    {"name": "commands", "type": "channel", "required": False, "fields": ["id", "name"]},
)
_DEVICE: Final = """{
  "device": {
    "id": "{{ .Device.ID }}",
    "external_id": "{{ .Device.ExternalID }}",
    "site": "{{ .Vars.site }}",
    "sensor": "{{ .Vars.sensor }}",
    "sample_interval_seconds": {{ .Vars.sample_interval_seconds }}
  }"""
_MQTT: Final = """,
  "mqtt": {
    "host": "{{ .Vars.mqtt_host }}",
    "port": {{ .Vars.mqtt_port }},
    "client_id": "{{ index (index .Bindings "mqtt_client").Snapshot "identity" }}",
    "client_secret": "{{ index (index .Bindings "mqtt_client").Secret "secret" }}",
    "telemetry_channel_id": "{{ (index .Bindings "telemetry").ID }}"
  }"""


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet of `configs` devices that share `profiles` profiles in `domains` domains; numbers begin at 0.

    Shape: with `domain` everything is in that one; `disabled` is a share in percent; each config has `bindings`.
    """

    configs: int
    profiles: int = 1000
    domains: int = 100
    bindings: int = 3
    seed: int = 1
    domain: str = ""
    disabled: int = 0

    @property
    def prefix(self) -> str:
        """Prefix of external ids and profiles' names, unique to this fleet."""
        return f"synthetic-{self.seed}-"

    @property
    def domain_ids(self) -> list[str]:
        return [self.domain] if self.domain else [self._id("domain", number) for number in range(self.domains)]

    def external_id(self, number: int) -> str:
        return f"{self.prefix}{number:07d}"

    def external_key(self, number: int) -> str:
        """Return the key of device `number`: 160 bits derived from the seed, so a secret only for trials."""
        return hashlib.blake2b(f"key {self.seed} {number}".encode(), digest_size=20).hexdigest()

    def name(self, number: int) -> str:
        """Return the name of config `number`, unique in the fleet."""
        kind, site = _KINDS[number % len(_KINDS)], _SITES[number // len(_KINDS) % len(_SITES)]
        return f"{kind} {site} {self.seed}-{number:07d}"

    def config_id(self, number: int) -> str:
        """Return the id of config `number`; unordered, like the service's own ids."""
        return self._id("config", number)

    def profile_of(self, number: int) -> int:
        """Return the number of config `number`'s profile, which lies in the config's domain."""
        return number % self._profiles

    def profile_id(self, profile: int) -> str:
        return self._id("profile", profile)

    def domain_of_profile(self, profile: int) -> str:
        return self.domain or self._id("domain", profile % self.domains)

    def is_disabled(self, number: int) -> bool:
        # Profiles use the number's remainder, too; this spreads the disabled configs over all profiles.
        return number * 7919 // 13 % 100 < self.disabled

    def profile_numbers(self) -> range:
        """Return the numbers of all profiles: each domain has at least one."""
        return range(self._profiles)

    def slots(self) -> list[dict[str, Any]]:
        """Return the binding slots of every profile: the Raspberry Pi's first."""
        more = [
            {"name": f"client_{number}", "type": "client", "required": True} for number in range(4, self.bindings + 1)
        ]
        return [*_PI_SLOTS, *more][: self.bindings]

    def template(self, profile: int) -> str:
        """Return the template of profile `profile`: the Raspberry Pi's, followed by a comment of its own."""
        mqtt = _MQTT if self.bindings > 1 else ""
        return f"{_DEVICE}{mqtt}\n}}{{{{/* {self.prefix}{profile:04d} */}}}}"

    def resource_id(self, number: int, slot: int) -> str:
        """Return what slot `slot` of config `number` is bound to; ten neighbours share their channels."""
        is_channel = 0 < slot < len(_PI_SLOTS)
        return self._id(f"resource {slot}", number // 10 if is_channel else number)

    def secret(self, number: int, slot: int) -> str:
        return hashlib.blake2b(f"secret {self.seed} {number} {slot}".encode(), digest_size=16).hexdigest()

    @property
    def _profiles(self) -> int:
        # A multiple of the domains, so that a config's profile determines its domain.
        domains = 1 if self.domain else self.domains
        return max(1, self.profiles // domains) * domains

    def _id(self, kind: str, number: int) -> str:
        digest = hashlib.blake2b(f"{kind} {self.seed} {number}".encode(), digest_size=16).digest()
        return str(uuid.UUID(bytes=digest, version=5))
