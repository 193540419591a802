"""What is wrong with the database, where that is known: in words for callers, and one log line for each outage."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from django.db import DEFAULT_DB_ALIAS, Error, InterfaceError, NotSupportedError, OperationalError, connections

from bootstrap_project.database.describe import describe_database
from bootstrap_project.database.outages import database
from bootstrap_project.database.postgresql.base import ALL_IN_USE
from bootstrap_project.shared_flag import SharedFlag

logger = logging.getLogger(__name__)

DATABASE_RETRY_SECONDS: Final = 2
DATABASE_SILENT: Final = "the database does not answer; try again"
DATABASE_LOCKED: Final = "another change to the same data takes too long; try again"


@dataclass(frozen=True, slots=True)
class DatabaseTrouble:
    """A failure that is no fault of the request: `name` for logs, `heading` for pages, `detail` for all."""

    name: str
    heading: str
    detail: str


_SILENT: Final = DatabaseTrouble("away", "The database does not answer", DATABASE_SILENT)
_LOCKED: Final = DatabaseTrouble("locked", "Another change takes too long", DATABASE_LOCKED)
_READ_ONLY: Final = DatabaseTrouble(
    "read-only", "The database takes no changes", "the database takes no changes for now; try again"
)
_SLOW: Final = DatabaseTrouble("slow", "The database takes too long", "the database takes too long; try again")
_DISK_FULL: Final = DatabaseTrouble(
    "disk full", "The database's disk is full", "the database has no room left on its disk; tell its administrator"
)
_EXHAUSTED: Final = DatabaseTrouble(
    "exhausted", "The database is overloaded", "the database lacks memory or another resource; try again"
)
_CROWDED: Final = DatabaseTrouble(
    "too many connections", "The database is overloaded", "the database takes no more connections; try again"
)
_BUSY: Final = DatabaseTrouble(
    "all connections in use", "The service is busy", "too many requests are waiting; try again"
)
_RESTARTING: Final = DatabaseTrouble(
    "restarting", "The database is restarting", "the database is stopping or starting; try again"
)
_FILES: Final = DatabaseTrouble(
    "files", "The database cannot use its files", "the database cannot read or write its files; tell its administrator"
)
NOT_MIGRATED: Final = DatabaseTrouble(
    "not migrated",
    "The database is not up to date",
    "the database lacks tables or columns of this release; tell the administrator of this service",
)
_WITHOUT_RIGHT: Final = DatabaseTrouble(
    "a right is missing",
    "The database refuses this service",
    "the database does not give this service the rights that it needs; tell the administrator of this service",
)
POOLER: Final = DatabaseTrouble(
    "a pooler hands out other connections: set MG_BOOTSTRAP_DB_PREPARED_STATEMENTS=false",
    "The database does not answer",
    "the connection to the database is not set up for its pooler; tell the administrator of this service",
)

_TOO_OLD: Final = DatabaseTrouble(
    "too old",
    "The database is too old",
    "the database is older than PostgreSQL 14, the first one that this service can use; tell its administrator",
)
#: A statement that was prepared was not there, or was there already, which nothing but a pooler does.
POOLER_MET: Final = SharedFlag()

# Source: PostgreSQL's documentation, appendix A; a class of two letters stands for all that is not named.
_BY_STATE: Final = {
    "25006": _READ_ONLY,
    "26000": POOLER,
    "40001": _LOCKED,
    "40P01": _LOCKED,
    "42501": _WITHOUT_RIGHT,
    "42703": NOT_MIGRATED,
    "42P01": NOT_MIGRATED,
    "42P05": POOLER,
    "53": _EXHAUSTED,
    "53100": _DISK_FULL,
    "53300": _CROWDED,
    "55P03": _LOCKED,
    "57014": _SLOW,
    "57P01": _RESTARTING,
    "57P02": _RESTARTING,
    "57P03": _RESTARTING,
    "58": _FILES,
}
# Source: sqlite.org, Result and Error Codes: BUSY, LOCKED, READONLY, IOERR, FULL, CANTOPEN.
_BY_CODE: Final = {5: _LOCKED, 6: _LOCKED, 8: _READ_ONLY, 10: _FILES, 13: _DISK_FULL, 14: _FILES}
# The driver knows no state of a connection that the server refused, only its words.
_BY_WORDS: Final = {
    ALL_IN_USE: _BUSY,
    "too many clients": _CROWDED,
    "too many connections": _CROWDED,
    "connection slots": _CROWDED,
    "the database system is": _RESTARTING,
    # SQLite's, which has one code for all that it does not understand.
    "no such table": NOT_MIGRATED,
    "no such column": NOT_MIGRATED,
    "has no column named": NOT_MIGRATED,
}


def find_trouble(error: BaseException | None) -> DatabaseTrouble | None:
    """Return what is wrong with the database, or None when `error` says nothing of the kind."""
    if not isinstance(error, Error):
        return None
    state = str(getattr(error.__cause__, "sqlstate", None) or "")
    code = int(getattr(error.__cause__, "sqlite_errorcode", None) or 0) & 0xFF
    known = _BY_STATE.get(state) or _BY_STATE.get(state[:2]) or _BY_CODE.get(code)
    words = str(error)
    if isinstance(error, NotSupportedError) and words.startswith("PostgreSQL ") and "or later is required" in words:
        # Django's own, as it looks at a connection that it has just opened.
        return _TOO_OLD
    if known is not None or not isinstance(error, OperationalError | InterfaceError):
        return known
    return next((trouble for part, trouble in _BY_WORDS.items() if part in words), _SILENT)


def note_trouble(error: BaseException | None) -> DatabaseTrouble | None:
    """Return what is wrong with the database, and log it if that is new; None when `error` says nothing of the kind."""
    trouble = find_trouble(error)
    if trouble is POOLER:
        # Only a restart with the setting ends it, so that there is no end to wait for, and nothing else to say.
        if POOLER_MET.note(True):
            logger.error(POOLER.name, extra={"reason": reason_of(error)})
    elif trouble is not None:
        database.failed(trouble.name, reason_of(error))
    return trouble


def reason_of(error: BaseException | None) -> str:
    """Return an error of the database as log lines name it, on one line."""
    words = " ".join(str(error).split())
    if "unable to open database file" in words:
        words += f" ({describe_database(connections[DEFAULT_DB_ALIAS].settings_dict)})"
    return f"{type(error).__name__}: {words}"
