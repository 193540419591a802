import uuid

import django.db.models.functions.text
from django.db import migrations, models

import bootstrap_project.database.json


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Profile",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "domain_id",
                    models.CharField(help_text="The Magistrala domain that owns the profile.", max_length=255),
                ),
                ("name", models.CharField(help_text="Unique within the domain.", max_length=1024)),
                ("description", models.TextField(blank=True, default="")),
                (
                    "template_format",
                    models.CharField(
                        choices=[
                            ("go-template", "Go template"),
                            ("json", "JSON"),
                            ("yaml", "YAML"),
                            ("toml", "TOML"),
                            ("raw", "raw (not rendered)"),
                        ],
                        default="go-template",
                        help_text="What the rendered text is checked as.",
                        max_length=16,
                    ),
                ),
                (
                    "content_template",
                    models.TextField(
                        blank=True, default="", help_text="Go text/template; sees .Device, .Vars and .Bindings."
                    ),
                ),
                (
                    "defaults",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        encoder=bootstrap_project.database.json.ExactFloatEncoder,
                        help_text="Variables that devices share, as a JSON object.",
                    ),
                ),
                (
                    "binding_slots",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Named placeholders for clients and channels, as a JSON list.",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "ordering": ("-created_at", "-id"),
                "indexes": [
                    models.Index(
                        models.F("domain_id"),
                        models.OrderBy(models.F("created_at"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        name="profiles_profile_listing",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("domain_id"),
                        django.db.models.functions.text.MD5("name"),
                        name="profiles_profile_name_unique",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="profiles_profile_name_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("template_format__in", ["go-template", "json", "yaml", "toml", "raw"])),
                        name="profiles_profile_format_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("version__gte", 1)), name="profiles_profile_version_positive"
                    ),
                ],
            },
        ),
    ]
