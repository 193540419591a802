"""The process's Magistrala client, built from Django's settings; the only file here that knows Django."""

from __future__ import annotations

import os
import threading

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.urls import MagistralaURLs, checked_url
from bootstrap_project.observability.metrics import observe_magistrala_request

_lock = threading.Lock()


_made: tuple[int, MagistralaClient] | None = None


def get_client() -> MagistralaClient:
    """Return the client that all threads of this process share.

    A forked process gets its own: a connection used by two processes mixes up their answers.

    Raises: ImproperlyConfigured that names the setting when an address is not absolute http or https.
    """
    global _made  # noqa: PLW0603
    made = _made
    if made is not None and made[0] == os.getpid():
        return made[1]
    with _lock:
        if _made is None or _made[0] != os.getpid():
            _made = (os.getpid(), _build())
        return _made[1]


def reset_client() -> None:
    """Forget the client, so that the next call reads the settings again."""
    global _made
    with _lock:
        made, _made = _made, None
    if made is not None and made[0] == os.getpid():
        made[1].close()


def _build() -> MagistralaClient:
    addresses: dict[str, str] = {}
    for service in ("clients", "channels", "domains", "users", "auth"):
        addresses[service] = _address(f"MG_{service.upper()}_URL", service)
    if getattr(settings, "MG_AUTH_JWKS_URL", ""):
        addresses["jwks"] = _address("MG_AUTH_JWKS_URL", "auth")
    return MagistralaClient(
        MagistralaURLs(**addresses),
        connect_timeout=float(settings.MG_CONNECT_TIMEOUT_SECONDS),
        read_timeout=float(settings.MG_READ_TIMEOUT_SECONDS),
        retries=int(settings.MG_RETRIES),
        max_body=int(settings.MG_MAX_ANSWER_BYTES),
        pool_size=int(settings.MG_POOL_SIZE),
        verify=settings.MG_CA_BUNDLE or True,
        observe=observe_magistrala_request,
    )


def _address(setting: str, service: str) -> str:
    try:
        return checked_url(service, getattr(settings, setting))
    except ValueError as error:
        raise ImproperlyConfigured(f"{setting}: {error}") from error
