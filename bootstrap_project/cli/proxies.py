"""Which proxy a request goes through, by the usual variables."""

from __future__ import annotations

import base64
import urllib.request
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from click import UsageError


class Proxy(NamedTuple):
    """An HTTP proxy and the headers that it asks for."""

    host: str
    port: int
    headers: dict[str, str]
    #: The environment's variable that names it.
    variable: str

    def __str__(self) -> str:
        return f"the proxy {self.host}:{self.port} of {self.variable}"


def proxy_for(scheme: str, host: str, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for a service, None to go there directly.

    HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY count, in either case; this machine itself is always direct.
    Raises: UsageError for a proxy that is not HTTP.
    """
    if not any(name.lower().endswith("_proxy") for name in environ) or _is_this_machine(host):
        return None
    proxies = urllib.request.getproxies_environment()
    kind = scheme if proxies.get(scheme) else "all"
    address = proxies.get(kind)
    if not address or urllib.request.proxy_bypass_environment(host, proxies):  # type: ignore[attr-defined]
        return None
    names = (f"{kind}_proxy", f"{kind.upper()}_PROXY")
    variable = next((name for name in names if environ.get(name)), names[0])
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        port = parts.port or 80
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "http" or not parts.hostname:
        raise UsageError(f"the proxy for {scheme} is to be like http://proxy:3128 (see the variable {variable})")
    headers = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return Proxy(parts.hostname, port, headers, variable)


def _is_this_machine(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost") or host == "::1" or host.startswith("127.")
