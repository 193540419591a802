from typing import Any

from django.db import migrations


def set_fillfactor(_apps: Any, schema_editor: Any) -> None:
    # Free space in each page lets a refresh put a row's new version beside the old one, without touching any index.
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE enrollments_bindingsnapshot SET (fillfactor = 70)")


def reset_fillfactor(_apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE enrollments_bindingsnapshot RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = [
        ("enrollments", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(set_fillfactor, reset_fillfactor),
    ]
