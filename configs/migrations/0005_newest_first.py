"""The order of the admin's list: without an index, each of its pages would sort all devices.

A device's calls write columns that are in no index, and `created_at` never changes, so that they cost what they did.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("configs", "0004_permissions"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="config",
            index=models.Index(fields=["created_at", "id"], name="configs_config_newest"),
        ),
    ]
