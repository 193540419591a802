"""How many migrations of this release a database lacks."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from django.db.migrations.loader import MigrationLoader

#: Application and name.
Migration = tuple[str, str]


@cache
def migrations_of_this_release() -> dict[Migration, frozenset[Migration]]:
    """Return every migration of the code, with those that it replaces.

    Cost: imports them all, once.
    """
    loader = MigrationLoader(None)
    replaced = {key: frozenset(migration.replaces) for key, migration in loader.replacements.items()}
    return {key: replaced.get(key, frozenset()) for key in loader.graph.nodes}


def count_pending(applied: Collection[Migration]) -> int:
    """Return how many are not in `applied`; what a newer release applied beyond them is its own affair."""
    done = set(applied)
    return sum(
        key not in done and not (replaces and replaces <= done)
        for key, replaces in migrations_of_this_release().items()
    )


def describe_pending(number: int) -> str:
    """Return what is wrong with a database that lacks so many, and what to do."""
    return f"the database lacks {number} migration{'s' if number != 1 else ''}; run `manage.py migrate`"
