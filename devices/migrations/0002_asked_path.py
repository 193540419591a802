"""How a call was asked for, where it was not by the documented path."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="bootstrapattempt",
            name="path",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The path of the call, where it was not the documented one.",
                max_length=255,
                verbose_name="asked by",
            ),
        ),
    ]
