"""The table of attempts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="BootstrapAttempt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "config_id",
                    models.UUIDField(blank=True, help_text="Empty while nobody knows the external id.", null=True),
                ),
                ("domain_id", models.CharField(blank=True, default="", max_length=255)),
                (
                    "external_id",
                    models.CharField(blank=True, default="", help_text="As presented, cut to length.", max_length=255),
                ),
                ("variant", models.CharField(max_length=16)),
                ("outcome", models.CharField(max_length=16)),
                ("status", models.PositiveSmallIntegerField(help_text="The answer's HTTP status.")),
                (
                    "error_id",
                    models.CharField(
                        blank=True, default="", help_text="What the device was told to quote.", max_length=64
                    ),
                ),
                ("profile_id", models.UUIDField(blank=True, null=True)),
                ("profile_version", models.PositiveIntegerField(blank=True, null=True)),
                ("etag", models.CharField(blank=True, default="", max_length=128)),
                ("duration", models.FloatField(help_text="Seconds.")),
                (
                    "source",
                    models.CharField(blank=True, default="", help_text="The address that asked.", max_length=64),
                ),
                ("user_agent", models.CharField(blank=True, default="", max_length=255)),
            ],
            options={
                "ordering": ("-at", "-id"),
                "indexes": [
                    models.Index(fields=["at", "id"], name="devices_attempt_by_time"),
                    models.Index(
                        condition=models.Q(("config_id__isnull", False)),
                        fields=["config_id", "at", "id"],
                        name="devices_attempt_by_config",
                    ),
                    models.Index(
                        condition=models.Q(("domain_id", ""), _negated=True),
                        fields=["domain_id", "at", "id"],
                        name="devices_attempt_by_domain",
                    ),
                    models.Index(
                        condition=models.Q(("status__gte", 400)), fields=["at", "id"], name="devices_attempt_failed"
                    ),
                    models.Index(
                        condition=models.Q(("error_id", ""), _negated=True),
                        fields=["error_id"],
                        name="devices_attempt_error_id",
                    ),
                    models.Index(
                        condition=models.Q(("config_id__isnull", True)),
                        fields=["external_id", "at"],
                        name="devices_attempt_unknown_id",
                    ),
                ],
            },
        ),
    ]
