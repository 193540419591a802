"""The REST call about what a device fetched."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bootstrap_project.api.queries import PageQuery
from bootstrap_project.api.viewsets import DomainScopedViewSet
from bootstrap_project.ids import parse_id
from configs.services import get_config
from devices.attempts.serializers import AttemptPageSerializer, AttemptSerializer
from devices.models import BootstrapAttempt


class AttemptViewSet(DomainScopedViewSet):
    """The attempts on a config of one domain."""

    operations: ClassVar[dict[str, str]] = {"list": "list_attempts"}

    @extend_schema(operation_id="listConfigAttempts", parameters=[PageQuery], responses={200: AttemptPageSerializer})
    def list(self, request: Request, domain_id: str, config_id: str) -> Response:
        """List what a device was answered, newest first; calls of the last second may still be missing."""
        page, _wanted = PageQuery.read(request.query_params)
        config = get_config(domain_id=domain_id, config_id=parse_id(config_id))
        attempts = BootstrapAttempt.objects.in_domain(domain_id).of_config(config.pk)
        represent = AttemptSerializer().to_representation
        return Response(page.envelope(attempts, member="attempts", represent=represent))
