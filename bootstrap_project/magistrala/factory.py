"""The process's Magistrala client, built from Django's settings."""

from __future__ import annotations

import math
import os
import threading
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from bootstrap_project.database.pool import connection_released
from bootstrap_project.magistrala.client import MagistralaClient
from bootstrap_project.magistrala.urls import SERVICES, MagistralaURLs, checked_url
from bootstrap_project.observability.metrics import observe_magistrala_request

_lock = threading.Lock()


_made: dict[bool, tuple[int, MagistralaClient]] = {}

#: The longest that somebody who types is kept waiting for the platform's answer.
QUICK_SECONDS: Final = 3.0


def get_client() -> MagistralaClient:
    """Return the client that all threads of this process share.

    A forked process gets its own: a connection used by two processes mixes up their answers.

    Raises: ImproperlyConfigured that names the setting when an address is not absolute http or https.
    """
    return _get(quick=False)


def get_quick_client() -> MagistralaClient:
    """Return the client for questions that somebody waits for while typing: no repeats, `QUICK_SECONDS` at the most.

    Raises: ImproperlyConfigured, as `get_client`.
    """
    return _get(quick=True)


def reset_client() -> None:
    """Forget the clients, so that the next call reads the settings again."""
    with _lock:
        made = list(_made.values())
        _made.clear()
    for process, client in made:
        if process == os.getpid():
            client.close()


def _get(*, quick: bool) -> MagistralaClient:
    made = _made.get(quick)
    if made is not None and made[0] == os.getpid():
        return made[1]
    with _lock:
        made = _made.get(quick)
        if made is None or made[0] != os.getpid():
            made = _made[quick] = (os.getpid(), _build(quick=quick))
        return made[1]


def _build(*, quick: bool) -> MagistralaClient:
    addresses: dict[str, str] = {}
    for service in SERVICES:
        addresses[service] = _address(f"MG_{service.upper()}_URL", service)
    if getattr(settings, "MG_AUTH_JWKS_URL", ""):
        addresses["jwks"] = _address("MG_AUTH_JWKS_URL", "auth")
    longest = QUICK_SECONDS if quick else math.inf
    return MagistralaClient(
        MagistralaURLs(**addresses),
        connect_timeout=min(float(settings.MG_CONNECT_TIMEOUT_SECONDS), longest / 3),
        read_timeout=min(float(settings.MG_READ_TIMEOUT_SECONDS), longest * 2 / 3),
        retries=0 if quick else int(settings.MG_RETRIES),
        max_body=int(settings.MG_MAX_ANSWER_BYTES),
        pool_size=int(settings.MG_POOL_SIZE),
        verify=settings.MG_CA_BUNDLE or True,
        observe=observe_magistrala_request,
        # The platform may be slow, and others need the database meanwhile.
        while_waiting=connection_released,
    )


def _address(setting: str, service: str) -> str:
    try:
        return checked_url(service, getattr(settings, setting))
    except ValueError as error:
        raise ImproperlyConfigured(f"{setting}: {error}") from error
