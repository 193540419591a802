"""Readers of the environment: values, lists, secrets (also from NAME_FILE), URLs, rates and networks."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from bootstrap_project.security.keyring import Key, derive_key, parse_key_ring
from bootstrap_project.security.transport_cipher import CipherError, check_transport_key
from bootstrap_project.wsgi_middleware.client_address import Network, parse_network

#: How many at once, and how many a second.
Rate = tuple[float, float]

#: Keys that upstream published in its code and its compose file: known to everyone, so good for nothing.
PUBLISHED_KEYS = frozenset({"12345678910111213141516171819202", "v7aT0HGxJxt2gULzr3RHwf4WIf6DusPp"})


_ON = frozenset({"true", "on", "yes", "ok", "y", "t", "1"})
_OFF = frozenset({"false", "off", "no", "n", "f", "0"})


_BYTE_ORDER_MARK: Final = "\ufeff"
_QUOTES: Final = ('"', "'")
#: Secrets that are taken as they stand, whatever is around them: something may be sealed under just that.
_VERBATIM: Final = (
    "MG_BOOTSTRAP_SECRET_KEY",
    "MG_BOOTSTRAP_ENCRYPT_KEY",
    "MG_BOOTSTRAP_DB_PASS",
    "MG_BOOTSTRAP_PASSWORD",
)


def read_text(env: Env, name: str, default: str = "", *, may_be_file: bool = False) -> str:
    """Return what `name` holds, without blanks around it; `default` where that is nothing, as `${NAME:-}` gives it.

    Raises: ImproperlyConfigured for quotes, which env files hand on; and as `read_secret` where it `may_be_file`.
    """
    given = read_secret(env, name) if may_be_file else env.ENVIRON.get(name, "")
    text = given.removeprefix(_BYTE_ORDER_MARK).strip()
    if text.startswith(_QUOTES):
        raise ImproperlyConfigured(f"{name} begins with a quotation mark; write its value without quotes.")
    return text or default


def read_list(env: Env, name: str, default: Sequence[str] = (), *, may_be_file: bool = False) -> list[str]:
    """Return the members that `name` lists between commas, without blanks around them; `default` where it lists none.

    Raises: ImproperlyConfigured for quotes.
    """
    members = [member.strip() for member in read_text(env, name, may_be_file=may_be_file).split(",")]
    if any(member.startswith(_QUOTES) for member in members):
        raise ImproperlyConfigured(f"{name} has a member that begins with a quotation mark; write it without quotes.")
    return [member for member in members if member] or list(default)


def read_secret(env: Env, name: str, default: str = "") -> str:
    """Return the secret `name`, or what the file holds that `name`_FILE points to, without line ends around it.

    Raises: ImproperlyConfigured when both are set or the file cannot be read.
    """
    # django-environ takes a value that begins with a dollar sign for another variable's name; a secret may begin so.
    value = env.ENVIRON.get(name, "")
    path = env.ENVIRON.get(f"{name}_FILE", "").strip()
    if not value.strip():
        value = ""
    if value and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
    if path:
        try:
            value = Path(path).read_text(encoding="utf-8").strip("\r\n")
        except UnicodeDecodeError as error:
            raise ImproperlyConfigured(f"{name}_FILE points to a file that is no text in UTF-8: {path}") from error
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE points to a file that cannot be read: {path}") from error
    return value or default


def remarks_on_secrets(env: Env) -> list[str]:
    """Return a sentence for each secret of which something that was hardly meant so is a part."""
    values = {name: read_secret(env, name) for name in _VERBATIM}
    return [
        f"{name}{'_FILE' * (not env.ENVIRON.get(name, '').strip())} {what}, which the secret has as a part of it."
        for name, value in values.items()
        if (what := _odd_ends(value))
    ]


def _odd_ends(value: str) -> str:
    if value.startswith(_BYTE_ORDER_MARK):
        return "begins with a byte order mark"
    if value != value.strip():
        return "has blanks at its ends"
    return "begins with a quotation mark, and ends with one" if re.fullmatch("([\"']).*\\1", value) else ""


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
    if text in PUBLISHED_KEYS and not debug:
        raise ImproperlyConfigured(
            f"{name} is a default that was published; anyone can decrypt with it. Make your own."
        )
    try:
        return check_transport_key(text.encode())
    except CipherError as error:
        what = _odd_ends(text)
        raise ImproperlyConfigured(f"{name}: {error}{what and f'; it {what}'}.") from None


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
    given = read_list(env, name, may_be_file=True)
    derived = [
        derive_key(key.encode("utf-8", "surrogateescape"), f"secret-key/{purpose}") for key in (secret_key, *fallbacks)
    ]
    former = derive_key(transport_key, purpose, of_transport=True)
    return (*parse_key_ring(given, setting=name), *derived, former)


def read_url(env: Env, name: str, default: str) -> str:
    """Return the absolute http or https URL that `name` holds, without a slash at its end; "" for no default.

    Raises: ImproperlyConfigured for anything else.
    """
    url = read_text(env, name, default).rstrip("/")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    usable = usable and not re.search(r"\s", url)
    if not usable:
        raise ImproperlyConfigured(f"{name} must be an absolute http or https URL; it is {url!r}.")
    return url


def read_certificates(env: Env, name: str) -> str:
    """Return the path of the file of certificates that `name` holds; "" where it holds none.

    Raises: ImproperlyConfigured when it is no file that can be read: no call to the platform would succeed.
    """
    path = read_text(env, name)
    if path and not (Path(path).is_file() and os.access(path, os.R_OK)):
        raise ImproperlyConfigured(f"{name} points to a file that cannot be read: {path}")
    return path


def read_bool(env: Env, name: str, *, default: bool) -> bool:
    """Return whether `name` is on.

    Raises: ImproperlyConfigured for a word that means neither: taken for off, it would switch off what protects.
    """
    text = read_text(env, name).lower()
    if not text:
        return default
    if text not in _ON | _OFF:
        raise ImproperlyConfigured(f"{name} must be true or false; it is {text!r}.")
    return text in _ON


def read_choice(env: Env, name: str, default: str, *, choices: Collection[str]) -> str:
    """Return which of `choices`, all in small letters, `name` holds.

    Raises: ImproperlyConfigured for anything else.
    """
    text = read_text(env, name).lower() or default
    if text not in choices:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(choices)}; it is {text!r}.")
    return text


def read_number(env: Env, name: str, default: float, *, minimum: float, maximum: float) -> float:
    """Return the number `name`, within bounds.

    Raises: ImproperlyConfigured for text that is no number and for a number out of bounds.
    """
    text = read_text(env, name)
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


def read_workers(env: Env) -> int:
    """Return how many processes serve."""
    return read_whole_number(env, "MG_BOOTSTRAP_WORKERS", 2, minimum=1, maximum=256)


def read_rate(env: Env, name: str, default: str) -> Rate:
    """Return (how many at once, how many a second) from text such as `50:2`.

    Raises: ImproperlyConfigured for anything else.
    """
    text = read_text(env, name, default)
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
    for entry in read_list(env, name):
        try:
            networks.append(parse_network(entry))
        except ValueError:
            raise ImproperlyConfigured(
                f"{name} must list addresses or networks, such as 10.1.0.0/16; {entry!r} is none."
            ) from None
    return tuple(networks)
