"""Which profile a device was served, without which the version of another one looks like the current one's.

Rows from before say nothing of it until their device's next call.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the column; a table of millions is not rewritten for it."""

    dependencies = [
        ("configs", "0006_totals"),
    ]

    operations = [
        migrations.AddField(
            model_name="config",
            name="last_bootstrap_profile_id",
            field=models.UUIDField(blank=True, editable=False, null=True),
        ),
    ]
