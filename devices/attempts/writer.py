"""Stores attempts in bulk: a row for each, and the newest of them on its config.

Statements take all their rows as one JSON text: to bind each value by itself costs the process ten times as much, and
this is work that devices wait for.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from configs.models import Config
from devices.attempts.attempt import (
    ERROR_ID_LENGTH,
    ETAG_LENGTH,
    SOURCE_LENGTH,
    TEXT_LENGTH,
    WORD_LENGTH,
    Attempt,
    clean,
)
from devices.attempts.summary import LastBootstrap

#: Rows that one statement writes; a config is locked no longer than such a statement takes, some milliseconds.
BATCH: Final = 500

_ATTEMPT: Final = {
    "at": "timestamptz",
    "config_id": "uuid",
    "domain_id": "text",
    "external_id": "text",
    "path": "text",
    "variant": "text",
    "outcome": "text",
    "status": "smallint",
    "error_id": "text",
    "profile_id": "uuid",
    "profile_version": "integer",
    "etag": "text",
    "duration": "double precision",
    "source": "text",
    "user_agent": "text",
}
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
    to_text = _time_writer(now)
    document = _dump(_row(attempt, domains, to_text) for attempt in attempts)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT[connection.vendor], _parameters(now, document))


def write_summaries(summaries: Sequence[LastBootstrap]) -> set[uuid.UUID]:
    """Write `summaries` to their configs and return the ids of those that need not be tried again.

    The others are locked by somebody, or don't exist any longer.
    Raises: as `write_rows` does.
    Cost: one statement; it never waits for a lock on PostgreSQL.
    """
    now = timezone.now()
    to_text = _time_writer(now)
    latest = _naive_utc(now + timedelta(seconds=CLOCK_SECONDS))
    document = _dump(_summary(summary, to_text) | {"latest": latest} for summary in summaries)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_UPDATE_POSTGRESQL, _parameters(now, document))
            return {row[0] for row in cursor.fetchall()}
        cursor.execute(_UPDATE_SQLITE, _parameters(now, document))
    return {summary.config_id for summary in summaries}


def _row(attempt: Attempt, domains: dict[uuid.UUID, str], to_text: Callable[[datetime], str]) -> dict[str, Any]:
    config_id = attempt.config_id
    domain_id = attempt.domain_id or (domains.get(config_id, "") if config_id else "")
    return {
        "at": to_text(attempt.when),
        "config_id": config_id and config_id.hex,
        "domain_id": clean(domain_id, TEXT_LENGTH),
        "external_id": clean(attempt.external_id, TEXT_LENGTH),
        "path": clean(attempt.path, TEXT_LENGTH),
        "variant": clean(attempt.variant, WORD_LENGTH),
        "outcome": clean(attempt.outcome, WORD_LENGTH),
        "status": attempt.status,
        "error_id": clean(attempt.error_id, ERROR_ID_LENGTH),
        "profile_id": attempt.profile_id and attempt.profile_id.hex,
        "profile_version": attempt.profile_version,
        "etag": clean(attempt.etag, ETAG_LENGTH),
        "duration": attempt.duration,
        "source": clean(attempt.source, SOURCE_LENGTH),
        "user_agent": clean(attempt.user_agent, TEXT_LENGTH),
    }


def _summary(summary: LastBootstrap, to_text: Callable[[datetime], str]) -> dict[str, Any]:
    return {
        "id": summary.config_id.hex,
        "at": to_text(summary.at),
        "outcome": summary.outcome,
        "error_id": summary.error_id,
        "first_served_at": summary.first_served_at and to_text(summary.first_served_at),
        "profile_id": summary.profile_id and summary.profile_id.hex,
        "profile_version": summary.profile_version,
        "etag": summary.etag,
    }


def _dump(rows: Iterable[dict[str, Any]]) -> str:
    return json.dumps(list(rows), allow_nan=False)


def _naive_utc(moment: datetime) -> str:
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def _time_writer(now: datetime) -> Callable[[datetime], str]:
    # PostgreSQL takes a time with its zone; Django's for SQLite are texts without one, and its clock is our own.
    return str if connection.vendor == "postgresql" else lambda moment: _naive_utc(min(moment, now))


def _parameters(now: datetime, document: str) -> list[str]:
    return [str(now), document] if connection.vendor == "postgresql" else [document]
