"""Readers of the environment: values, secrets (also from NAME_FILE), URLs, rates, networks and the database."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Collection, Sequence
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from bootstrap_project.security.keyring import Key, derive_key, parse_key_ring
from bootstrap_project.security.transport_cipher import CipherError, check_transport_key
from bootstrap_project.wsgi_middleware.client_address import Network

#: How many at once, and how many a second.
Rate = tuple[float, float]

#: Keys that upstream published in its code and its compose file: known to everyone, so good for nothing.
PUBLIC_KEYS = frozenset({"12345678910111213141516171819202", "v7aT0HGxJxt2gULzr3RHwf4WIf6DusPp"})


_ON = frozenset({"true", "on", "yes", "ok", "y", "t", "1"})
_OFF = frozenset({"false", "off", "no", "n", "f", "0"})


def read_secret(env: Env, name: str, default: str = "") -> str:
    """Return the secret `name`, or what the file holds that `name`_FILE points to, without line ends around it.

    Raises: ImproperlyConfigured when both are set or the file cannot be read.
    """
    # django-environ takes a value that begins with a dollar sign for another variable's name; a secret may begin so.
    value = env.ENVIRON.get(name, "")
    path = env.ENVIRON.get(f"{name}_FILE", "")
    if value and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE points to a file that cannot be read: {path}") from error
    return value or default


def read_transport_key(env: Env, *, debug: bool) -> bytes:
    """Return MG_BOOTSTRAP_ENCRYPT_KEY as bytes of a length that AES takes.

    Raises: ImproperlyConfigured when it is missing, public or of a wrong length (the last two tell the length alone).
    Source: docs/contract.md#c4 and #h3.
    """
    name = "MG_BOOTSTRAP_ENCRYPT_KEY"
    text = read_secret(env, name)
    if not text:
        if not debug:
            raise ImproperlyConfigured(
                f"{name} is not set. Give it 16, 24 or 32 random characters, "
                "for example those of: python3 -c 'import secrets; print(secrets.token_hex(16))'"
            )
        text = "12345678910111213141516171819202"
    if text in PUBLIC_KEYS and not debug:
        raise ImproperlyConfigured(
            f"{name} is a default that was published; anyone can decrypt with it. Make your own."
        )
    try:
        return check_transport_key(text.encode())
    except CipherError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from None


def read_secret_key_fallbacks(env: Env, *, secret_key: str) -> list[str]:
    """Return the former values of MG_BOOTSTRAP_SECRET_KEY that are still read, the newest first.

    Shape: separated by commas; a text of several lines has one on each, for keys that hold a comma.
    """
    text = read_secret(env, "MG_BOOTSTRAP_SECRET_KEY_FALLBACKS")
    former = [key.strip() for key in (text.splitlines() if "\n" in text.strip() else text.split(","))]
    return [key for key in dict.fromkeys(former) if key and key != secret_key]


def read_ring_keys(
    env: Env, name: str, *, purpose: str, secret_key: str, fallbacks: Sequence[str], transport_key: bytes
) -> tuple[Key, ...]:
    """Return the keys of a ring, the writing one first: those that `name` lists, then what is derived.

    Source: docs/contract.md#k19.

    What is derived stays behind a ring that is given later, so that this takes nothing from what was sealed before.
    The last one is what earlier releases derived from the transport key, which every device of the secure endpoint
    holds: it reads and never writes.
    Raises: KeyRingError.
    """
    given = [entry for entry in read_secret(env, name).split(",") if entry.strip()]
    derived = [
        derive_key(key.encode("utf-8", "surrogateescape"), f"secret-key/{purpose}") for key in (secret_key, *fallbacks)
    ]
    former = derive_key(transport_key, purpose, of_transport=True)
    return (*parse_key_ring(given, setting=name), *derived, former)


def read_url(env: Env, name: str, default: str) -> str:
    """Return the absolute http or https URL that `name` holds, without a slash at its end.

    Raises: ImproperlyConfigured for anything else.
    """
    url = str(env.str(name, default=default)).rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(f"{name} must be an absolute http or https URL; it is {url!r}.")
    return url


def read_certificates(env: Env, name: str) -> str:
    """Return the path of the file of certificates that `name` holds; "" where it holds none.

    Raises: ImproperlyConfigured when it is no file that can be read: no call to the platform would succeed.
    """
    path = str(env.str(name, default=""))
    if path and not (Path(path).is_file() and os.access(path, os.R_OK)):
        raise ImproperlyConfigured(f"{name} points to a file that cannot be read: {path}")
    return path


def read_bool(env: Env, name: str, *, default: bool) -> bool:
    """Return whether `name` is on.

    Raises: ImproperlyConfigured for a word that means neither: taken for off, it would switch off what protects.
    """
    text = str(env.str(name, default="")).strip().lower()
    if not text:
        return default
    if text not in _ON | _OFF:
        raise ImproperlyConfigured(f"{name} must be true or false; it is {text!r}.")
    return text in _ON


def read_choice(env: Env, name: str, default: str, *, choices: Collection[str]) -> str:
    """Return which of `choices`, all in small letters, `name` holds.

    Raises: ImproperlyConfigured for anything else.
    """
    text = str(env.str(name, default="")).strip().lower() or default
    if text not in choices:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(choices)}; it is {text!r}.")
    return text


def read_number(env: Env, name: str, default: float, *, minimum: float, maximum: float) -> float:
    """Return the number `name`, within bounds.

    Raises: ImproperlyConfigured for text that is no number and for a number out of bounds.
    """
    text = str(env.str(name, default=""))
    try:
        value = float(text) if text else float(default)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number; it is {text!r}.") from None
    if not minimum <= value <= maximum:
        raise ImproperlyConfigured(f"{name} must lie between {minimum} and {maximum}; it is {text or default}.")
    return value


def read_whole_number(env: Env, name: str, default: int, *, minimum: int, maximum: int) -> int:
    """Return the whole number `name`, within bounds; `2.0` is one, too.

    Raises: ImproperlyConfigured as `read_number` does, and for a fraction: cut off, it would be a value nobody set.
    """
    value = read_number(env, name, default, minimum=minimum, maximum=maximum)
    if value != int(value):
        raise ImproperlyConfigured(f"{name} must be a whole number; it is {value}.")
    return int(value)


def read_database(env: Env, *, base_dir: Path) -> dict[str, Any]:
    """Return Django's settings for the database: DATABASE_URL, else MG_BOOTSTRAP_DB_*, else SQLite under `var/`.

    Raises: ImproperlyConfigured for a URL that names no database we support.
    Source: docs/contract.md#h3.
    """
    url = read_secret(env, "DATABASE_URL")
    if url:
        try:
            with warnings.catch_warnings():
                # What it warns about is refused below, with the variable's name.
                warnings.simplefilter("ignore")
                database = dict(env.db_url_config(url))
        except Exception:  # noqa: BLE001 - django-environ raises whatever the parts of a bad URL provoke.
            # What it raises may quote the password.
            raise ImproperlyConfigured(
                "DATABASE_URL is not a database URL; a password in it must be percent-encoded."
            ) from None
    elif env.str("MG_BOOTSTRAP_DB_HOST", default=""):
        database = _upstream_database(env)
    else:
        path = base_dir / "var" / "bootstrap.sqlite3"
        # SQLite makes the file and not its folder; where that can't be made, opening the file says so.
        with suppress(OSError):
            path.parent.mkdir(exist_ok=True)
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}
    engine = str(database.get("ENGINE", ""))
    # The same backends, counting connections, statements and errors for /metrics.
    if engine.endswith("sqlite3"):
        return database | {"ENGINE": "django_prometheus.db.backends.sqlite3"} | _sqlite_options()
    if engine.endswith(("postgresql", "psycopg2")):
        return database | _postgresql_options(env, dict(database.get("OPTIONS", {})))
    raise ImproperlyConfigured(f"DATABASE_URL must name postgres:// or sqlite://; its engine is {engine!r}.")


def _upstream_database(env: Env) -> dict[str, Any]:
    prefix = "MG_BOOTSTRAP_DB_"
    options = {
        option: str(env.str(prefix + name, default=""))
        for name, option in (
            ("SSL_MODE", "sslmode"),
            ("SSL_CERT", "sslcert"),
            ("SSL_KEY", "sslkey"),
            ("SSL_ROOT_CERT", "sslrootcert"),
        )
    }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": str(env.str(prefix + "HOST")),
        "PORT": str(env.str(prefix + "PORT", default="5432")),
        "USER": str(env.str(prefix + "USER", default="magistrala")),
        "PASSWORD": read_secret(env, prefix + "PASS", default="magistrala"),
        "NAME": str(env.str(prefix + "NAME", default="bootstrap")),
        "OPTIONS": {option: value for option, value in options.items() if value},
    }


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


def read_rate(env: Env, name: str, default: str) -> Rate:
    """Return (how many at once, how many a second) from text such as `50:2`.

    Raises: ImproperlyConfigured for anything else.
    """
    text = str(env.str(name, default="")) or default
    burst, _, per_second = text.partition(":")
    try:
        rate = (float(burst), float(per_second))
    except ValueError:
        rate = (0.0, 0.0)
    if not (1 <= rate[0] <= 1e9 and 0 < rate[1] <= 1e9 and all(math.isfinite(part) for part in rate)):
        raise ImproperlyConfigured(
            f"{name} must be written <at once>:<a second>, such as 50:2, the first 1 or more; it is {text!r}."
        )
    return rate


def read_networks(env: Env, name: str) -> tuple[Network, ...]:
    """Return the networks that `name` lists, such as `10.0.0.0/8,::1`.

    Raises: ImproperlyConfigured that names the entry which is none.
    """
    networks = []
    for entry in env.list(name, default=[]):
        try:
            networks.append(ip_network(entry.strip()))
        except ValueError:
            raise ImproperlyConfigured(
                f"{name} must list addresses or networks, such as 10.1.0.0/16; {entry.strip()!r} is none."
            ) from None
    return tuple(networks)
