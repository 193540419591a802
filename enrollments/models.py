"""Binding snapshots: what a config's slots are bound to, as last read from Magistrala."""

from __future__ import annotations

import json
import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from bootstrap_project.database.constraints import PLATFORM_ID_LENGTH
from bootstrap_project.database.json import ExactFloatEncoder
from bootstrap_project.slots import RESOURCE_KINDS, SLOT_NAME_LENGTH
from configs.models import Config


class ConnectionState(models.TextChoices):
    """What is known of a channel's connection to the config's own id (docs/contract.md#k1)."""

    UNKNOWN = "", "not asked"
    CONNECTED = "connected", "connected"
    NO_SUCH_CLIENT = "no-such-client", "the platform has no client of the config's id"


class BindingSnapshotQuerySet(models.QuerySet["BindingSnapshot"]):
    """Questions about bindings; `in_domain` is the only door for operators."""

    def in_domain(self, domain_id: str) -> Self:
        return self.filter(config__domain_id=domain_id)


class BindingSnapshot(models.Model):
    """A slot of a config joined to a resource, with our copy of it; the secret part is sealed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    config = models.ForeignKey(Config, on_delete=models.CASCADE, related_name="bindings")
    slot = models.CharField(max_length=SLOT_NAME_LENGTH)
    type = models.CharField(max_length=8, choices=[(name, name) for name in RESOURCE_KINDS])
    resource_id = models.CharField(max_length=PLATFORM_ID_LENGTH)
    snapshot = models.JSONField(default=dict, blank=True, encoder=ExactFloatEncoder)
    secret_sealed = models.TextField(blank=True, default="", editable=False)
    connection = models.CharField(
        max_length=16, choices=ConnectionState.choices, blank=True, default=ConnectionState.UNKNOWN, editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField()

    objects = models.Manager.from_queryset(BindingSnapshotQuerySet)()

    class Meta:
        ordering = ("config_id", "slot")
        verbose_name = "binding"
        constraints = (
            models.UniqueConstraint(fields=("config", "slot"), name="enrollments_binding_slot_unique"),
            models.CheckConstraint(condition=Q(type__in=[*RESOURCE_KINDS]), name="enrollments_binding_type_known"),
            models.CheckConstraint(condition=~Q(slot=""), name="enrollments_binding_slot_not_empty"),
            models.CheckConstraint(condition=~Q(resource_id=""), name="enrollments_binding_resource_not_empty"),
        )
        indexes = (models.Index(fields=("type", "resource_id"), name="enrollments_binding_resource"),)

    def __str__(self) -> str:
        return f"{self.slot} → {self.type} {self.resource_id}"

    def __repr__(self) -> str:
        """Return the row's identity; nothing of the secret."""
        return f"<BindingSnapshot {self.config_id} {self.slot}>"

    @property
    def secret_snapshot(self) -> dict[str, Any]:
        """Return the secret part in clear; only rendering and comparing on refresh read it.

        Raises: SealError when no key of the ring opens it.
        """
        return open_secret_snapshot(self.secret_sealed, config_id=self.config_id, slot=self.slot)

    @secret_snapshot.setter
    def secret_snapshot(self, value: dict[str, Any]) -> None:
        self.secret_sealed = seal_secret_snapshot(value, config_id=self.config_id, slot=self.slot)


class Enrollment(Config):
    """A config seen as what is assigned to it and bound on it."""

    class Meta:
        proxy = True
        verbose_name = "enrollment"
        permissions = (
            ("preview_enrollment", "Can see what a device would get, with its secrets masked"),
            ("reveal_secrets", "Can see a device's secrets in its preview"),
        )


def seal_secret_snapshot(secret: dict[str, Any], *, config_id: uuid.UUID | str, slot: str) -> str:
    """Return `secret` sealed for one slot of one config; "" for an empty one."""
    if not secret:
        return ""
    text = json.dumps(secret, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return settings.SEALING_RING.seal(text, purpose=_purpose(config_id, slot))


def open_secret_snapshot(sealed: str, config_id: uuid.UUID | str, slot: str) -> dict[str, Any]:
    """Return what `seal_secret_snapshot` sealed for the same slot and config.

    Raises: SealError when the text was altered, moved or sealed under an unknown key.
    """
    if not sealed:
        return {}
    opened: dict[str, Any] = json.loads(settings.SEALING_RING.open(sealed, purpose=_purpose(config_id, slot)))
    return opened


def _purpose(config_id: uuid.UUID | str, slot: str) -> str:
    return f"enrollments.secret_snapshot:{config_id}:{slot}"
