import uuid

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import bootstrap_project.database.json


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("profiles", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Config",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "domain_id",
                    models.CharField(help_text="The Magistrala domain that owns the config.", max_length=255),
                ),
                (
                    "external_id",
                    models.CharField(
                        help_text="What the device calls itself: a serial number, a MAC address, an asset tag.",
                        max_length=1024,
                    ),
                ),
                ("external_key_hash", models.TextField(editable=False)),
                ("external_key_digest", models.CharField(blank=True, default="", editable=False, max_length=64)),
                ("external_key_pepper", models.CharField(blank=True, default="", editable=False, max_length=32)),
                (
                    "name",
                    models.CharField(blank=True, default="", help_text="Unique within the domain.", max_length=1024),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("enabled", "enabled"), ("disabled", "disabled")], default="enabled", max_length=8
                    ),
                ),
                (
                    "render_context",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        encoder=bootstrap_project.database.json.ExactFloatEncoder,
                        help_text="This device's variables, as a JSON object.",
                    ),
                ),
                (
                    "content",
                    models.TextField(
                        blank=True, default="", help_text="Given out as it is while no profile is assigned."
                    ),
                ),
                ("client_cert", models.TextField(blank=True, default="")),
                ("client_key_sealed", models.TextField(blank=True, default="", editable=False)),
                ("ca_cert", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "profile",
                    models.ForeignKey(
                        blank=True,
                        help_text="What is rendered.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="configs",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "verbose_name": "device",
                "ordering": ("id",),
                "indexes": [
                    models.Index(fields=["domain_id", "id"], name="configs_config_listing"),
                    models.Index(fields=["domain_id", "status", "id"], name="configs_config_status_listing"),
                    models.Index(
                        condition=models.Q(("external_key_digest", ""), _negated=True),
                        fields=["external_key_digest"],
                        name="configs_config_key_digest",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.MD5("external_id"), name="configs_config_external_id_unique"
                    ),
                    models.UniqueConstraint(
                        models.F("domain_id"),
                        django.db.models.functions.text.MD5("name"),
                        condition=models.Q(("name", ""), _negated=True),
                        name="configs_config_name_unique",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("external_id", ""), _negated=True),
                        name="configs_config_external_id_not_empty",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("external_key_hash", ""), _negated=True),
                        name="configs_config_key_hash_not_empty",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["enabled", "disabled"])), name="configs_config_status_known"
                    ),
                ],
            },
        ),
    ]
