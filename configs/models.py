"""Configs: one row for each device that may bootstrap."""

from __future__ import annotations

import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import MD5, Concat

from bootstrap_project.database.constraints import NAME_LENGTH, PLATFORM_ID_LENGTH
from bootstrap_project.database.json import ExactFloatEncoder
from bootstrap_project.visible_text import shown
from profiles.models import Profile


class Status(models.TextChoices):
    """Whether a device gets an answer."""

    ENABLED = "enabled", "enabled"
    DISABLED = "disabled", "disabled"


class ConfigQuerySet(models.QuerySet["Config"]):
    """Questions about configs; `in_domain` is the only door for operators."""

    def in_domain(self, domain_id: str) -> Self:
        return self.filter(domain_id=domain_id)

    def with_external_id(self, external_id: str) -> Self:
        """Return the config of `external_id`, by the unique index on the id's digest."""
        # SQLite carries a plain equality over into MD5(external_id), which then fits the index no longer.
        whole = Concat("external_id", models.Value(""))
        return self.alias(digest=MD5("external_id"), whole=whole).filter(
            digest=MD5(models.Value(external_id)), whole=external_id
        )


class Config(models.Model):
    """A device's enrolment: who it is, the digest of its key, and what it is given."""

    EXTERNAL_ID_UNIQUE = "configs_config_external_id_unique"
    NAME_UNIQUE = "configs_config_name_unique"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    domain_id = models.CharField(max_length=PLATFORM_ID_LENGTH, help_text="The Magistrala domain that owns the config.")
    external_id = models.CharField(
        max_length=NAME_LENGTH, help_text="What the device calls itself: a serial number, a MAC address, an asset tag."
    )
    external_key_hash = models.TextField(editable=False)
    external_key_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    external_key_pepper = models.CharField(max_length=32, blank=True, default="", editable=False)
    name = models.CharField(max_length=NAME_LENGTH, blank=True, default="", help_text="Unique within the domain.")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ENABLED)
    profile = models.ForeignKey(
        Profile, on_delete=models.PROTECT, null=True, blank=True, related_name="configs", help_text="What is rendered."
    )
    render_context = models.JSONField(
        default=dict, blank=True, encoder=ExactFloatEncoder, help_text="This device's variables, as a JSON object."
    )
    content = models.TextField(blank=True, default="", help_text="Given out as it is while no profile is assigned.")
    client_cert = models.TextField(blank=True, default="")
    client_key_sealed = models.TextField(blank=True, default="", editable=False)
    ca_cert = models.TextField(blank=True, default="")
    # Written a second later, and by the device path alone: see devices.attempts. Not indexed, so that an update of them
    # needs no new entry in any index.
    first_bootstrap_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_bootstrap_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_bootstrap_outcome = models.CharField(max_length=16, blank=True, default="", db_default="", editable=False)
    last_bootstrap_profile_id = models.UUIDField(null=True, blank=True, editable=False)
    last_bootstrap_profile_version = models.PositiveIntegerField(null=True, blank=True, editable=False)
    last_bootstrap_etag = models.CharField(max_length=128, blank=True, default="", db_default="", editable=False)
    last_bootstrap_error_id = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = models.Manager.from_queryset(ConfigQuerySet)()

    class Meta:
        ordering = ("id",)
        verbose_name = "device"
        permissions = (
            ("rotate_external_key", "Can give a device a new external key"),
            ("switch_config", "Can enable and disable devices"),
        )
        constraints = (
            # 1,024 characters may be more than fits into a B-tree's entry; their digest always fits.
            models.UniqueConstraint(MD5("external_id"), name="configs_config_external_id_unique"),
            models.UniqueConstraint(
                F("domain_id"), MD5("name"), condition=~Q(name=""), name="configs_config_name_unique"
            ),
            models.CheckConstraint(condition=~Q(external_id=""), name="configs_config_external_id_not_empty"),
            models.CheckConstraint(condition=~Q(external_key_hash=""), name="configs_config_key_hash_not_empty"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="configs_config_status_known"),
        )
        indexes = (
            models.Index(fields=("domain_id", "id"), name="configs_config_listing"),
            # The admin's list, newest first.
            models.Index(fields=("created_at", "id"), name="configs_config_newest"),
            models.Index(fields=("domain_id", "status", "id"), name="configs_config_status_listing"),
            # Totals are counted in this one: without ids it is a tenth of the size.
            models.Index(fields=("domain_id", "status"), name="configs_config_totals"),
            models.Index(
                fields=("external_key_digest",), condition=~Q(external_key_digest=""), name="configs_config_key_digest"
            ),
        )

    def __str__(self) -> str:
        return f"{shown(self.name)} ({shown(self.external_id)})" if self.name else shown(self.external_id)

    def __repr__(self) -> str:
        """Return the row's identity; no key, hash or certificate."""
        return f"<Config {self.id}>"

    @property
    def display_name(self) -> str:
        """Return what people call it: its name, or its external id where it has none."""
        return shown(self.name or self.external_id)

    @property
    def client_key(self) -> str:
        """Return the client's private key in clear; "" when none is stored.

        Raises: SealError when no key of the ring opens it.
        """
        if not self.client_key_sealed:
            return ""
        return settings.SEALING_RING.open(self.client_key_sealed, purpose=client_key_purpose(self.id))

    @client_key.setter
    def client_key(self, value: str) -> None:
        self.client_key_sealed = settings.SEALING_RING.seal(value, purpose=client_key_purpose(self.id)) if value else ""


def client_key_purpose(config_id: uuid.UUID) -> str:
    """Return what ties a sealed client key to its column and row."""
    return f"configs.client_key:{config_id}"
