"""A call that clients of older services make, such as the TypeScript SDK (0.17): an old name for the same rules."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bootstrap_project.observability.middleware import set_operation
from configs.errors import InvalidConfig
from configs.models import Status
from configs.serializers import ConfigSerializer, StateBody
from configs.views import ConfigViewSet

#: The numbers of the call for a state, whose order is not that of statuses elsewhere (docs/contract.md#a1).
_STATUS_OF_STATE = {0: Status.DISABLED, 1: Status.ENABLED}


class ConfigStateViewSet(ConfigViewSet):
    """The state of a config, which is its status under another name."""

    operations: ClassVar[dict[str, str]] = {"set_state": "enable_config"}

    @extend_schema(operation_id="setConfigState", request=StateBody, responses={200: ConfigSerializer}, deprecated=True)
    def set_state(self, request: Request, domain_id: str, config_id: str) -> Response:
        """Enable a config (`state` 1) or disable it (0); newer clients call `enable` and `disable`."""
        values = self.read_body(StateBody)
        if "state" not in values:
            raise InvalidConfig("invalid status", "state must be 0 (disabled) or 1 (enabled)")
        status = _STATUS_OF_STATE[values["state"]]
        set_operation(request, "enable_config" if status == Status.ENABLED else "disable_config")
        return self._set_status(config_id, status)
