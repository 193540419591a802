"""The one statement of the device path: a config with its profile and its bindings, in one round trip.

Written by hand: the ORM's three statements cost four times as much. On PostgreSQL, `prepared` sends it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from bootstrap_project.columns import NAME_LENGTH
from configs.external_keys import PresentedKey, StoredKey
from configs.models import Status
from devices.errors import DatabaseUnavailable
from devices.prepared import can_fetch, fetch

_Row = tuple[Any, ...]
_Door = Literal["external id", "external key"]

# An unknown external id and a wrong key take the same time (contract K12). There is a row for both, of NULLs for the
# former, and `answer`, the config's row once more, is joined only for callers whose key may be right: a wrong key
# neither reads nor moves the template, the bindings and the certificates.
_STATEMENT: Final = """
SELECT config.id, config.domain_id, config.external_id, config.status,
       config.external_key_hash, config.external_key_digest, config.external_key_pepper,
       answer.id, answer.content, answer.client_cert, answer.client_key_sealed, answer.ca_cert, answer.render_context,
       profile.id, profile.version, profile.template_format, profile.content_template, profile.defaults,
       profile.binding_slots,
       (SELECT {bindings} FROM enrollments_bindingsnapshot binding WHERE binding.config_id = answer.id)
  FROM (SELECT 1) caller
  LEFT JOIN configs_config config ON {door}
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
    """A config as the device path reads it; `answer` is None when the presented key cannot be right."""

    config_id: uuid.UUID
    domain_id: str
    external_id: str
    enabled: bool
    key: StoredKey
    answer: AnswerRecord | None


def find_by_external_id(external_id: str, presented: PresentedKey) -> DeviceRecord | None:
    """Return the config of `external_id`; what an answer needs only comes along when `presented` may be its key.

    Raises: DatabaseUnavailable.
    Cost: one statement, by the unique index on the id's digest; none for an id that no config can have (contract K16).
    """
    if len(external_id) > NAME_LENGTH or "\0" in external_id:
        return None
    # Taken out of Django's proxy once: each look through it costs more than a microsecond.
    connection = connections[DEFAULT_DB_ALIAS]
    statement = _statement(connection.vendor, "external id", len(presented.digests))
    (row,) = _fetch(connection, statement, [external_id, *_key_parameters(presented)])
    # The ids are compared here: told to compare them as well, SQLite no longer sees that the index on the digest fits.
    return _record(row) if row[2] == external_id else None


def find_by_key(presented: PresentedKey) -> list[DeviceRecord]:
    """Return the configs whose key is `presented`, two at the most; none while digests are switched off.

    Raises: DatabaseUnavailable.
    Cost: one statement, by the index on key digests.
    """
    if not presented.digests:
        return []
    connection = connections[DEFAULT_DB_ALIAS]
    statement = _statement(connection.vendor, "external key", len(presented.digests))
    rows = _fetch(connection, statement, [*presented.digests.values(), *_key_parameters(presented)])
    return [_record(row) for row in rows if row[0] is not None]


@cache
def _statement(vendor: str, door: _Door, peppers: int) -> str:
    places = ", ".join(["%s"] * peppers)
    may_be_right = "config.id IS NOT NULL"
    if peppers:
        may_be_right = (
            f"config.external_key_digest IN ({places}) OR config.external_key_digest = ''"
            f" OR config.external_key_pepper NOT IN ({places})"
        )
    if door == "external id":
        condition, limit = "MD5(config.external_id) = MD5(%s)", ""
    else:
        # The second condition is the partial index' own, without which it would not be used.
        condition = f"config.external_key_digest IN ({places}) AND NOT (config.external_key_digest = '')"
        limit = "LIMIT 2"
    return _STATEMENT.format(bindings=_BINDINGS[vendor], key_may_be_right=may_be_right, door=condition, limit=limit)


def _key_parameters(presented: PresentedKey) -> list[str]:
    return [*presented.digests.values(), *presented.digests]


def _fetch(connection: BaseDatabaseWrapper, statement: str, parameters: list[str]) -> Sequence[_Row]:
    kept = connection.connection is not None
    if kept:
        # Django would ask a kept connection whether it still lives, a second round trip. This read can be repeated.
        connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        try:
            return _execute(connection, statement, parameters)
        except (OperationalError, InterfaceError):
            # A fresh connection that fails is the truth already, and so is a failure on a connection that lives.
            if not kept or connection.in_atomic_block or connection.is_usable():
                raise
            with suppress(Error):
                connection.close()
        return _execute(connection, statement, parameters)
    except (OperationalError, InterfaceError) as error:
        raise DatabaseUnavailable(reason=f"{type(error).__name__}: {str(error).strip()}") from error


def _execute(connection: BaseDatabaseWrapper, statement: str, parameters: list[str]) -> Sequence[_Row]:
    if can_fetch(connection):
        return fetch(connection, statement, parameters)
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _record(row: _Row) -> DeviceRecord:
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


def _uuid(value: uuid.UUID | str) -> uuid.UUID:
    # Both databases send them as texts; only a cursor's are objects already.
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
