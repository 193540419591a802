"""Domain membership as a permission: a second look at what authentication decided, and what changes ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from bootstrap_project.api.messages import DENIED
from bootstrap_project.api.operators import Operator
from bootstrap_project.api.operators_errors import NotAuthorized

if TYPE_CHECKING:
    # DRF's views import this module by its name in the settings, before they are complete themselves.
    from rest_framework.views import APIView


class IsDomainMember(BasePermission):
    """Allows operators of the very domain that the path names, and nobody else."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the decision at hand is about the path's domain.

        Raises: NotAuthorized for any method but reading ones when OPERATOR_WRITE_ACTION names an action that the role
        in the domain lacks.
        """
        operator = request.user
        if not isinstance(operator, Operator) or operator.domain_id != view.kwargs.get("domain_id"):
            return False
        action = settings.OPERATOR_WRITE_ACTION
        if action and request.method not in SAFE_METHODS and not operator.may(action):
            raise NotAuthorized(DENIED, f"changes need a role in the domain that allows the action {action}")
        return True
