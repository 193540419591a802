"""Where a call comes from: the peer, or what a trusted proxy says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Final

from bootstrap_project.addresses import read_address

Network = IPv4Network | IPv6Network

#: Forged entries stand at the far end of the header, so the near ones are enough.
_MAX_HOPS: Final = 32
#: Whoever has one IPv6 address has its whole network of this size.
_IPV6_NETWORK: Final = 64


def source_of(meta: Mapping[str, Any], trusted: Sequence[Network]) -> str:
    """Return the address that a call comes from; "" when the server does not know.

    Shape: the peer's, unless the peer is a trusted proxy: then the rightmost address in `X-Forwarded-For` that is none.
    What stands to the left of it was written by whoever called, and is not looked at.
    Cost: nothing without trusted proxies.
    """
    peer = str(meta.get("REMOTE_ADDR", ""))
    if not trusted:
        return peer
    source = peer
    hops = str(meta.get("HTTP_X_FORWARDED_FOR", "")).rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]
    while hops and _is_trusted(source, tuple(trusted)):
        hop = _parsed(hops.pop())
        if hop is None:
            break
        source = str(hop)
    return source


@lru_cache(maxsize=4096)
def limited_source(source: str) -> str:
    """Return what limits count as one source: an IPv4 address, or the /64 network of an IPv6 address."""
    address = _parsed(source)
    if address is None:
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _IPV6_NETWORK), strict=False).network_address)


@lru_cache(maxsize=4096)
def _is_trusted(source: str, trusted: tuple[Network, ...]) -> bool:
    address = _parsed(source)
    return address is not None and any(address in network for network in trusted)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    text = text.strip()
    # Some proxies add the port: 192.0.2.7:5000, [2001:db8::7]:5000.
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return read_address(text)
