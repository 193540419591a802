"""Reads the settings of the device endpoints: rates, networks and the cache that limits may be shared through."""

from __future__ import annotations

import importlib.util
import math
from ipaddress import ip_network
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from bootstrap_project.observability.sources import Network

Rate = tuple[float, float]

#: A cache that does not answer must not hold up a device.
CACHE_TIMEOUT_SECONDS: Final = 0.25


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


def read_cache(name: str, url: str) -> dict[str, Any]:
    """Return Django's settings for the cache at `url`, which the setting `name` holds; this process's memory for "".

    Raises: ImproperlyConfigured for a URL of no known cache, and for Redis without its library.
    """
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    try:
        cache = dict(Env.cache_url_config(url))
    except Exception:  # noqa: BLE001 - django-environ raises whatever the parts of a bad URL provoke.
        # What it raises may quote the password.
        raise ImproperlyConfigured(f"{name} is not a cache URL, such as redis://host:6379/0.") from None
    if str(cache["BACKEND"]).endswith("RedisCache"):
        if importlib.util.find_spec("redis") is None:
            raise ImproperlyConfigured(f"{name} names Redis, and the Python package redis is not installed.")
        timeouts = {"socket_connect_timeout": CACHE_TIMEOUT_SECONDS, "socket_timeout": CACHE_TIMEOUT_SECONDS}
        cache["OPTIONS"] = timeouts | dict(cache.get("OPTIONS", {}))
    return cache
