"""What can be told from the settings alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name for it.

from bootstrap_project.crypto import KEY_SIZES
from bootstrap_project.environment import PUBLIC_KEYS

UPSTREAM_SCRYPT_N = 2**14
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@register()
def check_transport_key(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Check that the encryption key can be used (E001) and is not one that everyone knows (E002)."""
    messages: list[CheckMessage] = []
    if len(settings.TRANSPORT_KEY) not in KEY_SIZES:
        messages.append(
            Error(
                f"The encryption key has {len(settings.TRANSPORT_KEY)} bytes; AES needs 16, 24 or 32.",
                hint="Set MG_BOOTSTRAP_ENCRYPT_KEY to a text of that length; it is used as it stands, not decoded.",
                id="bootstrap.E001",
            )
        )
    if not settings.DEBUG and settings.TRANSPORT_KEY.decode(errors="replace") in PUBLIC_KEYS:
        messages.append(
            Error(
                "The encryption key is a published default.",
                hint="Make your own: python3 -c 'import secrets; print(secrets.token_hex(16))'",
                id="bootstrap.E002",
            )
        )
    return messages


@register()
def check_scrypt_cost(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Check that external keys are hashed at least as hard as upstream did (W001)."""
    if settings.EXTERNAL_KEY_SCRYPT_N >= UPSTREAM_SCRYPT_N:
        return []
    return [
        Warning(
            f"External keys are hashed with scrypt at N={settings.EXTERNAL_KEY_SCRYPT_N}, below {UPSTREAM_SCRYPT_N}.",
            hint="Lower costs are for tests alone.",
            id="bootstrap.W001",
        )
    ]


@register(deploy=True)
def check_magistrala_urls(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Check that operators' tokens do not cross a network in clear (W002)."""
    names = ("MG_CLIENTS_URL", "MG_CHANNELS_URL", "MG_DOMAINS_URL", "MG_USERS_URL", "MG_AUTH_URL")
    return [
        Warning(
            f"{name} is a public host over plain http; operators' tokens would be readable on the way.",
            hint="Use https, or keep the services on a private network under names without a dot.",
            id="bootstrap.W002",
        )
        for name in names
        if urlsplit(getattr(settings, name)).scheme == "http"
        and urlsplit(getattr(settings, name)).hostname not in _LOCAL_HOSTS
        and "." in (urlsplit(getattr(settings, name)).hostname or "")
    ]
