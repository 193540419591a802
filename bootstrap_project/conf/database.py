"""Reads which database it is from the environment; what its driver would refuse stops the start, without connecting."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from django.core.exceptions import ImproperlyConfigured
from environ import Env
from psycopg import IsolationLevel, pq
from psycopg.conninfo import make_conninfo

from bootstrap_project.conf.reading import read_bool, read_secret, read_text, read_whole_number

URL: Final = "DATABASE_URL"
REPLICA_URL: Final = "DATABASE_REPLICA_URL"

_PREFIX: Final = "MG_BOOTSTRAP_DB_"
_TLS: Final = {"SSL_MODE": "sslmode", "SSL_CERT": "sslcert", "SSL_KEY": "sslkey", "SSL_ROOT_CERT": "sslrootcert"}
_PASSWORD: Final = ("PASS", "PASS_FILE")
#: Each of these names a database, whose host is `localhost` where none is said (docs/contract.md#h3).
_NAMING: Final = ("HOST", "PORT", "USER", *_PASSWORD, "NAME", *_TLS)
_TUNING: Final = ("PREPARED_STATEMENTS", "CONNECT_TIMEOUT_SECONDS", "LOCK_TIMEOUT_SECONDS", "POOL_SIZE")
#: What Kubernetes sets for a service of that name.
_OF_KUBERNETES: Final = re.compile(r"SERVICE_.*|PORT_.*")

# Neither slash nor question mark in a password: they end it, and what follows would be taken for host and name.
_URL: Final = re.compile(
    r"(?P<scheme>\w+)://(?:(?P<user>[^:@/?]*)(?::(?P<password>[^/?]*))?@)?(?P<hosts>[^/?@]*)"
    r"(?:/(?P<name>[^?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_HOST: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>[^:]*))?")
_POSTGRESQL: Final = frozenset({"postgres", "postgresql", "psql", "pgsql"})
_PARTS: Final = {"dbname": "NAME", "host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
#: Names that django-environ reads out of a URL; what they stand for is decided here.
_DECIDED_HERE: Final = frozenset(
    {"conn_max_age", "conn_health_checks", "atomic_requests", "autocommit", "disable_server_side_cursors"}
)
_OF_DJANGO: Final = frozenset({"assume_role", "isolation_level", "prepare_threshold", "server_side_binding"})
_OF_LIBPQ: Final = frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())
_NUMBERS: Final = frozenset(
    {
        "connect_timeout",
        "isolation_level",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "prepare_threshold",
        "tcp_user_timeout",
    }
)
_INSTEAD: Final = {
    "pool": "the service has a pool of its own, of MG_BOOTSTRAP_DB_POOL_SIZE connections",
    "pgbouncer": "behind a pooler set MG_BOOTSTRAP_DB_PREPARED_STATEMENTS=false",
}
_NAME_BYTES: Final = 63
#: A folder of sockets that is not there, so that libpq looks at its parameters and gets no further.
_NOWHERE: Final = "/nowhere/bootstrap"


def read_database(env: Env, *, base_dir: Path) -> dict[str, Any]:
    """Return Django's settings for the database: DATABASE_URL, else MG_BOOTSTRAP_DB_*, else SQLite under `var/`.

    Raises: ImproperlyConfigured for what names no database that we support, or what its driver would refuse.
    Source: docs/contract.md#h3.
    """
    url = read_text(env, URL, may_be_file=True)
    misspelt = _misspelt(env)
    if url:
        database = _of_url(URL, url)
    elif _names_a_server(env):
        database = _of_upstreams_variables(env)
    elif misspelt:
        raise ImproperlyConfigured(f"{misspelt} And no other variable names a database.")
    elif read_bool(env, "MG_BOOTSTRAP_IN_CONTAINER", default=False):
        raise ImproperlyConfigured(
            f"{URL} is not set, and a SQLite file in the container would end with it. Set {URL}=postgres://…, or "
            "sqlite:////data/bootstrap.sqlite3 with a volume at /data."
        )
    else:
        path = base_dir / "var" / "bootstrap.sqlite3"
        # SQLite makes the file and not its folder; where that can't be made, opening the file says so.
        with suppress(OSError):
            path.parent.mkdir(exist_ok=True)
        database = {"ENGINE": "sqlite3", "NAME": str(path), "GIVEN_BY": ""}
    if database["ENGINE"] == "sqlite3":
        # The same backends, counting connections, statements and errors for /metrics.
        return database | {"ENGINE": "django_prometheus.db.backends.sqlite3"} | _sqlite_options()
    return database | _postgresql_options(env, database["OPTIONS"])


def read_replica(env: Env, primary: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return Django's settings for the replica that devices read from; None where there is none.

    Raises: ImproperlyConfigured as `read_database` does, and beside a primary that is no PostgreSQL.
    """
    url = read_text(env, REPLICA_URL, may_be_file=True)
    if not url:
        return None
    replica = _of_url(REPLICA_URL, url)
    if "sqlite" in (replica["ENGINE"] + primary["ENGINE"]):
        raise ImproperlyConfigured(f"{REPLICA_URL} and the database that it copies must both be PostgreSQL.")
    return replica | _postgresql_options(env, replica["OPTIONS"]) | {"TEST": {"MIRROR": "default"}}


