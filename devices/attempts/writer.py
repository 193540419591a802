"""Stores attempts in bulk: a row for each, and the newest of them on its config.

Statements take all their rows as one JSON text: to bind each value by itself costs the process ten times as much, and
this is work that devices wait for.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from configs.models import Config
from devices.attempts.attempt import Attempt, clean
from devices.attempts.summary import LastBootstrap
from devices.models import COLUMNS

#: Rows that one statement writes; a config is locked no longer than such a statement takes, some milliseconds.
BATCH: Final = 500

_TYPES: Final[dict[str, str]] = {
    "DateTimeField": "timestamptz",
    "UUIDField": "uuid",
    "CharField": "text",
    "PositiveSmallIntegerField": "smallint",
    "PositiveIntegerField": "integer",
    "FloatField": "double precision",
}
_ATTEMPT: Final = {column.name: _TYPES[column.get_internal_type()] for column in COLUMNS}
_TEXTS: Final = [(column.name, column.max_length or 0) for column in COLUMNS if _ATTEMPT[column.name] == "text"]
_read_columns: Final = attrgetter(*_ATTEMPT)
_SUMMARY: Final = {
    "id": "uuid",
    "at": "timestamptz",
    "outcome": "text",
    "error_id": "text",
    "first_served_at": "timestamptz",
    "profile_id": "uuid",
    "profile_version": "integer",
    "etag": "text",
}


#: How far a stored time may lie ahead of the database's clock, or a process' clock differ from it, in seconds.
CLOCK_SECONDS: Final = 5

# The database's clock is the one that all processes share. One whose own differs from it has its times shifted by the
# difference, which it tells (as the first parameter) by what it takes for now; no time lies ahead in any case.
_CLOCK: Final = f"""
(SELECT now, now + interval '{CLOCK_SECONDS} s' AS latest,
        CASE WHEN now - own BETWEEN interval '-{CLOCK_SECONDS} s' AND interval '{CLOCK_SECONDS} s'
             THEN interval '0' ELSE now - own END AS shift
   FROM (SELECT clock_timestamp() AS now, %s::timestamptz AS own) AS clocks) AS clock
"""  # noqa: S608 - a number from above.


# LEAST passes over what is null, and would put the clock's time there.
_ON_THE_CLOCK: Final = "CASE WHEN {name} IS NOT NULL THEN LEAST({name} + clock.shift, clock.now) END AS {name}"


def _given(columns: dict[str, str], *more: str) -> dict[str, str]:
    """Return, by vendor, the rows of a JSON text as a table of these columns, and `more` of them from the clock."""
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    on_the_clock = [
        _ON_THE_CLOCK.format(name=name) if kind == "timestamptz" else name for name, kind in columns.items()
    ]
    extracted = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in (*columns, *more))
    taken = ", ".join([*on_the_clock, *(f"clock.{name}" for name in more)])
    return {
        # Names from above.
        "postgresql": f"SELECT {taken} FROM {_CLOCK}, json_to_recordset(%s::json) AS sent ({typed})",  # noqa: S608
        "sqlite": f"SELECT {extracted} FROM json_each(%s)",  # noqa: S608 - the same.
    }


_INSERT: Final = {
    vendor: f"INSERT INTO devices_bootstrapattempt ({', '.join(_ATTEMPT)}) {rows}"
    for vendor, rows in _given(_ATTEMPT).items()
}

# An attempt of another process may be newer: what it wrote stays, but for the day of the first bootstrap. `updated_at`
# is left alone, for it says when the configuration changed. Versions and tags of what was served outlive refusals.
_SET: Final = """
   SET first_bootstrap_at = {earliest},
       last_bootstrap_at = CASE WHEN {newer} THEN given.at ELSE config.last_bootstrap_at END,
       last_bootstrap_outcome = CASE WHEN {newer} THEN given.outcome ELSE config.last_bootstrap_outcome END,
       last_bootstrap_error_id = CASE WHEN {newer} THEN given.error_id ELSE config.last_bootstrap_error_id END,
       last_bootstrap_profile_id = CASE WHEN {newer} AND given.first_served_at IS NOT NULL
           THEN given.profile_id ELSE config.last_bootstrap_profile_id END,
       last_bootstrap_profile_version = CASE WHEN {newer} AND given.first_served_at IS NOT NULL
           THEN given.profile_version ELSE config.last_bootstrap_profile_version END,
       last_bootstrap_etag = CASE WHEN {newer} AND given.first_served_at IS NOT NULL
           THEN given.etag ELSE config.last_bootstrap_etag END
