"""The one statement that an answer is made from: a config with its profile and its bindings, in one round trip.

Written by hand: the ORM's three statements cost four times as much. On PostgreSQL, `libpq` sends it.
Devices come in by their external id or by their key (`devices.queries`), previews by the config's id.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from configs.external_keys import StoredKey
from configs.models import Status
from enrollments.device_config.libpq import can_fetch, fetch_rows

Lookup = Literal["external id", "external key", "config id"]


class Row(NamedTuple):
    """What the statement selects, in its order; JSON is text, and what `answer` and `profile` have may be None.

    A name is a table of the statement and its column, so that the SELECT list is made from this. What a column adds to
    an answer has to be in the answer's entity tag too (`etag`); a test asks for each.
    """

    config_id: Any
    config_domain_id: str
    config_external_id: str
    config_status: str
    config_external_key_hash: str
    config_external_key_digest: str
    config_external_key_pepper: str
    answer_id: Any
    answer_content: Any
    answer_client_cert: Any
    answer_client_key_sealed: Any
    answer_ca_cert: Any
    answer_render_context: Any
    profile_id: Any
    profile_version: Any
    profile_template_format: Any
    profile_content_template: Any
    profile_defaults: Any
    profile_binding_slots: Any
    bindings: Any

    def __repr__(self) -> str:
        """Return which config it is of; nothing of what it holds."""
        return f"<Row {self.config_id}>"


_COLUMNS: Final = {name: name.replace("_", ".", 1) for name in Row._fields}
_KEYS: Final = ("config_external_key_hash", "config_external_key_digest", "config_external_key_pepper")
_BY_EXTERNAL_ID: Final = "MD5(config.external_id) = MD5(%s)"
# An unknown id and a wrong key take the same time (docs/contract.md#k12). There is a row for both, of NULLs for the
# former, and `answer`, the config's row once more, is joined only for callers whose key may be right: a wrong key
# neither reads nor moves the template, the bindings and the certificates.
_STATEMENT: Final = """
SELECT {columns}
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
_BINDINGS_OF: Final = "(SELECT {0} FROM enrollments_bindingsnapshot binding WHERE binding.config_id = answer.id)"


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
    columns = _COLUMNS | {"bindings": _BINDINGS_OF.format(_BINDINGS[vendor])}
    may_be_right = "config.id IS NOT NULL"
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
        columns |= dict.fromkeys(_KEYS, "''")
        condition = "config.id = %s"
    else:
        # The second condition is the partial index' own, without which it would not be used.
        condition = f"config.external_key_digest IN ({places}) AND NOT (config.external_key_digest = '')"
        limit = "LIMIT 2"
    return _STATEMENT.format(
        columns=", ".join(columns.values()),
        key_may_be_right=may_be_right,
        lookup=condition,
        limit=limit,
    )


def execute(connection: BaseDatabaseWrapper, text: str, parameters: list[str]) -> Sequence[Row]:
    """Return the rows of a statement."""
    if can_fetch(connection):
        return [Row._make(row) for row in fetch_rows(connection, text, parameters)]
    with connection.cursor() as cursor:
        cursor.execute(text, parameters)
        return [Row._make(row) for row in cursor.fetchall()]


def to_record(row: Row) -> DeviceRecord:
    """Return a row of the statement as what it is."""
    profile = answer = None
    if row.profile_id is not None:
        profile = ProfileRecord(
            id=_uuid(row.profile_id),
            version=int(row.profile_version),
            template_format=row.profile_template_format,
            content_template=row.profile_content_template,
            defaults=row.profile_defaults,
            binding_slots=row.profile_binding_slots,
        )
    if row.answer_id is not None:
        answer = AnswerRecord(
            content=row.answer_content,
            client_cert=row.answer_client_cert,
            client_key_sealed=row.answer_client_key_sealed,
            ca_cert=row.answer_ca_cert,
            render_context=row.answer_render_context,
            profile=profile,
            bindings=row.bindings or "[]",
        )
    return DeviceRecord(
        config_id=_uuid(row.config_id),
        domain_id=row.config_domain_id,
        external_id=row.config_external_id,
        enabled=row.config_status == Status.ENABLED,
        key=StoredKey(row.config_external_key_hash, row.config_external_key_digest, row.config_external_key_pepper),
        answer=answer,
    )


def read_config(config_id: uuid.UUID) -> DeviceRecord | None:
    """Return what the answer of one config is made from, as its device would find it now; None when it is gone.

    Callers must have checked access.
    Cost: one statement.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    key = str(config_id) if connection.features.has_native_uuid_field else config_id.hex
    (row,) = execute(connection, statement(connection.vendor, "config id", 0), [key])
    return None if row.config_id is None else to_record(row)


def _uuid(value: uuid.UUID | str) -> uuid.UUID:
    # Both databases send them as texts; only a cursor's are objects already.
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
