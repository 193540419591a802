"""Which database it is, in words for logs and commands: never its password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def describe_database(database: Mapping[str, Any]) -> str:
    """Return engine, name and host of one of `DATABASES`, such as `the PostgreSQL database boot at db:5432`."""
    name = str(database["NAME"])
    if database["ENGINE"].endswith("sqlite3"):
        return "a SQLite database in memory" if ":memory:" in name else f"the SQLite file {name}"
    # Django hands its own settings on behind these, so that they win.
    options = dict(database.get("OPTIONS") or {})
    host, port = (str(database.get(key) or options.get(key.lower()) or "") for key in ("HOST", "PORT"))
    where = f"[{host}]" if ":" in host else host or "the local socket"
    if not host and options.get("service"):
        where = f"the service {options['service']}"
    return f"the PostgreSQL database {name or options.get('dbname', '')} at {where}{port and f':{port}'}"
