"""Migrations that were applied and not noted: whether all that one makes is there, as it makes it."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import AddField, CreateModel, Migration
from django.db.migrations.loader import MigrationLoader


def is_there(connection: BaseDatabaseWrapper, migration: Migration) -> bool:
    """Return whether each table that `migration` makes or adds a column to has the columns that it has then, no others.

    A migration's statements are one transaction: where its tables are, its indexes and constraints are as well.
    """
    touched = [operation for operation in migration.operations if isinstance(operation, CreateModel | AddField)]
    state = MigrationLoader(connection).project_state((migration.app_label, migration.name), at_end=True)
    names = {operation.name if isinstance(operation, CreateModel) else operation.model_name for operation in touched}
    models = [state.apps.get_model(migration.app_label, name) for name in names]
    return bool(models) and all(_has_its_tables(connection, model) for model in models)


def _has_its_tables(connection: BaseDatabaseWrapper, model: Any) -> bool:
    meta = model._meta  # noqa: SLF001 - Django's documented way to a model's fields.
    tables = [meta, *(field.remote_field.through._meta for field in meta.local_many_to_many)]  # noqa: SLF001 - the same.
    return all(
        _columns(connection, table.db_table) == {field.column for field in table.local_concrete_fields}
        for table in tables
        if table.can_migrate(connection)
    )


def _columns(connection: BaseDatabaseWrapper, table: str) -> set[str]:
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return set()
        return {column.name for column in connection.introspection.get_table_description(cursor, table)}
