"""The REST call that renders a profile without storing anything (docs/contract.md#a4)."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bootstrap_project.api.serializers import BodySerializer, ObjectField, TextField
from bootstrap_project.api.viewsets import DomainScopedViewSet
from bootstrap_project.ids import parse_id
from bootstrap_project.rendering.context import BindingContext
from configs.services import get_config
from configs.status import parse_status
from enrollments.previews.profile import Subject, render_preview, stored_subject
from profiles.serializers import WarningSerializer, warnings_of
from profiles.services import get_profile


@extend_schema_field({"type": "string", "pattern": "^(enabled|disabled|0|1)$"})
class StatusField(serializers.JSONField):
    """A status in any of its spellings, numbers too, which the service checks."""


class PreviewConfigBody(BodySerializer):
    """The device that a preview is rendered for."""

    id = TextField()
    external_id = TextField()
    render_context = ObjectField()
    status = StatusField(required=False, allow_null=True, help_text="Checked and otherwise without effect.")

    def to_internal_value(self, data: Any) -> Any:
        """Read null as Go does, as absent variables: those beside the device then count (docs/contract.md#a4)."""
        if isinstance(data, dict) and data.get("render_context") is None:
            data = {name: value for name, value in data.items() if name != "render_context"}
        return super().to_internal_value(data)


class PreviewBindingBody(BodySerializer):
    """A binding that a preview assumes."""

    slot = TextField()
    type = TextField()
    resource_id = TextField()
    snapshot = ObjectField()
    secret_snapshot = ObjectField()


class PreviewBody(BodySerializer):
    """Everything inline, or a stored config by its id."""

    config = PreviewConfigBody(required=False, allow_null=True)
    bindings = PreviewBindingBody(many=True, required=False, allow_null=True)
    render_context = ObjectField(help_text="Used when config has none.")
    config_id = TextField(help_text="A stored config; config and bindings are then ignored, secrets are masked.")


class PreviewSerializer(serializers.Serializer[Any]):
    """The rendered text, and what may go wrong with the template for other devices."""

    content = serializers.CharField(allow_blank=True)
    warnings = WarningSerializer(many=True)


class PreviewViewSet(DomainScopedViewSet):
    """Previews of a profile."""

    operations: ClassVar[dict[str, str]] = {"preview": "preview_profile"}

    @extend_schema(operation_id="previewProfile", request=PreviewBody, responses={200: PreviewSerializer})
    def preview(self, request: Request, domain_id: str, profile_id: str) -> Response:
        """Render a profile for a sample device; nothing is stored."""
        body = self.read_body(PreviewBody)
        profile = get_profile(domain_id=domain_id, profile_id=parse_id(profile_id))
        if body.get("config_id"):
            config = get_config(domain_id=domain_id, config_id=parse_id(body["config_id"]))
            subject = stored_subject(profile, config)
        else:
            subject = _inline_subject(body)
        content = render_preview(profile, subject)
        return Response({"content": content, "warnings": warnings_of(profile)})


def _inline_subject(body: dict[str, Any]) -> Subject:
    config = body.get("config") or {}
    if config.get("status") is not None:
        parse_status(config["status"])
    return Subject(
        id=config.get("id", ""),
        external_id=config.get("external_id", ""),
        render_context=config.get("render_context", body.get("render_context", {})),
        bindings={
            binding.get("slot", ""): BindingContext(
                Type=binding.get("type", ""),
                ID=binding.get("resource_id", ""),
                Snapshot=binding.get("snapshot", {}),
                Secret=binding.get("secret_snapshot", {}),
            )
            for binding in body.get("bindings") or ()
        },
    )
