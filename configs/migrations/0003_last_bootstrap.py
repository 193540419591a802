"""What a config says about its device's bootstraps, and room in the table's pages for writing it."""

from typing import Any

from django.db import migrations, models

# These columns are written at every call of a device. In a page with room, that touches no index: the new version of
# the row lies beside the old one. Pages that are full already get their room as rows move out of them.
FILL_FACTOR = 85


def leave_room(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE configs_config SET (fillfactor = {FILL_FACTOR})")


def leave_none(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE configs_config RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = [
        ("configs", "0002_name_search"),
    ]

    operations = [
        migrations.AddField(
            model_name="config",
            name="first_bootstrap_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="config",
            name="last_bootstrap_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="config",
            name="last_bootstrap_error_id",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="config",
            name="last_bootstrap_etag",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=128),
        ),
        migrations.AddField(
            model_name="config",
            name="last_bootstrap_outcome",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=16),
        ),
        migrations.AddField(
            model_name="config",
            name="last_bootstrap_profile_version",
            field=models.PositiveIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.RunPython(leave_room, leave_none),
    ]
