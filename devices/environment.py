"""Reads the settings of the device endpoints: rates and networks."""

from __future__ import annotations

import math
from ipaddress import ip_network

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from bootstrap_project.wsgi_middleware.client_address import Network

Rate = tuple[float, float]


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
