"""The shapes of configs in bodies and answers (contract A.1, A.2 and K6)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from bootstrap_project.api.serializers import BodySerializer, ObjectField, PageSerializer, TextField, format_time
from bootstrap_project.database.constraints import NAME_LENGTH
from configs.models import Config, Status


class ConfigCreateBody(BodySerializer):
    """What a caller may send to enrol a device; id and status are ours to give."""

    external_id = TextField(help_text="What the device presents; unique over all domains.")
    external_key = TextField(help_text="The device's secret; only its hash is stored.")
    name = TextField(max_length=NAME_LENGTH)
    content = TextField()
    profile_id = TextField()
    render_context = ObjectField()
    client_cert = TextField()
    client_key = TextField()
    ca_cert = TextField()


class ConfigUpdateBody(BodySerializer):
    """What PATCH may change; absent members stay as they are."""

    name = TextField(max_length=NAME_LENGTH)
    content = TextField()
    render_context = ObjectField()


class StateBody(BodySerializer):
    """What older clients send to enable (1) or disable (0)."""

    state = serializers.ChoiceField(choices=(0, 1), required=False)


class CertificatesBody(BodySerializer):
    """The certificate members; absent ones stay as they are."""

    client_cert = TextField()
    client_key = TextField()
    ca_cert = TextField()


class ConfigSerializer(serializers.Serializer[Config]):
    """A config as it is answered: every member always, `client_key` always empty (contract K6)."""

    id = serializers.UUIDField()
    domain_id = serializers.CharField()
    external_id = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=Status.choices)
    profile_id = serializers.CharField(allow_blank=True)
    render_context = serializers.DictField()
    content = serializers.CharField(allow_blank=True)
    client_cert = serializers.CharField(allow_blank=True)
    client_key = serializers.CharField(allow_blank=True, help_text='Write-only: always "" here.')
    ca_cert = serializers.CharField(allow_blank=True)
    first_bootstrap_at = serializers.DateTimeField(allow_null=True, help_text="When it first got a configuration.")
    last_bootstrap_at = serializers.DateTimeField(allow_null=True, help_text="When it last called with its key.")
    last_bootstrap_outcome = serializers.CharField(allow_blank=True, help_text="What became of that call.")
    last_bootstrap_profile_version = serializers.IntegerField(
        allow_null=True, help_text="The version of the profile that it was given last; null without a profile."
    )

    def to_representation(self, instance: Config) -> dict[str, Any]:
        """Return the answer's members."""
        return {
            "id": str(instance.pk),
            "domain_id": instance.domain_id,
            "external_id": instance.external_id,
            "name": instance.name,
            "status": str(instance.status),
            "profile_id": str(instance.profile_id) if instance.profile_id else "",
            "render_context": instance.render_context,
            "content": instance.content,
            "client_cert": instance.client_cert,
            "client_key": "",
            "ca_cert": instance.ca_cert,
            "first_bootstrap_at": _time(instance.first_bootstrap_at),
            "last_bootstrap_at": _time(instance.last_bootstrap_at),
            "last_bootstrap_outcome": instance.last_bootstrap_outcome,
            "last_bootstrap_profile_version": instance.last_bootstrap_profile_version,
        }


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


# Otherwise the API's description takes an answer to `list` for a list of these.
@extend_schema_serializer(many=False)
class ConfigPageSerializer(PageSerializer):
    """A page of configs."""

    configs = ConfigSerializer(many=True)


class CertificatesSerializer(serializers.Serializer[Config]):
    """The answer to a change of certificates: the client's key is in it where the request carried it (contract K22).

    It is told as it was sent, `context["values"]`, so that whoever may write a key does not read the one that is there.
    """

    id = serializers.UUIDField()
    client_cert = serializers.CharField(required=False)
    client_key = serializers.CharField(required=False)
    ca_cert = serializers.CharField(required=False)

    def to_representation(self, instance: Config) -> dict[str, Any]:
        """Return the id and what is not empty."""
        document = {
            "id": str(instance.pk),
            "client_cert": instance.client_cert,
            "client_key": self.context["values"].get("client_key", ""),
            "ca_cert": instance.ca_cert,
        }
        return {name: member for name, member in document.items() if member}
