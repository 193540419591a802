"""Checks of the settings alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Warning, register  # noqa: A004 - Django's own name for it.
from django.core.management.base import CommandError
from django.db.migrations import Migration

MIN_SECRET_KEY_LENGTH = 50
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@register()
def check_secret_key(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Check that the key for all data at rest cannot be guessed (W003; docs/contract.md#k33)."""
    length = len(settings.SECRET_KEY)
    if settings.DEBUG or length >= MIN_SECRET_KEY_LENGTH:
        return []
    return [
        Warning(
            f"MG_BOOTSTRAP_SECRET_KEY has {length} characters; it needs {MIN_SECRET_KEY_LENGTH} or more.",
            hint="What is sealed at rest rests on it. Rotate it: the page on operations says how.",
            id="bootstrap.W003",
        )
    ]


@register()
def check_remarks(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Tell what looks like a mistake among the variables (W008)."""
    return [Warning(remark, id="bootstrap.W008") for remark in settings.SETTING_REMARKS]


def refuse_short_secret_key(plan: Sequence[tuple[Migration, bool]], **_kwargs: Any) -> None:
    """Refuse to create a database with a short secret key; receives Django's `pre_migrate`.

    Raises: CommandError.
    """
    is_new = any((step.app_label, step.name) == ("configs", "0001_initial") and not back for step, back in plan)
    if is_new and not settings.DEBUG and len(settings.SECRET_KEY) < MIN_SECRET_KEY_LENGTH:
        raise CommandError(
            f"MG_BOOTSTRAP_SECRET_KEY has {len(settings.SECRET_KEY)} characters, and the secrets of this new database "
            f"will rest on it: give it {MIN_SECRET_KEY_LENGTH} random ones or more, for example those of: "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(64))'"
        )


@register(deploy=True)
def check_magistrala_urls(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Check that operators' tokens do not cross a network in plain text (W002)."""
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