def remarks_on_database(env: Env) -> list[str]:
    """Return a sentence where a variable looks like one of the database's and is none."""
    return [sentence for sentence in [_misspelt(env)] if sentence]


def _names_a_server(env: Env) -> bool:
    others = (name for name in _NAMING if name not in _PASSWORD)
    return any(read_text(env, _PREFIX + name) for name in others) or bool(read_secret(env, f"{_PREFIX}PASS"))


def _misspelt(env: Env) -> str:
    """Return a sentence on the first variable that looks like one of the database's and is none, or ""."""
    known = (*_NAMING, *_TUNING)
    for variable, value in env.ENVIRON.items():
        name = variable.removeprefix(_PREFIX)
        if name != variable and value.strip() and name not in known and not _OF_KUBERNETES.fullmatch(name):
            near = [one for one in known if name.startswith(one)] or difflib.get_close_matches(name, known, n=1)
            meant = f" Did you mean {_PREFIX}{near[0]}?" if near else ""
            return f"{variable} is no setting.{meant}"
    return ""


def _of_url(variable: str, url: str) -> dict[str, Any]:
    match = _URL.fullmatch(url)
    scheme = match["scheme"].lower() if match else ""
    if scheme == "sqlite":
        return _of_sqlite_url(variable, url)
    if match is None or scheme not in _POSTGRESQL or (match["user"] is None and "@" in (match["name"] or "")):
        # The URL may hold a password, and so may whatever was taken for its parts.
        raise ImproperlyConfigured(
            f"{variable} is no postgres://user:password@host:port/name or sqlite:///path; a password in it must be "
            "percent-encoded."
        )
    options: dict[str, Any] = dict(parse_qsl(match["query"] or ""))
    parts = {key: unquote(match[key] or "") for key in ("name", "user", "password")}
    hosts, ports = _hosts(variable, match["hosts"])
    database = {
        "NAME": parts["name"],
        "HOST": hosts,
        "PORT": ports,
        "USER": parts["user"],
        "PASSWORD": parts["password"],
    }
    if parts["name"].startswith("/"):
        database["HOST"], database["NAME"] = parts["name"].rsplit("/", 1)
    for option, key in _PARTS.items():
        database[key] = options.pop(option, "") or database[key]
    options = {name: value for name, value in options.items() if name.lower() not in _DECIDED_HERE}
    _check_port(variable, database["PORT"])
    if not database["NAME"] and not options.get("service"):
        raise ImproperlyConfigured(
            f"{variable} names no database; it ends with one: postgres://user:password@host/name."
        )
    checked = _checked(database, options, given_by=variable)
    return checked | {"PORT": int(database["PORT"])} if database["PORT"].isdigit() else checked


def _of_sqlite_url(variable: str, url: str) -> dict[str, Any]:
    path = unquote(url.split("://", 1)[1].partition("?")[0])
    if path not in {"", ":memory:"} and not path.startswith("/"):
        raise ImproperlyConfigured(
            f"{variable} has a path after two slashes. After three it begins at the working directory "
            f"(sqlite:///{path}), after four at the root (sqlite:////{path})."
        )
    return {"ENGINE": "sqlite3", "NAME": path.removeprefix("/") or ":memory:", "GIVEN_BY": variable}


def _hosts(variable: str, text: str) -> tuple[str, str]:
    """Return the hosts and the ports of a URL, with commas between those of several as libpq takes them."""
    found = [_HOST.fullmatch(one) for one in text.split(",")]
    if None in found:
        raise ImproperlyConfigured(f"{variable} has a host that is none; a password in it must be percent-encoded.")
    hosts = ",".join(unquote(one["host"].strip("[]")) for one in found if one)
    ports = [one["port"] or "" for one in found if one]
    return hosts, ",".join(ports) if any(ports) else ""


def _of_upstreams_variables(env: Env) -> dict[str, Any]:
    values = {name: read_text(env, _PREFIX + name) for name in _NAMING if name not in _PASSWORD}
    host, port = values["HOST"] or "localhost", values["PORT"] or "5432"
    if "://" in host or any(map(str.isspace, host)) or (":" in host and not _is_ip(host)):
        raise ImproperlyConfigured(
            f"{_PREFIX}HOST must be a host alone, such as db.example.com, the port in {_PREFIX}PORT; it is {host!r}."
        )
    _check_port(f"{_PREFIX}PORT", port)
    database = {
        "HOST": host,
        "PORT": port,
        "USER": values["USER"] or "magistrala",
        "PASSWORD": read_secret(env, f"{_PREFIX}PASS", default="magistrala"),
        "NAME": values["NAME"] or "bootstrap",
    }
    options = {option: values[name] for name, option in _TLS.items() if values[name]}
    return _checked(database, options, given_by=f"{_PREFIX}{'SSL_MODE' if options else 'NAME'}")


