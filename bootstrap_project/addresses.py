"""IP addresses as text that somebody else wrote."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address that `text` is, an IPv4 one in IPv6's clothes as what it is; None when it is none.

    A zone (`%eth0`) says how to get there and not who it is: it is left out.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
