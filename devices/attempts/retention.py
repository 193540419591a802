"""Deletes attempts that are older than anyone wants to read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from devices.models import BootstrapAttempt

#: Rows that one statement deletes.
BATCH = 5_000


def count_attempts(*, before: datetime) -> int:
    """Return how many attempts are older than `before`."""
    return BootstrapAttempt.objects.older_than(before).count()


def prune_attempts(*, before: datetime, batch: int = BATCH) -> Iterator[int]:
    """Delete the attempts older than `before`, oldest first, and yield how many each statement deleted.

    Each statement is a transaction of its own: what was deleted stays deleted when a later one fails, and nobody waits
    long for any of them.
    """
    while True:
        oldest = BootstrapAttempt.objects.older_than(before).order_by("at", "id").values("pk")[:batch]
        deleted, _by_model = BootstrapAttempt.objects.filter(pk__in=oldest).delete()
        if deleted:
            yield deleted
        if deleted < batch:
            return
