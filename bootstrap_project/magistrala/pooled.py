"""A session for very many small questions: urllib3's pools alone, at half of what `requests` on top of them costs.

A fleet's refresh is limited by the processor, not by the platform. Time-outs, limits, retries and all judgement stay in
`transport`, which takes this as its session.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import certifi
import requests
import urllib3

from bootstrap_project.magistrala.sessions import DeadlinePool, SecureDeadlinePool


class PooledConnections:
    """Sends prepared requests over pooled connections; nothing comes from the environment, no cookie is kept."""

    def __init__(self, pool_size: int) -> None:
        """Keep at most `pool_size` connections to each host; more threads than that wait for one."""
        self._pool_size = pool_size
        self._managers: dict[bool | str, urllib3.PoolManager] = {}

    def send(
        self,
        request: requests.PreparedRequest,
        /,
        *,
        timeout: tuple[float, float],
        verify: bool | str,
        stream: bool = True,
        allow_redirects: bool = False,
        proxies: dict[str, str] | None = None,
    ) -> PooledAnswer:
        """Return the answer as soon as its head is there; the last three options are always as their defaults say.

        Raises: urllib3's errors, OSError.
        """
        manager = self._managers.get(verify) or self._managers.setdefault(verify, self._new_manager(verify))
        connecting, reading = timeout
        return PooledAnswer(
            manager.urlopen(
                str(request.method),
                str(request.url),
                body=request.body,
                headers=request.headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=connecting, read=reading),
            )
        )

    def close(self) -> None:
        """Close the connections that nobody uses."""
        for manager in self._managers.values():
            manager.clear()

    def _new_manager(self, verify: bool | str) -> urllib3.PoolManager:
        authorities = certifi.where() if verify is True else str(verify)
        manager = urllib3.PoolManager(
            num_pools=8, maxsize=self._pool_size, block=True, cert_reqs="CERT_REQUIRED", ca_certs=authorities
        )
        manager.pool_classes_by_scheme = {"http": DeadlinePool, "https": SecureDeadlinePool}
        return manager


class PooledAnswer:
    """An answer as `transport` reads it; left, it gives its connection back, closed unless it was read to its end."""

    __slots__ = ("headers", "raw", "status_code")

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        """Begin to read."""
        self.raw = response
        self.status_code = response.status
        self.headers = response.headers

    def __enter__(self) -> Self:
        """Begin to read."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Give the connection back."""
        self.raw.close()
        self.raw.release_conn()
