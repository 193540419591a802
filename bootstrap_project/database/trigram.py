"""The index behind search by substring, on databases that offer trigrams."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import connections, migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models.functions import Upper


class TrigramIndex(migrations.RunPython):
    """Creates an index for search by substring where PostgreSQL offers `pg_trgm`; searching works without it, slower.

    `icontains` asks for UPPER(column), so that is what is indexed.
    """

    def __init__(self, *, app_label: str, model: str, column: str, name: str) -> None:
        def create(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
            if not trigrams_available(schema_editor.connection.alias):
                return
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            index = GinIndex(OpClass(Upper(column), name="gin_trgm_ops"), name=name)
            schema_editor.add_index(apps.get_model(app_label, model), index)

        def drop(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
            if schema_editor.connection.vendor == "postgresql":
                schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(name)}")

        super().__init__(create, drop)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Leave the state alone: the index is no part of any model."""


def trigrams_available(alias: str = "default") -> bool:
    """Return whether this database can have a trigram index, installed already or by this user."""
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT installed_version IS NOT NULL OR has_database_privilege(current_database(), 'CREATE')"
            " FROM pg_available_extensions WHERE name = 'pg_trgm'"
        )
        row = cursor.fetchone()
    return bool(row and row[0])
