"""Where a call comes from, and over what: the peer's word, or a trusted proxy's; decided once, at the door."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from bootstrap_project.wsgi_middleware.forwarded import Hop, read_hops

Network = IPv4Network | IPv6Network

#: Forged entries stand at the far end of the header, so the near ones are enough.
_MAX_HOPS: Final = 32
_IPV4_IN_IPV6, _MAPPED_PREFIX = "::ffff:", 96
#: Whoever has one IPv6 address has its whole network of this size.
_IPV6_NETWORK: Final = 64


#: Which header of a trusted proxy's is read; the second one is RFC 7239's.
X_FORWARDED_FOR: Final = "x-forwarded-for"
FORWARDED: Final = "forwarded"


def resolve_client(environ: dict[str, Any], *, trusted: Sequence[Network], header: str, trust_scheme: bool) -> None:
    """Make `REMOTE_ADDR` in `environ` the address of the caller, and `wsgi.url_scheme` what it was called over.

    Nothing behind the door looks at proxies' headers again, so they are taken out: whoever resolved what is resolved
    already would believe the caller. `header` is `X_FORWARDED_FOR` or `FORWARDED`; the other one is never believed.
    `trust_scheme` says that the proxy tells the scheme: in `Forwarded`, or beside `X-Forwarded-For` in
    `X-Forwarded-Proto`, which is believed of every peer where no proxies are named.
    Cost: nothing to speak of without a proxy.
    """
    peer = str(environ.get("REMOTE_ADDR", ""))
    if peer.startswith(_IPV4_IN_IPV6):
        # A socket for both kinds of address has every caller of the older kind under the newer's name.
        peer = environ["REMOTE_ADDR"] = str(_parsed(peer) or peer)
    addresses = str(environ.pop("HTTP_X_FORWARDED_FOR", ""))
    scheme = str(environ.pop("HTTP_X_FORWARDED_PROTO", ""))
    forwarded = str(environ.pop("HTTP_FORWARDED", ""))
    is_proxy = bool(trusted) and _is_trusted(peer, tuple(trusted))
    if header == FORWARDED:
        scheme = ""
        if is_proxy:
            environ["REMOTE_ADDR"], scheme = _follow(peer, read_hops(forwarded, _MAX_HOPS), tuple(trusted))
    elif is_proxy:
        hops = addresses.rsplit(",", _MAX_HOPS)[-_MAX_HOPS:] if addresses else []
        environ["REMOTE_ADDR"], _scheme = _follow(peer, [Hop(hop, "") for hop in hops], tuple(trusted))
    elif trusted:
        scheme = ""
    scheme = scheme.partition(",")[0].strip()
    if trust_scheme and scheme:
        environ["wsgi.url_scheme"] = "https" if scheme == "https" else "http"


def parse_network(text: str) -> Network:
    """Return the network that `text` names; one of IPv4 in IPv6's clothes is what it is.

    Raises: ValueError for anything else.
    """
    network = ip_network(text)
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_PREFIX:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - _MAPPED_PREFIX))
    return network


def _follow(peer: str, hops: list[Hop | None], trusted: tuple[Network, ...]) -> tuple[str, str]:
    """Return the rightmost address that is no trusted proxy, and the scheme that it used.

    What stands to the left of it was written by whoever called, and is not looked at.
    """
    source, scheme = peer, ""
    while hops and _is_trusted(source, trusted):
        hop = hops.pop()
        address = None if hop is None else _parsed(hop.address)
        if hop is None or address is None:
            break
        source, scheme = str(address), hop.scheme
    return source, scheme


@lru_cache(maxsize=4096)
def rate_limit_key(source: str) -> str:
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
    try:
        # A zone (`%eth0`) says how to get there and not who it is.
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # An IPv4 address in IPv6's clothes is what it is.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
