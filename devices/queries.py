"""How a device is found, by its external id or by its key: one round trip for all that its answer needs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from bootstrap_project.database.constraints import NAME_LENGTH
from bootstrap_project.database.replica import replica
from bootstrap_project.database.time_limit import OutOfTime
from bootstrap_project.database.trouble import note_trouble, reason_of
from configs.external_keys import PresentedKey
from devices.bulkhead import note_answer, stop_waiting
from devices.errors import DatabaseUnavailable
from enrollments.device_config.records import DeviceRecord, Row, execute, statement, to_record

#: What is raised when we waited too long: for an answer, a connection, a lock on a table, or a slow statement.
_WAITED_IN_VAIN: Final = (
    OutOfTime,
    psycopg.errors.ConnectionTimeout,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.QueryCanceled,
)


def find_by_external_id(external_id: str, presented: PresentedKey) -> DeviceRecord | None:
    """Return the config of `external_id`; what an answer needs only comes along when `presented` may be its key.

    Raises: DatabaseUnavailable.
    Cost: one statement, by the index on the id's digest; none for an id that no config has (docs/contract.md#k16).
    """
    if len(external_id) > NAME_LENGTH or "\0" in external_id:
        return None
    # Taken out of Django's proxy once: each look through it costs more than a microsecond.
    connection = connections[DEFAULT_DB_ALIAS]
    text = statement(connection.vendor, "external id", len(presented.digests))
    (row,) = _fetch(connection, text, [external_id, *_key_parameters(presented)])
    # The ids are compared here: with a second condition SQLite does not use the index on the digest.
    return to_record(row) if row.config_external_id == external_id else None


def find_by_key(presented: PresentedKey) -> list[DeviceRecord]:
    """Return the configs whose key is `presented`, two at the most.

    Raises: DatabaseUnavailable.
    Cost: one statement, by the index on key digests.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    text = statement(connection.vendor, "external key", len(presented.digests))
    rows = _fetch(connection, text, [*presented.digests.values(), *_key_parameters(presented)])
    return [to_record(row) for row in rows if row.config_id is not None]


def has_replica() -> bool:
    """Tell whether there is a replica to ask."""
    return replica() is not None


def find_on_replica(external_id: str | None, presented: PresentedKey) -> DeviceRecord | None:
    """Return the config that both functions above would find, as the replica has it; None where it cannot tell.

    Raises: nothing of the database's.
    Cost: one statement on the replica; nothing where there is none.
    """
    copy = replica()
    if copy is None or (external_id is not None and (len(external_id) > NAME_LENGTH or "\0" in external_id)):
        return None
    text = statement("postgresql", "external key" if external_id is None else "external id", len(presented.digests))
    looked_for = list(presented.digests.values()) if external_id is None else [external_id]
    parameters = [*looked_for, *_key_parameters(presented)]
    rows = copy.read(lambda connection: _asked(connection, text, parameters)) or ()
    # Two configs with one key, or none: the primary says so.
    if len(rows) != 1 or rows[0].config_id is None or external_id not in {None, rows[0].config_external_id}:
        return None
    return to_record(rows[0])


def _key_parameters(presented: PresentedKey) -> list[str]:
    return [*presented.digests.values(), *presented.digests]


def _fetch(connection: BaseDatabaseWrapper, text: str, parameters: list[str]) -> Sequence[Row]:
    try:
        rows = _asked(connection, text, parameters)
    except Error as error:
        trouble = note_trouble(error)
        if trouble is None:
            raise
        if isinstance(error.__cause__, _WAITED_IN_VAIN):
            # A row's lock stops no reader: whatever it was, everybody who comes next would wait as long.
            stop_waiting(trouble.detail)
        raise DatabaseUnavailable(reason=reason_of(error), detail=trouble.detail) from error
    note_answer()
    return rows


def _asked(connection: BaseDatabaseWrapper, text: str, parameters: list[str]) -> Sequence[Row]:
    kept = connection.connection is not None
    if kept:
        # Django would ask a kept connection whether it still lives, a second round trip. This read can be repeated.
        connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        return execute(connection, text, parameters)
    except (OperationalError, InterfaceError) as error:
        # A fresh connection that fails is the truth already, and so is a failure on a connection that lives.
        is_the_truth = not kept or isinstance(error.__cause__, OutOfTime)
        if is_the_truth or connection.in_atomic_block or connection.is_usable():
            raise
        with suppress(Error):
            connection.close()
    return execute(connection, text, parameters)
