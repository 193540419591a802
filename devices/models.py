"""Attempts: what became of each call that a device made."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final, Self

from django.db import models
from django.db.models import Q

#: Lengths in characters; longer text is cut.
TEXT_LENGTH: Final = 255
ERROR_ID_LENGTH: Final = 64
ETAG_LENGTH: Final = 128
SOURCE_LENGTH: Final = 64
WORD_LENGTH: Final = 16


class BootstrapAttemptQuerySet(models.QuerySet["BootstrapAttempt"]):
    """Questions about attempts; `in_domain` is the only door for operators."""

    def in_domain(self, domain_id: str) -> Self:
        """Return the attempts on the configs of one domain; calls for unknown ids belong to none."""
        return self.filter(domain_id=domain_id)

    def of_config(self, config_id: uuid.UUID) -> Self:
        """Return the attempts of one device, newest first."""
        return self.filter(config_id=config_id).order_by("-at", "-id")

    def failed(self) -> Self:
        """Return the attempts whose outcome is one of `FAILED`: their statuses, by which they have an index."""
        return self.filter(status__gte=400)

    def older_than(self, moment: datetime) -> Self:
        return self.filter(at__lt=moment)


class BootstrapAttempt(models.Model):
    """One call of a device and its outcome; holds no key and nothing that was rendered.

    The config is no foreign key: an attempt outlives it, and writing one locks nothing. What is noted of a call is the
    field of the same name in `attempts.attempt`; how it is stored, answered and shown is read from here.
    """

    at = models.DateTimeField()
    config_id = models.UUIDField(null=True, blank=True, help_text="Empty while nobody knows the external id.")
    domain_id = models.CharField(max_length=TEXT_LENGTH, blank=True, default="")
    external_id = models.CharField(
        max_length=TEXT_LENGTH, blank=True, default="", help_text="As presented, cut to length."
    )
    path = models.CharField(
        "asked by",
        max_length=TEXT_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text="The path of the call, where it was not the documented one.",
    )
    variant = models.CharField(max_length=WORD_LENGTH, help_text="plain, secure or keyless: which endpoint was called.")
    outcome = models.CharField(
        max_length=WORD_LENGTH, help_text="ok, static, not_modified, probed (HEAD), or why there was none."
    )
    status = models.PositiveSmallIntegerField(help_text="The answer's HTTP status.")
    error_id = models.CharField(
        max_length=ERROR_ID_LENGTH, blank=True, default="", help_text="The request_id that the device was told."
    )
    profile_id = models.UUIDField(null=True, blank=True)
    profile_version = models.PositiveIntegerField(null=True, blank=True)
    etag = models.CharField(max_length=ETAG_LENGTH, blank=True, default="")
    duration = models.FloatField(help_text="Seconds.")
    source = models.CharField(max_length=SOURCE_LENGTH, blank=True, default="", help_text="The address that asked.")
    user_agent = models.CharField(max_length=TEXT_LENGTH, blank=True, default="")

    objects = models.Manager.from_queryset(BootstrapAttemptQuerySet)()

    class Meta:
        ordering = ("-at", "-id")
        indexes = (
            # Retention deletes from its one end, lists of everything begin at the other.
            models.Index(fields=("at", "id"), name="devices_attempt_by_time"),
            models.Index(
                fields=("config_id", "at", "id"), condition=Q(config_id__isnull=False), name="devices_attempt_by_config"
            ),
            models.Index(
                fields=("domain_id", "at", "id"), condition=~Q(domain_id=""), name="devices_attempt_by_domain"
            ),
            models.Index(fields=("at", "id"), condition=Q(status__gte=400), name="devices_attempt_failed"),
            models.Index(fields=("error_id",), condition=~Q(error_id=""), name="devices_attempt_error_id"),
            # Of known devices the config leads to the attempts.
            models.Index(
                fields=("external_id", "at"), condition=Q(config_id__isnull=True), name="devices_attempt_unknown_id"
            ),
        )

    def __str__(self) -> str:
        return f"{self.external_id or 'a device'}: {self.outcome}, {self.at:%Y-%m-%d %H:%M:%S}"


#: All columns but the row's own id, from which rows are written, answered and shown.
COLUMNS: Final = tuple(column for column in BootstrapAttempt._meta.fields if not column.primary_key)  # noqa: SLF001
