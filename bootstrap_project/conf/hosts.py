"""Reads where the admin is reached, names and path: what no `Host`, `Origin` or path can equal is refused."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.http.request import host_validation_re
from environ import Env

from bootstrap_project.conf.reading import read_list, read_text

#: Where the admin is reached unless something else is said.
LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")
#: No letters that are spelt in two ways in an address.
_PREFIX: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[\w.~-]+)+", re.ASCII)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def read_hosts(env: Env, name: str) -> list[str]:
    """Return the hosts that `name` lists, as Django takes them: `.example.com` stands for all below, `*` for any.

    Raises: ImproperlyConfigured for a scheme, a port, a path, or anything else that no `Host` can be.
    """
    return [_host(name, member) for member in read_list(env, name, LOCAL_HOSTS)]


def _host(name: str, member: str) -> str:
    with suppress(ValueError):
        return f"[{IPv6Address(member.removeprefix('[').removesuffix(']'))}]"
    if member == "*" or (host_validation_re.fullmatch(member.lower()) and _is_name(member)):
        return member
    raise ImproperlyConfigured(
        f"{name} must list hosts alone, without scheme, port or path, and with commas between them, such as "
        f"boot.example.com,.example.org,[::1]; {member!r} is none."
    )


def _is_name(member: str) -> bool:
    # One dot before it stands for all hosts below; the browser's own at its end is cut off before anybody compares.
    return all(member.removeprefix(".").split(".")) and ":" not in member


def read_origins(env: Env, name: str) -> list[str]:
    """Return the origins that `name` lists, written as browsers write theirs: in small letters, no usual port.

    Raises: ImproperlyConfigured for one without scheme, with a path, or anything else that no `Origin` can be.
    """
    return [_origin(name, member) for member in read_list(env, name)]


def _origin(name: str, member: str) -> str:
    with suppress(ValueError):
        parts = urlsplit(member)
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port not in {None, _DEFAULT_PORTS.get(parts.scheme)} else ""
        below = host.removeprefix("*.")
        is_host = host_validation_re.fullmatch(below) and (below.startswith("[") or _is_name(below))
        is_bare = member[len(parts.scheme) :] == f"://{parts.netloc}" and "@" not in parts.netloc and parts.port != 0
        if parts.scheme in _DEFAULT_PORTS and is_host and is_bare:
            return f"{parts.scheme}://{host}{port}"
    raise ImproperlyConfigured(
        f"{name} must list origins with scheme, without path or slash at the end, and with commas between them, such "
        f"as https://boot.example.com,https://*.example.org:8443; {member!r} is none."
    )


def read_prefix(env: Env, name: str) -> str:
    """Return the path that `name` holds, such as `/boot`, without a slash at its end; "" where it holds none.

    Raises: ImproperlyConfigured for anything that is no such path.
    """
    prefix = read_text(env, name).rstrip("/")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ImproperlyConfigured(
            f"{name} must be a path of letters, digits and - . _ ~ that begins with a slash, such as /boot; it is "
            f"{prefix!r}."
        )
    return prefix
