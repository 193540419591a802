"""The one statement that an answer is made from: a config with its profile and its bindings, in one round trip.

Written by hand: the ORM's three statements cost four times as much. On PostgreSQL, `libpq` sends it.
Devices come in by their external id or by their key (`devices.queries`), previews by the config's id.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from configs.external_keys import StoredKey
from configs.models import Status
from enrollments.device_config.libpq import can_fetch, fetch

Row = tuple[Any, ...]
Lookup = Literal["external id", "external key", "config id"]

# What `to_record` reads of the config itself, in this order.
_IDENTITY: Final = "config.id, config.domain_id, config.external_id, config.status"
_KEYS: Final = "config.external_key_hash, config.external_key_digest, config.external_key_pepper"
_BY_EXTERNAL_ID: Final = "MD5(config.external_id) = MD5(%s)"
# An unknown external id and a wrong key take the same time (contract K12). There is a row for both, of NULLs for the
# former, and `answer`, the config's row once more, is joined only for callers whose key may be right: a wrong key
# neither reads nor moves the template, the bindings and the certificates.
_STATEMENT: Final = """
SELECT {identity},
       {keys},
       answer.id, answer.content, answer.client_cert, answer.client_key_sealed, answer.ca_cert, answer.render_context,
       profile.id, profile.version, profile.template_format, profile.content_template, profile.defaults,
       profile.binding_slots,
       (SELECT {bindings} FROM enrollments_bindingsnapshot binding WHERE binding.config_id = answer.id)
  FROM (SELECT 1) caller
  LEFT JOIN configs_config config ON {lookup}
  LEFT JOIN configs_config answer ON answer.id = CASE WHEN {key_may_be_right} THEN config.id END
  LEFT JOIN profiles_profile profile ON profile.id = answer.profile_id
  {limit}
"""
# Snapshots travel as text: SQLite would otherwise parse them, and only declared slots' are ever needed.
_BINDINGS: Final = {
    "postgresql": (
        "json_agg(json_build_array(binding.slot, binding.type, binding.resource_id,"
        " binding.snapshot::text, binding.secret_sealed))::text"
    ),
    "sqlite": (
        "json_group_array(json_array(binding.slot, binding.type, binding.resource_id,"
        " binding.snapshot, binding.secret_sealed))"
    ),
}


@dataclass(frozen=True, slots=True, repr=False)
class ProfileRecord:
    """A profile as stored; `defaults` and `binding_slots` are still JSON text."""

    id: uuid.UUID
    version: int
    template_format: str
    content_template: str
    defaults: str
    binding_slots: str


@dataclass(frozen=True, slots=True, repr=False)
class AnswerRecord:
    """What an answer is made from; secrets are still sealed, JSON is still text."""

    content: str
    client_cert: str
    client_key_sealed: str
    ca_cert: str
    render_context: str
    profile: ProfileRecord | None
    bindings: str


@dataclass(frozen=True, slots=True, repr=False)
class DeviceRecord:
    """A config as its answer needs it; `answer` is None when the presented key cannot be right."""

    config_id: uuid.UUID
    domain_id: str
    external_id: str
    enabled: bool
    key: StoredKey
    answer: AnswerRecord | None


@cache
def statement(vendor: str, lookup: Lookup, peppers: int) -> str:
    """Return the statement for callers of one kind; `peppers` is the number of digests that a key is looked for by."""
    places = ", ".join(["%s"] * peppers)
    keys, may_be_right = _KEYS, "config.id IS NOT NULL"
    if peppers:
        may_be_right = (
            f"config.external_key_digest IN ({places}) OR config.external_key_digest = ''"
            f" OR config.external_key_pepper NOT IN ({places})"
        )
    limit = ""
    if lookup == "external id":
        condition = _BY_EXTERNAL_ID
    elif lookup == "config id":
        # Nobody presents a key here, so that none is read.
        keys, condition = "'', '', ''", "config.id = %s"
    else:
        # The second condition is the partial index' own, without which it would not be used.
        condition = f"config.external_key_digest IN ({places}) AND NOT (config.external_key_digest = '')"
        limit = "LIMIT 2"
    return _STATEMENT.format(
        identity=_IDENTITY,
        keys=keys,
        bindings=_BINDINGS[vendor],
        key_may_be_right=may_be_right,
        lookup=condition,
        limit=limit,
    )


def execute(connection: BaseDatabaseWrapper, text: str, parameters: list[str]) -> Sequence[Row]:
    """Return the rows of a statement."""
    if can_fetch(connection):
        return fetch(connection, text, parameters)
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)
        return list(cursor.fetchall())


def to_record(row: Row) -> DeviceRecord:
    """Return a row of the statement as what it is."""
    answer = None
    if row[7] is not None:
        profile = None if row[13] is None else ProfileRecord(_uuid(row[13]), int(row[14]), *row[15:19])
        answer = AnswerRecord(row[8], row[9], row[10], row[11], row[12], profile, row[19] or "[]")
    return DeviceRecord(
        config_id=_uuid(row[0]),
        domain_id=row[1],
        external_id=row[2],
        enabled=row[3] == Status.ENABLED,
        key=StoredKey(row[4], row[5], row[6]),
        answer=answer,
    )


def read_config(config_id: uuid.UUID) -> DeviceRecord | None:
    """Return what the answer of one config is made from, as its device would find it now; None when it is gone.

    The caller has made sure that whoever asks may see the config.
    Cost: one statement.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    key = str(config_id) if connection.features.has_native_uuid_field else config_id.hex
    (row,) = execute(connection, statement(connection.vendor, "config id", 0), [key])
    return None if row[0] is None else to_record(row)


def _uuid(value: uuid.UUID | str) -> uuid.UUID:
    # Both databases send them as texts; only a cursor's are objects already.
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
