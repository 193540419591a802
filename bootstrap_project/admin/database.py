"""How the admin asks the database for what takes long to find out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def without_jit() -> Iterator[None]:
    """Run the block's statements without PostgreSQL compiling them first: that takes longer than it saves.

    It takes a long expression for a lot of work, also where a few rows answer the question.
    Cost: three short statements.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL jit = off")
        yield
