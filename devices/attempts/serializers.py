"""The shape of attempts in answers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from bootstrap_project.api.serializers import PageSerializer, format_time
from devices.models import BootstrapAttempt


class AttemptSerializer(serializers.Serializer[BootstrapAttempt]):
    """One call of a device and what became of it."""

    at = serializers.DateTimeField()
    variant = serializers.CharField(help_text="plain, secure or keyless: which endpoint was called.")
    outcome = serializers.CharField(help_text="ok, static, not_modified, probed (HEAD), or why there was none.")
    status = serializers.IntegerField(help_text="The answer's HTTP status.")
    error_id = serializers.CharField(allow_blank=True, help_text="The `request_id` that the device was told.")
    profile_id = serializers.CharField(allow_blank=True)
    profile_version = serializers.IntegerField(allow_null=True)
    etag = serializers.CharField(allow_blank=True)
    duration_seconds = serializers.FloatField()
    source = serializers.CharField(allow_blank=True, help_text="The address that asked.")  # type: ignore[assignment]
    user_agent = serializers.CharField(allow_blank=True)

    def to_representation(self, instance: BootstrapAttempt) -> dict[str, Any]:
        """Return the answer's members."""
        return {
            "at": format_time(instance.at),
            "variant": instance.variant,
            "outcome": instance.outcome,
            "status": instance.status,
            "error_id": instance.error_id,
            "profile_id": str(instance.profile_id) if instance.profile_id else "",
            "profile_version": instance.profile_version,
            "etag": instance.etag,
            "duration_seconds": instance.duration,
            "source": instance.source,
            "user_agent": instance.user_agent,
        }


# Otherwise the API's description takes an answer to `list` for a list of these.
@extend_schema_serializer(many=False)
class AttemptPageSerializer(PageSerializer):
    """A page of attempts, newest first."""

    attempts = AttemptSerializer(many=True)
