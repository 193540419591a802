"""Domain membership as a permission: a second look at what authentication decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from bootstrap_project.api.operators import Operator

if TYPE_CHECKING:
    # DRF's views import this module by its name in the settings, before they are complete themselves.
    from rest_framework.views import APIView


class IsDomainMember(BasePermission):
    """Allows operators of the very domain that the path names, and nobody else."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the decision at hand is about the path's domain."""
        return isinstance(request.user, Operator) and request.user.domain_id == view.kwargs.get("domain_id")
