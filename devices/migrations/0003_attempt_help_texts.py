"""What each column of attempts means, for its page and the API's description; the table stays as it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0002_asked_path"),
    ]

    operations = [
        migrations.AlterField(
            model_name="bootstrapattempt",
            name="error_id",
            field=models.CharField(
                blank=True, default="", help_text="The request_id that the device was told.", max_length=64
            ),
        ),
        migrations.AlterField(
            model_name="bootstrapattempt",
            name="outcome",
            field=models.CharField(
                help_text="ok, static, not_modified, probed (HEAD), or why there was none.", max_length=16
            ),
        ),
        migrations.AlterField(
            model_name="bootstrapattempt",
            name="variant",
            field=models.CharField(help_text="plain, secure or keyless: which endpoint was called.", max_length=16),
        ),
    ]
