"""Migrations that lock, or break the release before, are refused; all others are not."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.models.functions import Now

from tests.support.migration_lint import Finding, Script, complaints, judge, recorded

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="the linter judges what PostgreSQL is sent"),
]


def _change_by_code(_apps: Any, schema_editor: Any) -> None:
    schema_editor.execute('ALTER TABLE "configs_config" DROP COLUMN "last_bootstrap_profile_id"')


def _write_rows(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("configs", "Config").objects.filter(name="").update(name="")


def _text(**more: Any) -> models.Field[Any, Any]:
    return models.CharField(max_length=16, **more)


_FILLED = models.Q(("external_id", ""), _negated=True)

REFUSED: dict[str, tuple[str, list[Operation], str]] = {
    "a column is dropped": ("configs", [migrations.RemoveField("config", "last_bootstrap_profile_id")], "drop-column"),
    "a column is dropped by code": ("configs", [migrations.RunPython(_change_by_code)], "drop-column"),
    "a column is dropped by SQL": (
        "configs",
        [migrations.RunSQL("alter table configs_config drop column name")],
        "drop-column",
    ),
    "a column is renamed": ("configs", [migrations.RenameField("config", "name", "title")], "renaming-column"),
    "a table is renamed": ("profiles", [migrations.RenameModel("Profile", "Layout")], "renaming-table"),
    "a table gets another name": ("profiles", [migrations.AlterModelTable("Profile", "layouts")], "renaming-table"),
    "a table is dropped": ("devices", [migrations.DeleteModel("BootstrapAttempt")], "drop-table"),
    "a new column has a default of Django's alone": (
        "configs",
        [migrations.AddField("config", "site", _text(default=""))],
        "drop-default",
    ),
    "one of two new columns has a default of Django's alone": (
        "configs",
        [
            migrations.AddField("config", "site", _text(db_default="")),
            migrations.AddField("config", "hall", _text(default="")),
        ],
        "drop-default",
    ),
    "a small table's new column has a default of Django's alone": (
        "adminsite",
        [migrations.AddField("domaingrant", "role", _text(default=""))],
        "drop-default",
    ),
    "a default of the database's is dropped": (
        "configs",
        [
            migrations.RunSQL("ALTER TABLE configs_config ALTER COLUMN name SET DEFAULT ''"),
            migrations.RunSQL("ALTER TABLE configs_config ALTER COLUMN name DROP DEFAULT"),
        ],
        "drop-default",
    ),
    "a new column has no default": (
        "configs",
        [migrations.RunSQL("ALTER TABLE configs_config ADD COLUMN site text NOT NULL")],
        "adding-required-field",
    ),
    "a column becomes required": (
        "configs",
        [migrations.AlterField("config", "last_bootstrap_profile_id", models.UUIDField(default="0" * 32))],
        "adding-not-nullable-field",
    ),
    "a type is changed": ("configs", [migrations.AlterField("config", "name", models.TextField())], "changing-column"),
    "an index locks writers": (
        "configs",
        [migrations.AddIndex("config", models.Index(fields=["updated_at"], name="x"))],
        "concurrent-index-creation",
    ),
    "an index of a new column locks writers": (
        "devices",
        [migrations.AddField("bootstrapattempt", "site", _text(null=True, db_index=True))],
        "concurrent-index-creation",
    ),
    "an index that goes locks everybody": (
        "configs",
        [migrations.RemoveIndex("config", "configs_config_newest")],
        "concurrent-index-deletion",
    ),
    "a check looks at all rows": (
        "configs",
        [migrations.AddConstraint("config", models.CheckConstraint(condition=_FILLED, name="x"))],
        "not-valid",
    ),
    "a unique constraint is added": (
        "enrollments",
        [migrations.AddConstraint("bindingsnapshot", models.UniqueConstraint(fields=["resource_id"], name="x"))],
        "unique-constraint",
    ),
    "a unique constraint is added to a small table": (
        "adminsite",
        [migrations.AddConstraint("domaingrant", models.UniqueConstraint(fields=["domain_id"], name="x"))],
        "unique-constraint",
    ),
    "a reference looks at all rows": (
        "enrollments",
        [
            migrations.AddField(
                "bindingsnapshot", "profile", models.ForeignKey("profiles.Profile", models.CASCADE, null=True)
            )
        ],
        "foreign-key",
    ),
}

TAKEN: dict[str, tuple[str, list[Operation]]] = {
    "a column that may be empty": ("configs", [migrations.AddField("config", "site", _text(null=True))]),
    "a column that may be empty, filled by Django": (
        "configs",
        [migrations.AddField("config", "site", _text(null=True, default="x"))],
    ),
    "a column with a default of the database's": (
        "configs",
        [
            migrations.AddField("config", "site", _text(db_default="")),
            migrations.AddField("config", "seen_at", models.DateTimeField(db_default=Now())),
        ],
    ),
    "a table with all that it has": (
        "configs",
        [
            migrations.CreateModel(
                "Site",
                [
                    ("id", models.BigAutoField(primary_key=True)),
                    ("name", models.CharField(max_length=20, db_index=True)),
                    ("config", models.ForeignKey("configs.Config", models.CASCADE)),
                ],
                {
                    "indexes": [models.Index(fields=["config", "name"], name="x")],
                    "constraints": [models.UniqueConstraint(fields=["config", "name"], name="y")],
                },
            ),
            migrations.AddField("site", "required", models.IntegerField(default=1)),
        ],
    ),
    "a check of new rows, and of old ones without a lock": (
        "configs",
        [AddConstraintNotValid("config", models.CheckConstraint(condition=_FILLED, name="x"))],
    ),
    "a check of all rows that is looked at later": (
        "configs",
        [ValidateConstraint("config", "configs_config_external_id_not_empty")],
    ),
    "a constraint that goes": ("configs", [migrations.RemoveConstraint("config", "configs_config_status_known")]),
    "an index of a small table": (
        "adminsite",
        [migrations.AddIndex("domaingrant", models.Index(fields=["domain_id"], name="x"))],
    ),
    "another name of an index": (
        "configs",
        [migrations.RenameIndex("config", new_name="x", old_name="configs_config_newest")],
    ),
    "rows that are written": ("configs", [migrations.RunPython(_write_rows)]),
    "what the database is not told": (
        "configs",
        [
            migrations.AlterField("config", "name", models.CharField(max_length=1024, help_text="Another.")),
            migrations.AlterModelOptions("config", {"ordering": ["id"]}),
        ],
    ),
}


def findings(app: str, operations: list[Operation]) -> list[Finding]:
    migration = type("Next", (migrations.Migration,), {"operations": operations})("next", app)
    script = Script("app.next")
    with recorded(connection, script), connection.schema_editor() as editor:
        migration.apply(MigrationLoader(connection).project_state(), editor)
    return judge([script])


@pytest.mark.parametrize(("app", "operations", "rule"), REFUSED.values(), ids=REFUSED)
def test_what_locks_or_breaks_the_release_before_is_refused(app: str, operations: list[Operation], rule: str):
    found = findings(app, operations)

    assert [one.rule for one in found if rule in one.rule], found


@pytest.mark.parametrize(("app", "operations"), TAKEN.values(), ids=TAKEN)
def test_what_does_no_harm_is_taken(app: str, operations: list[Operation]):
    assert findings(app, operations) == []


def test_indexes_may_come_and_go_beside_the_work():
    statements = ['CREATE INDEX CONCURRENTLY "x" ON "configs_config" ("name")', 'DROP INDEX CONCURRENTLY IF EXISTS "y"']

    assert judge([Script("app.next", is_atomic=False, statements=statements)]) == []
    # Which the database would refuse.
    assert judge([Script("app.next", statements=statements[:1])])


def test_a_migration_is_excused_by_its_name_as_long_as_it_has_a_finding():
    found = Finding("configs.0009_x", "ban-drop-column", "Dropping a column breaks.", "ALTER TABLE t DROP COLUMN c;")

    assert complaints([found], {"configs.0009_x": "nobody read it since the release before"}) == []
    assert complaints([found], {}) == [str(found)]
    assert complaints([], {"configs.0009_x": "gone"}) == [
        "configs.0009_x stands in LOOKED_AT, and has nothing to excuse"
    ]
