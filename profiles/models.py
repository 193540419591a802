"""Profiles: reusable templates with shared defaults and declared slots."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import MD5

from bootstrap_project.database.constraints import NAME_LENGTH, PLATFORM_ID_LENGTH
from bootstrap_project.database.json import ExactFloatEncoder
from bootstrap_project.slots import BindingSlot
from bootstrap_project.visible_text import shown


class TemplateFormat(models.TextChoices):
    """What a rendered profile must be (docs/contract.md#d5)."""

    GO_TEMPLATE = "go-template", "Go template"
    JSON = "json", "JSON"
    YAML = "yaml", "YAML"
    TOML = "toml", "TOML"
    RAW = "raw", "raw (not rendered)"


class ProfileQuerySet(models.QuerySet["Profile"]):
    """Questions about profiles; `in_domain` is the only door for operators."""

    def in_domain(self, domain_id: str) -> Self:
        return self.filter(domain_id=domain_id)


class Profile(models.Model):
    """A template in Go's language with its defaults and binding slots, owned by one domain."""

    NAME_UNIQUE = "profiles_profile_name_unique"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    domain_id = models.CharField(
        max_length=PLATFORM_ID_LENGTH, help_text="The Magistrala domain that owns the profile."
    )
    name = models.CharField(max_length=NAME_LENGTH, help_text="Unique within the domain.")
    description = models.TextField(blank=True, default="")
    template_format = models.CharField(
        max_length=16,
        choices=TemplateFormat.choices,
        default=TemplateFormat.GO_TEMPLATE,
        help_text="What the rendered text is checked as.",
    )
    content_template = models.TextField(
        blank=True, default="", help_text="Go text/template; sees .Device, .Vars and .Bindings."
    )
    defaults = models.JSONField(
        default=dict, blank=True, encoder=ExactFloatEncoder, help_text="Variables that devices share, as a JSON object."
    )
    binding_slots = models.JSONField(
        default=list, blank=True, help_text="Named placeholders for clients and channels, as a JSON list."
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = models.Manager.from_queryset(ProfileQuerySet)()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            # A name may have 1,024 characters, more than fits into a B-tree's entry; its digest always fits.
            models.UniqueConstraint(F("domain_id"), MD5("name"), name="profiles_profile_name_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="profiles_profile_name_not_empty"),
            models.CheckConstraint(
                condition=Q(template_format__in=TemplateFormat.values), name="profiles_profile_format_known"
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="profiles_profile_version_positive"),
        )
        indexes = (
            models.Index(F("domain_id"), F("created_at").desc(), F("id").desc(), name="profiles_profile_listing"),
        )

    def __str__(self) -> str:
        return f"{shown(self.name)} v{self.version}"

    @property
    def name_with_domain(self) -> str:
        """Return what tells it from the profiles of other domains."""
        return f"{self} ({self.domain_id})"

    @property
    def slots(self) -> tuple[BindingSlot, ...]:
        return tuple(BindingSlot.from_json(document) for document in self.binding_slots or ())