"""
# What lies ahead of the clock was written by one that was wrong.
_NEWER: Final = """(config.last_bootstrap_at IS NULL OR config.last_bootstrap_at < given.at
       OR config.last_bootstrap_at > given.latest)"""
_WORTH_WRITING: Final = (
    f"({_NEWER} OR (given.first_served_at IS NOT NULL AND"
    " (config.first_bootstrap_at IS NULL OR config.first_bootstrap_at > given.first_served_at)))"
)
# Rows that a bind, a refresh or another process holds are passed over and written a second later. So this statement
# never waits for anyone while it holds locks itself, and can be part of no deadlock.
_UPDATE_POSTGRESQL: Final = f"""
  WITH given AS MATERIALIZED (
       {_given(_SUMMARY, "latest")["postgresql"]}),
       locked AS MATERIALIZED (
       SELECT config.id FROM configs_config config JOIN given ON given.id = config.id
          FOR NO KEY UPDATE OF config SKIP LOCKED),
       written AS (
UPDATE configs_config AS config
{_SET.format(newer=_NEWER, earliest="LEAST(config.first_bootstrap_at, given.first_served_at)")}
  FROM given JOIN locked ON locked.id = given.id
 WHERE config.id = given.id AND {_WORTH_WRITING})
SELECT id FROM locked
"""  # noqa: S608 - nothing in it comes from outside.
# SQLite has one writer at a time and no locks on rows; its times are text that sorts as they do.
_EARLIEST_SQLITE: Final = (
    "COALESCE(MIN(config.first_bootstrap_at, given.first_served_at), config.first_bootstrap_at, given.first_served_at)"
)
_UPDATE_SQLITE: Final = f"""
  WITH given AS ({_given(_SUMMARY, "latest")["sqlite"]})
UPDATE configs_config AS config
{_SET.format(newer=_NEWER, earliest=_EARLIEST_SQLITE)}
  FROM given
 WHERE config.id = given.id AND {_WORTH_WRITING}
"""


def write_rows(attempts: Sequence[Attempt]) -> None:
    """Insert a row for each attempt.

    Raises: django.db.Error, or TypeError and ValueError for a value of a wrong type; then none of them is stored.
    Cost: one statement, and one more for the domains of configs whose domain was not given; some 20 µs an attempt.
    """
    unknown = {attempt.config_id for attempt in attempts if attempt.config_id and not attempt.domain_id}
    domains = dict(Config.objects.filter(pk__in=unknown).values_list("pk", "domain_id")) if unknown else {}
    now = timezone.now()
    document = _dump((_row(attempt, domains) for attempt in attempts), now)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT[connection.vendor], _parameters(now, document))


def write_summaries(summaries: Sequence[LastBootstrap]) -> set[uuid.UUID]:
    """Write `summaries` to their configs and return the ids of those that need not be tried again.

    The others are locked by somebody, or don't exist any longer.
    Raises: as `write_rows` does.
    Cost: one statement; it never waits for a lock on PostgreSQL.
    """
    now = timezone.now()
    latest = _naive_utc(now + timedelta(seconds=CLOCK_SECONDS))
    document = _dump((_summary(summary) | {"latest": latest} for summary in summaries), now)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_UPDATE_POSTGRESQL, _parameters(now, document))
            return {row[0] for row in cursor.fetchall()}
        cursor.execute(_UPDATE_SQLITE, _parameters(now, document))
    return {summary.config_id for summary in summaries}


def _row(attempt: Attempt, domains: dict[uuid.UUID, str]) -> dict[str, Any]:
    row = dict(zip(_ATTEMPT, _read_columns(attempt), strict=True))
    for name, length in _TEXTS:
        row[name] = clean(row[name], length)
    if not attempt.domain_id and attempt.config_id:
        row["domain_id"] = domains.get(attempt.config_id, "")
    return row


def _summary(summary: LastBootstrap) -> dict[str, Any]:
    return {name: getattr(summary, "config_id" if name == "id" else name) for name in _SUMMARY}


def _dump(rows: Iterable[dict[str, Any]], now: datetime) -> str:
    # PostgreSQL takes a time with its zone; Django's for SQLite are texts without one, and its clock is our own.
    is_postgresql = connection.vendor == "postgresql"
    document = []
    for row in rows:
        for name, value in row.items():
            # What the encoder does not know costs it ten times as much.
            if isinstance(value, uuid.UUID):
                row[name] = value.hex
            elif isinstance(value, datetime):
                row[name] = str(value) if is_postgresql else _naive_utc(min(value, now))
        document.append(row)
    return json.dumps(document, allow_nan=False)


def _naive_utc(moment: datetime) -> str:
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def _parameters(now: datetime, document: str) -> list[str]:
    return [str(now), document] if connection.vendor == "postgresql" else [document]
