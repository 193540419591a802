"""The REST calls about profiles (docs/contract.md#a4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bootstrap_project.api.parsers import UPLOAD_PARSERS
from bootstrap_project.api.queries import PageQuery, TextParameter
from bootstrap_project.api.viewsets import DomainScopedViewSet, no_content
from bootstrap_project.database.constraints import NAME_LENGTH
from bootstrap_project.diagnostics import Diagnostic
from bootstrap_project.documents.kinds import KINDS
from bootstrap_project.ids import parse_id
from profiles.etags import profile_etag
from profiles.ignored import ignored_members
from profiles.models import Profile
from profiles.serializers import (
    ProfileBody,
    ProfileCreateBody,
    ProfilePageSerializer,
    ProfileSerializer,
    SavedProfileSerializer,
    SlotsSerializer,
    shown_warnings,
)
from profiles.services import create_profile, delete_profile, get_profile, update_profile


class ProfileQuery(PageQuery):
    """What a list of profiles takes."""

    name = TextParameter(help_text="A part of the name, in any case.")


class ProfileViewSet(DomainScopedViewSet):
    """Profiles of one domain."""

    operations: ClassVar[dict[str, str]] = {
        "create": "create_profile",
        "list": "list_profiles",
        "retrieve": "view_profile",
        "slots": "view_profile",
        "partial_update": "update_profile",
        "destroy": "delete_profile",
    }

    @extend_schema(operation_id="createProfile", request=ProfileCreateBody, responses={201: SavedProfileSerializer})
    def create(self, request: Request, domain_id: str) -> Response:
        """Create a profile."""
        return self._created(create_profile(domain_id=domain_id, values=self.read_body(ProfileCreateBody)))

    @extend_schema(operation_id="listProfiles", parameters=[ProfileQuery], responses={200: ProfilePageSerializer})
    def list(self, request: Request, domain_id: str) -> Response:
        """List profiles, the newest first."""
        page, wanted = ProfileQuery.read(request.query_params)
        profiles = Profile.objects.in_domain(domain_id).order_by("-created_at", "-id")
        if name := wanted["name"]:
            # No name is longer, and SQLite refuses patterns of 50,000 bytes.
            profiles = profiles.filter(name__icontains=name) if len(name) <= NAME_LENGTH else profiles.none()
        return Response(page.envelope(profiles, member="profiles", represent=ProfileSerializer().to_representation))

    @extend_schema(operation_id="viewProfile", responses={200: ProfileSerializer})
    def retrieve(self, request: Request, domain_id: str, profile_id: str) -> Response:
        """View a profile."""
        profile = get_profile(domain_id=domain_id, profile_id=parse_id(profile_id))
        return Response(ProfileSerializer(profile).data, headers={"ETag": profile_etag(profile)})

    @extend_schema(operation_id="listProfileSlots", responses={200: SlotsSerializer})
    def slots(self, request: Request, domain_id: str, profile_id: str) -> Response:
        """List the slots that a profile declares."""
        profile = get_profile(domain_id=domain_id, profile_id=parse_id(profile_id))
        return Response({"binding_slots": profile.binding_slots})

    @extend_schema(operation_id="updateProfile", request=ProfileBody, responses={200: SavedProfileSerializer})
    def partial_update(self, request: Request, domain_id: str, profile_id: str) -> Response:
        """Change the given members of a profile and raise its version."""
        values = self.read_body(ProfileBody)
        profile = update_profile(
            domain_id=domain_id, profile_id=parse_id(profile_id), values=values, if_match=self.if_match
        )
        return Response(SavedProfileSerializer(profile).data, headers={"ETag": profile_etag(profile)})

    @extend_schema(operation_id="deleteProfile", responses={204: None})
    def destroy(self, request: Request, domain_id: str, profile_id: str) -> Any:
        """Remove a profile that no config uses."""
        delete_profile(domain_id=domain_id, profile_id=parse_id(profile_id), if_match=self.if_match)
        return no_content()

    @staticmethod
    def _created(profile: Profile, ignored: Iterable[Diagnostic] = ()) -> Response:
        location = f"/{profile.domain_id}/clients/bootstrap/profiles/{profile.pk}"
        headers = {"Location": location, "ETag": profile_etag(profile)}
        data = SavedProfileSerializer(profile).data
        data["warnings"] = shown_warnings(ignored) + data["warnings"]
        return Response(data, status=201, headers=headers)


class ProfileUploadViewSet(ProfileViewSet):
    """Profiles as documents, in each of the kinds."""

    operations: ClassVar[dict[str, str]] = {"upload": "create_profile"}
    parser_classes = UPLOAD_PARSERS  # type: ignore[assignment]

    @extend_schema(operation_id="uploadProfile", request=ProfileCreateBody, responses={201: SavedProfileSerializer})
    def upload(self, request: Request, domain_id: str) -> Response:
        """Create a profile from an uploaded document."""
        document, kind = self.read_document(KINDS.values())
        values = {"template_format": kind.template_format} | ProfileCreateBody.read(document)
        return self._created(create_profile(domain_id=domain_id, values=values), ignored_members(document))
