"""What models of several applications share: columns, expressions and the naming of constraints."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections, migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.models.functions import Upper

#: Names, external ids and the like (contract A.1 and K16), in characters.
NAME_LENGTH = 1024
#: Ids that Magistrala gives out; opaque to us.
PLATFORM_ID_LENGTH = 255


_STRING_OR_LARGE_FLOAT = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9.]+e\+[0-9]+')


class ExactFloatEncoder(DjangoJSONEncoder):
    """Writes JSON whose floats stay floats in a `jsonb` column.

    PostgreSQL keeps numbers as decimals: `1e+16` comes back as the integer 10000000000000000, which templates print
    otherwise than the float it was. A fraction of zero is kept, so floats are written with one instead of an exponent.
    """

    def encode(self, o: Any) -> str:
        """Encode as the base class does, floats of 1e16 and more without an exponent."""
        text = super().encode(o)
        return _STRING_OR_LARGE_FLOAT.sub(_without_exponent, text) if "e+" in text else text


def _without_exponent(match: re.Match[str]) -> str:
    token = match[0]
    return token if token.startswith('"') else f"{int(float(token))}.0"


class TrigramIndex(migrations.RunPython):
    """Creates an index for search by substring where PostgreSQL offers `pg_trgm`; searching works without it, slower.

    `icontains` asks for UPPER(column), so that is what is indexed.
    """

    def __init__(self, *, app_label: str, model: str, column: str, name: str) -> None:
        """Describe the index `name` on `column`."""

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
    """Tell whether this database can have a trigram index, installed already or by this user."""
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


def violated_constraint(error: Exception, *names: str) -> str:
    """Return which of `names` the IntegrityError `error` violated, or "" when it is another one.

    PostgreSQL names the constraint; SQLite names a constraint on expressions in its message.
    """
    cause = error.__cause__
    reported = getattr(getattr(cause, "diag", None), "constraint_name", None) or str(error)
    return next((name for name in names if name in reported), "")
