"""The four calls on enrollments (docs/contract.md#a5)."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bootstrap_project.api.viewsets import DomainScopedViewSet, no_content
from bootstrap_project.ids import parse_id
from bootstrap_project.magistrala.factory import get_client
from configs.etags import config_etag
from configs.models import Config
from configs.services import get_config
from enrollments.binding.bind import BindingRequest, bind_resources
from enrollments.refresh.run_one import refresh_bindings
from enrollments.serializers import BindingRequestsBody, BindingsSerializer, ProfileAssignmentBody
from enrollments.services import assign_profile, list_bindings

_PATH = [
    OpenApiParameter("domain_id", OpenApiTypes.STR, OpenApiParameter.PATH, description="The domain."),
    OpenApiParameter("config_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The config."),
]


class EnrollmentViewSet(DomainScopedViewSet):
    """What a config is assigned to and bound to."""

    operations: ClassVar[dict[str, str]] = {
        "assign": "assign_profile",
        "bind": "bind_resources",
        "bindings": "list_bindings",
        "refresh": "refresh_bindings",
    }

    @extend_schema(
        operation_id="assignProfile",
        tags=["enrollments"],
        summary="Assign a profile to a config",
        parameters=_PATH,
        request=ProfileAssignmentBody,
        responses={204: OpenApiResponse(description="Assigned; bindings stay as they are.")},
    )
    def assign(self, request: Request, domain_id: str, config_id: str) -> HttpResponse:
        """Assign a profile of the domain to the config."""
        body = self.read_body(ProfileAssignmentBody)
        assign_profile(
            config=_enrollment(domain_id, config_id),
            profile_id=body.get("profile_id", ""),
            if_match=self.if_match,
        )
        return no_content()

    @extend_schema(
        operation_id="bindResources",
        tags=["enrollments"],
        summary="Bind resources to slots",
        parameters=_PATH,
        request=BindingRequestsBody,
        responses={
            204: OpenApiResponse(description="All bound, their channels connected, and their snapshots stored.")
        },
    )
    def bind(self, request: Request, domain_id: str, config_id: str) -> HttpResponse:
        """Bind clients and channels to slots of the config's profile: all of them, or none.

        Slots that are not listed keep what they have. Each bound channel is connected to every client that is bound
        on the config. A call that failed can be repeated.
        """
        body = self.read_body(BindingRequestsBody)
        wishes = [
            BindingRequest(
                slot=wish.get("slot", ""), type=wish.get("type", ""), resource_id=wish.get("resource_id", "")
            )
            for wish in body.get("bindings") or ()
        ]
        bind_resources(
            config=_enrollment(domain_id, config_id),
            requests=wishes,
            magistrala=get_client(),
            token=self.token,
            if_match=self.if_match,
        )
        return no_content()

    @extend_schema(
        operation_id="listBindings",
        tags=["enrollments"],
        summary="List the bindings of a config",
        parameters=_PATH,
        responses={200: BindingsSerializer},
    )
    def bindings(self, request: Request, domain_id: str, config_id: str) -> Response:
        """List the bindings of the config by slot, with the open part of their snapshots."""
        stored = list_bindings(config=_enrollment(domain_id, config_id))
        return Response(BindingsSerializer({"bindings": stored}).data)

    @extend_schema(
        operation_id="refreshBindings",
        tags=["enrollments"],
        summary="Refresh the bindings of a config",
        parameters=_PATH,
        request=None,
        responses={204: OpenApiResponse(description="All snapshots are those of now.")},
    )
    def refresh(self, request: Request, domain_id: str, config_id: str) -> HttpResponse:
        """Read every bound resource again and replace the snapshots that differ: all of them, or none."""
        config = _enrollment(domain_id, config_id)
        if self.if_match is not None:
            # A refresh takes over what the platform holds, which is in no tag: the look at the beginning is enough.
            self.if_match.check(config_etag(config))
        refresh_bindings(config=config, magistrala=get_client(), token=self.token)
        return no_content()


def _enrollment(domain_id: str, config_id: str) -> Config:
    return get_config(domain_id=domain_id, config_id=parse_id(config_id), with_profile=True)
