import uuid

import django.db.models.deletion
from django.db import migrations, models

import bootstrap_project.database.json


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("configs", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Enrollment",
            fields=[],
            options={
                "verbose_name": "enrollment",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("configs.config",),
        ),
        migrations.CreateModel(
            name="BindingSnapshot",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("slot", models.CharField(max_length=256)),
                ("type", models.CharField(choices=[("client", "client"), ("channel", "channel")], max_length=8)),
                ("resource_id", models.CharField(max_length=255)),
                (
                    "snapshot",
                    models.JSONField(
                        blank=True, default=dict, encoder=bootstrap_project.database.json.ExactFloatEncoder
                    ),
                ),
                ("secret_sealed", models.TextField(blank=True, default="", editable=False)),
                (
                    "connection",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "not asked"),
                            ("connected", "connected"),
                            ("no-such-client", "the platform has no client of the config's id"),
                        ],
                        default="",
                        editable=False,
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField()),
                (
                    "config",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="bindings", to="configs.config"
                    ),
                ),
            ],
            options={
                "verbose_name": "binding",
                "ordering": ("config_id", "slot"),
                "indexes": [models.Index(fields=["type", "resource_id"], name="enrollments_binding_resource")],
                "constraints": [
                    models.UniqueConstraint(fields=("config", "slot"), name="enrollments_binding_slot_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("type__in", ["client", "channel"])), name="enrollments_binding_type_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("slot", ""), _negated=True), name="enrollments_binding_slot_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("resource_id", ""), _negated=True),
                        name="enrollments_binding_resource_not_empty",
                    ),
                ],
            },
        ),
    ]
