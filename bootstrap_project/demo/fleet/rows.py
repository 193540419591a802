"""The rows of a synthetic fleet, in the form of the database."""

from __future__ import annotations

import base64
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.db.models.fields import NOT_PROVIDED

from bootstrap_project.demo.fleet.plan import Fleet
from bootstrap_project.slots import RESOURCE_KINDS
from configs.external_keys import digest_external_key
from configs.models import Config, Status
from enrollments.models import BindingSnapshot, seal_secret_snapshot
from profiles.models import Profile, TemplateFormat

Row = tuple[Any, ...]
_DEFAULTS = {"mqtt_host": "localhost", "mqtt_port": 8883, "sample_interval_seconds": 30, "sensor": "DHT22"}


@dataclass(frozen=True)
class Table:
    """A model's table and its rows; columns not in `names` get their defaults."""

    model: type[Model]
    names: tuple[str, ...]
    rows: Iterable[Row]
    count: int

    @property
    def title(self) -> str:
        return str(self.model._meta.verbose_name_plural)  # noqa: SLF001 - Django's documented way to ask a model.

    @property
    def name(self) -> str:
        return table_name(self.model)

    def columns(self) -> tuple[list[str], Row]:
        """Return the columns, those of `names` first, and the values of all others."""
        fields = {field.attname: field for field in self.model._meta.concrete_fields}  # noqa: SLF001
        rest = [field for name, field in fields.items() if name not in self.names and field.db_default is NOT_PROVIDED]
        constants = tuple(field.get_db_prep_save(field.get_default(), connection) for field in rest)
        return [str(field.column) for field in [*(fields[name] for name in self.names), *rest]], constants


def table_name(model: type[Model]) -> str:
    """Return the name of `model`'s table."""
    return model._meta.db_table  # noqa: SLF001


def tables(fleet: Fleet) -> list[Table]:
    """Return the fleet's tables, each after the tables that it references."""
    config_names = (
        *("id", "domain_id", "external_id", "external_key_hash", "external_key_digest", "external_key_pepper"),
        *("name", "status", "profile_id", "render_context", "created_at", "updated_at"),
    )
    profile_names = (
        *("id", "domain_id", "name", "template_format", "content_template", "defaults", "binding_slots"),
        *("created_at", "updated_at"),
    )
    binding_names = (
        *("id", "config_id", "slot", "type", "resource_id", "snapshot", "secret_sealed", "created_at", "updated_at"),
    )
    return [
        Table(Profile, profile_names, _profiles(fleet), len(fleet.profile_numbers())),
        Table(Config, config_names, _configs(fleet), fleet.configs),
        Table(BindingSnapshot, binding_names, _bindings(fleet), fleet.configs * fleet.bindings),
    ]


def _profiles(fleet: Fleet) -> Iterator[Row]:
    now = datetime.now(tz=UTC)
    slots, defaults = json.dumps(fleet.slots()), json.dumps(_DEFAULTS)
    for number in fleet.profile_numbers():
        # Lists are ordered by this; one second each keeps them in the order of the numbers.
        made = _time(now + timedelta(seconds=number - len(fleet.profile_numbers())))
        yield (
            *(_id(fleet.profile_id(number)), fleet.domain_of_profile(number), f"{fleet.prefix}{number:04d}"),
            *(TemplateFormat.JSON.value, fleet.template(number), defaults, slots, made, made),
        )


def _configs(fleet: Fleet) -> Iterator[Row]:
    now = _time(datetime.now(tz=UTC))
    profiles = [(_id(fleet.profile_id(number)), fleet.domain_of_profile(number)) for number in fleet.profile_numbers()]
    for number in range(fleet.configs):
        profile_id, domain_id = profiles[fleet.profile_of(number)]
        pepper_id, digest = digest_external_key(fleet.external_key(number))
        status = Status.DISABLED if fleet.is_disabled(number) else Status.ENABLED
        yield (
            *(_id(fleet.config_id(number)), domain_id, fleet.external_id(number), _hash_of_no_key(), digest, pepper_id),
            *(fleet.name(number), status.value, profile_id, f'{{"site": "site-{number % 1000}"}}', now, now),
        )


def _bindings(fleet: Fleet) -> Iterator[Row]:
    now = _time(datetime.now(tz=UTC))
    slots = [(number, slot["name"], slot["type"]) for number, slot in enumerate(fleet.slots())]
    for number in range(fleet.configs):
        config_id = uuid.UUID(fleet.config_id(number))
        for index, slot, kind in slots:
            resource_id = fleet.resource_id(number, index)
            name = f"{slot}-{number:07d}"
            snapshot = json.dumps(
                {"id": resource_id, "identity" if "identity" in RESOURCE_KINDS[kind].keys else "name": name}
            )
            # A channel has none at the platform; with one, each binding costs what the dearest does.
            sealed = seal_secret_snapshot({"secret": fleet.secret(number, index)}, config_id=config_id, slot=slot)
            yield (_id(str(uuid.uuid4())), _id(str(config_id)), slot, kind, resource_id, snapshot, sealed, now, now)


def _hash_of_no_key() -> str:
    # Random in place of the hash: no key matches it, so these rows authenticate by their digests alone.
    salt, digest = (base64.b64encode(os.urandom(size)).decode("ascii").rstrip("=") for size in (16, 32))
    return f"$scrypt$ln={settings.EXTERNAL_KEY_SCRYPT_N.bit_length() - 1},r=8,p=1${salt}${digest}"


def _id(text: str) -> str:
    return text if connection.features.has_native_uuid_field else text.replace("-", "")


def _time(moment: datetime) -> str:
    return str(moment if connection.vendor == "postgresql" else moment.replace(tzinfo=None))
