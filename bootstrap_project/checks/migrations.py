"""Checks that the database has the migrations of this release: part of `check --deploy`, which queries it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Info, Warning, register  # noqa: A004 - Django's own name for it.
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder

from bootstrap_project.database.pending_migrations import count_pending, describe_pending


@register(deploy=True)
def check_migrations(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Report how many are missing (W010), or that there are none at all yet (I001).

    Reports nothing when the database does not answer.
    """
    try:
        applied = MigrationRecorder(connection).applied_migrations()
    except DatabaseError:
        return []
    words = describe_pending(count_pending(applied)) + "."
    if not applied:
        return [Info(words, hint="Nothing was migrated yet.", id="bootstrap.I001")]
    return [Warning(words, id="bootstrap.W010")] if count_pending(applied) else []