def _is_ip(host: str) -> bool:
    try:
        return bool(ip_address(host.strip("[]").partition("%")[0]))
    except ValueError:
        return False


def _check_port(variable: str, text: str) -> None:
    for port in text.split(","):
        if port and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
            of_kubernetes = " Kubernetes sets that for a service of this name: enableServiceLinks: false stops it."
            # In a URL it may be the beginning of a password.
            shown = f"; it is {port!r}." if variable.endswith("PORT") else "; a password in it must be percent-encoded."
            hint = of_kubernetes if port.startswith("tcp://") else ""
            raise ImproperlyConfigured(f"{variable} must have a port from 1 to 65535, such as 5432{shown}{hint}")


def _checked(database: dict[str, str], options: Mapping[str, str], *, given_by: str) -> dict[str, Any]:
    """Return what was read as Django takes it, once the driver has looked at it."""
    read: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _OF_LIBPQ | _OF_DJANGO:
            instead = _INSTEAD.get(name, "PostgreSQL's driver has none of that name")
            raise ImproperlyConfigured(f"{given_by} has the parameter {name}, which cannot be used: {instead}.")
        if name in _NUMBERS and not re.fullmatch(r"-?[0-9]{1,9}", value):
            raise ImproperlyConfigured(f"{given_by}: {name} must be a whole number; it is {value!r}.")
        read[name] = int(value) if name in _NUMBERS else value
    if "isolation_level" in read and read["isolation_level"] not in set(IsolationLevel):
        raise ImproperlyConfigured(f"{given_by}: isolation_level must be a number from 1 to 4.")
    if len(database["NAME"].encode()) > _NAME_BYTES:
        raise ImproperlyConfigured(f"{given_by}: the name of a database has at most {_NAME_BYTES} bytes.")
    if any("\0" in text for text in (*database.values(), *options.values())):
        raise ImproperlyConfigured(f"{given_by} holds a zero byte.")
    user = {"user": database["USER"]} if database["USER"] else {}
    refusal = _refused_by_libpq(user | {name: value for name, value in read.items() if name in _OF_LIBPQ})
    if refusal:
        raise ImproperlyConfigured(f"{given_by} is refused by PostgreSQL's driver: {refusal}.")
    return {"ENGINE": "postgresql", **database, "OPTIONS": read, "GIVEN_BY": given_by}


def _refused_by_libpq(options: dict[str, Any]) -> str:
    """Return what libpq says of parameters before it would connect, or "".

    It looks up the process's user where none is given, and a container's need not be in any list of users.
    """
    nowhere = {"host": _NOWHERE, "hostaddr": "", "port": "5432"}
    if options.get("gssencmode", "require") == "require":
        # Fine, and not to be had with a socket; libpq's own variable may say it, too.
        nowhere["gssencmode"] = "prefer"
    connection = pq.PGconn.connect_start(make_conninfo(**options | nowhere).encode())
    words = connection.error_message.decode(errors="replace").strip()
    connection.finish()
    return "" if _NOWHERE in words else (words.splitlines() or [""])[0].rstrip(".")


def _sqlite_options() -> dict[str, Any]:
    # IMMEDIATE takes the write lock when a transaction opens: a later upgrade would fail at once with "database is
    # locked", and no time-out helps against that.
    pragmas = (
        "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA mmap_size=134217728;"
        "PRAGMA journal_size_limit=27103364;PRAGMA cache_size=-32000;PRAGMA temp_store=MEMORY;"
    )
    return {
        "CONN_MAX_AGE": None,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": pragmas},
    }


def _postgresql_options(env: Env, options: dict[str, Any]) -> dict[str, Any]:
    # Planning is half of what the device statement costs PostgreSQL, so statements are prepared after their second use.
    # A pooler that hands each transaction another connection can't have that.
    prepared = read_bool(env, "MG_BOOTSTRAP_DB_PREPARED_STATEMENTS", default=True)
    defaults: dict[str, Any] = {
        "connect_timeout": read_whole_number(env, "MG_BOOTSTRAP_DB_CONNECT_TIMEOUT_SECONDS", 5, minimum=1, maximum=60),
        "server_side_binding": prepared,
        "prepare_threshold": 2 if prepared else None,
        "application_name": "bootstrap",
        # A network that swallows packets is noticed within half a minute, not within hours.
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    return {
        "ENGINE": "bootstrap_project.database.postgresql",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": not prepared,
        "OPTIONS": defaults | options,
    }
