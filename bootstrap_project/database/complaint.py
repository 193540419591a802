"""What a command says of an error of the database: one sentence, with what mends it where that is known."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import psycopg
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from bootstrap_project.database.describe import describe_database
from bootstrap_project.database.trouble import NOT_MIGRATED, POOLER, find_trouble

#: What commands end with, as `complaint` says it: Django's, and the drivers' where a statement goes past it.
DATABASE_ERRORS: Final = (Error, psycopg.Error, sqlite3.Error)

_PLAIN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")


def complaint(error: BaseException, *, alias: str = DEFAULT_DB_ALIAS) -> str:
    """Return what to tell the person at the command line; `error` is one of `DATABASE_ERRORS`.

    The first line alone of what the database says: those after it quote rows.
    """
    connection = connections[alias]
    where = describe_database(connection.settings_dict)
    words = (str(error).strip().splitlines() or [type(error).__name__])[0]
    state = next((one.sqlstate for one in _chain(error) if isinstance(one, psycopg.Error) and one.sqlstate), "")
    if state == "42501":
        return _lacks_right(connection, words)
    trouble = find_trouble(error)
    if trouble is NOT_MIGRATED:
        return f"{where} lacks what this version needs ({words}); run `manage.py migrate`"
    if 'database "' in words and words.endswith("does not exist"):
        return f"{where} does not exist; make it: {_create_database(connection)}"
    if trouble is None:
        words = f"{type(error).__name__}: {words} (--traceback tells where)"
    elif trouble is POOLER:
        words = trouble.name
    elif "unable to open database file" in words:
        words += f" ({_path_hint(connection)})"
    return f"the database cannot be used: {where}: {words}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    # Django raises some of its own without naming their cause.
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _path_hint(connection: BaseDatabaseWrapper) -> str:
    if not connection.settings_dict.get("GIVEN_BY"):
        return "no DATABASE_URL was set"
    return "a path after sqlite:/// begins at the working directory, one after sqlite://// at the root"


def _lacks_right(connection: BaseDatabaseWrapper, words: str) -> str:
    role, database = _who(connection)
    to_role = f"TO {_quoted(role)}"
    found = re.search(r"permission denied for (\w+) ([^\s)]+)", words)
    kind, name = found.groups() if found else ("", "")
    if kind == "schema":
        who = f"the role {role} may not create tables in the schema {name} of {database}"
        return f"{who}: `ALTER DATABASE {_quoted(database)} OWNER {to_role}`"
    mend = f"`ALTER DATABASE {_quoted(database)} OWNER {to_role}`, or the rights on its tables"
    if kind in {"table", "view"}:
        mend = f"`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public {to_role}`"
    elif kind == "sequence":
        mend = f"`GRANT USAGE ON ALL SEQUENCES IN SCHEMA public {to_role}`"
    elif "must be owner" in words:
        mend = "run the command as the owner, or `REASSIGN OWNED BY` the owner " + to_role
    return f"the role {role} lacks a right in {database} ({words}): {mend}"


def _create_database(connection: BaseDatabaseWrapper) -> str:
    role, database = _who(connection)
    return f"`CREATE DATABASE {_quoted(database)} OWNER {_quoted(role)}`"


def _who(connection: BaseDatabaseWrapper) -> tuple[str, str]:
    raw: Any = connection.connection
    if raw is not None and not raw.closed:
        return raw.info.user, raw.info.dbname
    settings = connection.settings_dict
    return settings["USER"] or "of this process's user", settings["NAME"]


def _quoted(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'
