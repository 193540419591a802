"""The REST calls about configs (docs/contract.md#a2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bootstrap_project.api.viewsets import DomainScopedViewSet, no_content
from bootstrap_project.ids import parse_id
from bootstrap_project.observability.middleware import set_operation
from configs.errors import InvalidConfig
from configs.etags import config_etag
from configs.models import Config, Status
from configs.queries import ConfigQuery, filter_configs
from configs.serializers import (
    CertificatesBody,
    CertificatesSerializer,
    ConfigCreateBody,
    ConfigPageSerializer,
    ConfigSerializer,
    ConfigUpdateBody,
    StateBody,
)
from configs.services import (
    create_config,
    delete_config,
    doubts_about_external_id,
    get_config,
    set_status,
    update_certificates,
    update_config,
)
from profiles.errors import ProfileNotFound

#: The older call's numbers for a state, whose order is not that of statuses elsewhere (docs/contract.md#a1).
_STATUS_OF_STATE = {0: Status.DISABLED, 1: Status.ENABLED}


class ConfigViewSet(DomainScopedViewSet):
    """Configs of one domain."""

    operations: ClassVar[dict[str, str]] = {
        "create": "add",
        "list": "list",
        "retrieve": "view",
        "partial_update": "update",
        "update": "update",
        "destroy": "remove",
        "certificates": "update_cert",
        "enable": "enable_config",
        "disable": "disable_config",
        "set_state": "enable_config",
    }

    @extend_schema(operation_id="createConfig", request=ConfigCreateBody, responses={201: ConfigSerializer})
    def create(self, request: Request, domain_id: str) -> Response:
        """Enrol a device."""
        values = self.read_body(ConfigCreateBody)
        profile_text = values.pop("profile_id", "")
        profile_id = parse_id(profile_text)
        if profile_text and profile_id is None:
            detail = "profile_id: the domain has no profile of this id"
            raise ProfileNotFound(detail, field="profile_id")
        config = create_config(
            domain_id=domain_id,
            external_id=values.pop("external_id", ""),
            external_key=values.pop("external_key", ""),
            profile_id=profile_id,
            values=values,
        )
        # The SDKs take the id from this header by cutting off exactly this prefix (docs/contract.md#a2).
        headers = {"Location": f"/clients/configs/{config.pk}"}
        doubts = doubts_about_external_id(config.external_id, Config.objects.in_domain(domain_id))
        if doubts:
            # The answer's members are fixed (docs/contract.md#k6); a header is there for whoever looks.
            headers["Warning"] = f'299 - "external_id: {"; ".join(doubts)}"'
        return _answer(config, status=201, headers=headers)

    @extend_schema(operation_id="listConfigs", parameters=[ConfigQuery], responses={200: ConfigPageSerializer})
    def list(self, request: Request, domain_id: str) -> Response:
        """List configs, the enabled ones unless asked otherwise."""
        page, wanted = ConfigQuery.read(request.query_params)
        configs = filter_configs(Config.objects.in_domain(domain_id), wanted).order_by("id")
        return Response(page.envelope(configs, member="configs", represent=ConfigSerializer().to_representation))

    @extend_schema(operation_id="viewConfig", responses={200: ConfigSerializer})
    def retrieve(self, request: Request, domain_id: str, config_id: str) -> Response:
        """View a config."""
        return _answer(get_config(domain_id=domain_id, config_id=parse_id(config_id)))

    @extend_schema(operation_id="updateConfig", request=ConfigUpdateBody, responses={200: ConfigSerializer})
    def partial_update(self, request: Request, domain_id: str, config_id: str) -> Response:
        """Change the given members of a config."""
        values = self.read_body(ConfigUpdateBody)
        config = update_config(
            domain_id=domain_id, config_id=parse_id(config_id), values=values, if_match=self.if_match
        )
        return _answer(config)

    @extend_schema(operation_id="putConfig", request=ConfigUpdateBody, responses={200: ConfigSerializer})
    def update(self, request: Request, domain_id: str, config_id: str) -> Response:
        """Do the same for clients that send PUT, as the TypeScript SDK does; what is absent stays there, too."""
        return self.partial_update(request, domain_id, config_id)

    @extend_schema(operation_id="removeConfig", responses={204: None})
    def destroy(self, request: Request, domain_id: str, config_id: str) -> Any:
        """Remove a config and its bindings."""
        delete_config(domain_id=domain_id, config_id=parse_id(config_id), if_match=self.if_match)
        return no_content()

    @extend_schema(operation_id="updateConfigCerts", request=CertificatesBody, responses={200: CertificatesSerializer})
    def certificates(self, request: Request, domain_id: str, config_id: str) -> Response:
        """Change the given certificate members of a config."""
        values = self.read_body(CertificatesBody)
        config = update_certificates(
            domain_id=domain_id, config_id=parse_id(config_id), values=values, if_match=self.if_match
        )
        document = CertificatesSerializer(config, context={"values": values}).data
        return Response(document, headers={"ETag": config_etag(config)})

    @extend_schema(operation_id="enableConfig", request=None, responses={200: ConfigSerializer})
    def enable(self, request: Request, domain_id: str, config_id: str) -> Response:
        """Let the device bootstrap."""
        return self._set_status(config_id, Status.ENABLED)

    @extend_schema(operation_id="disableConfig", request=None, responses={200: ConfigSerializer})
    def disable(self, request: Request, domain_id: str, config_id: str) -> Response:
        """Refuse the device from now on."""
        return self._set_status(config_id, Status.DISABLED)

    # Clients of older services make this call, such as the TypeScript SDK (0.17).
    @extend_schema(operation_id="setConfigState", request=StateBody, responses={200: ConfigSerializer}, deprecated=True)
    def set_state(self, request: Request, domain_id: str, config_id: str) -> Response:
        """Enable a config (`state` 1) or disable it (0); newer clients call `enable` and `disable`."""
        values = self.read_body(StateBody)
        if "state" not in values:
            raise InvalidConfig("invalid status", "state must be 0 (disabled) or 1 (enabled)")
        status = _STATUS_OF_STATE[values["state"]]
        set_operation(request, "enable_config" if status == Status.ENABLED else "disable_config")
        return self._set_status(config_id, status)

    def _set_status(self, config_id: str, status: Status) -> Response:
        config = set_status(
            domain_id=self.domain_id, config_id=parse_id(config_id), status=status, if_match=self.if_match
        )
        return _answer(config)


def _answer(config: Config, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    tagged = {**(headers or {}), "ETag": config_etag(config)}
    return Response(ConfigSerializer(config).data, status=status, headers=tagged)
