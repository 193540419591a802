"""The shapes of configs in bodies and answers (docs/contract.md#a1, #a2 and #k6)."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from bootstrap_project.api.serializers import (
    BodySerializer,
    Member,
    ObjectField,
    PageSerializer,
    RowSerializer,
    TextField,
    format_time_or_none,
    id_text,
)
from bootstrap_project.database.constraints import NAME_LENGTH
from configs.models import Config, Status


class ConfigCreateBody(BodySerializer):
    """What a caller may send to enrol a device; id and status are ours to give."""

    needed: ClassVar = ("external_id", "external_key")

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

    needed: ClassVar = ("state",)

    state = serializers.ChoiceField(
        choices=(0, 1), required=False, error_messages={"invalid_choice": "must be 0 (disabled) or 1 (enabled)"}
    )


class CertificatesBody(BodySerializer):
    """The certificate members; absent ones stay as they are."""

    client_cert = TextField()
    client_key = TextField()
    ca_cert = TextField()


class ConfigSerializer(RowSerializer):
    """A config as it is answered: every member always, `client_key` always empty (docs/contract.md#k6)."""

    members: ClassVar[Mapping[str, Member]] = {
        "id": Member(serializers.UUIDField(), lambda config: str(config.pk)),
        "domain_id": Member(serializers.CharField(), attrgetter("domain_id")),
        "external_id": Member(serializers.CharField(), attrgetter("external_id")),
        "name": Member(serializers.CharField(allow_blank=True), attrgetter("name")),
        "status": Member(serializers.ChoiceField(choices=Status.choices), lambda config: str(config.status)),
        "profile_id": Member(serializers.CharField(allow_blank=True), lambda config: id_text(config.profile_id)),
        "render_context": Member(serializers.DictField(), attrgetter("render_context")),
        "content": Member(serializers.CharField(allow_blank=True), attrgetter("content")),
        "client_cert": Member(serializers.CharField(allow_blank=True), attrgetter("client_cert")),
        "client_key": Member(
            serializers.CharField(allow_blank=True, help_text='Write-only: always "" here.'), lambda _config: ""
        ),
        "ca_cert": Member(serializers.CharField(allow_blank=True), attrgetter("ca_cert")),
        "first_bootstrap_at": Member(
            serializers.DateTimeField(allow_null=True, help_text="When it first got a configuration."),
            lambda config: format_time_or_none(config.first_bootstrap_at),
        ),
        "last_bootstrap_at": Member(
            serializers.DateTimeField(allow_null=True, help_text="When it last called with its key."),
            lambda config: format_time_or_none(config.last_bootstrap_at),
        ),
        "last_bootstrap_outcome": Member(
            serializers.CharField(allow_blank=True, help_text="What became of that call."),
            attrgetter("last_bootstrap_outcome"),
        ),
        "last_bootstrap_profile_version": Member(
            serializers.IntegerField(
                allow_null=True,
                help_text="The version of the profile that it was given last; null without a profile.",
            ),
            attrgetter("last_bootstrap_profile_version"),
        ),
    }


# Otherwise the API's description takes an answer to `list` for a list of these.
@extend_schema_serializer(many=False)
class ConfigPageSerializer(PageSerializer):
    """A page of configs."""

    configs = ConfigSerializer(many=True)


class CertificatesSerializer(serializers.Serializer[Config]):
    """Answers a change of certificates, with the client's key where the request carried it (docs/contract.md#k22).

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
