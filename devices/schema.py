"""The device endpoints in the API's description: they are plain views, which the generator does not see."""

from __future__ import annotations

from typing import Any, Final

_ANSWER: Final = {
    "type": "object",
    "required": ["id", "content", "client_cert", "client_key", "ca_cert"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "The config's id."},
        "content": {"type": "string", "description": "The rendered profile, or the config's own content without one."},
        "client_cert": {"type": "string"},
        "client_key": {"type": "string"},
        "ca_cert": {"type": "string"},
    },
}
_EXTERNAL_ID: Final = {"in": "path", "name": "external_id", "required": True, "schema": {"type": "string"}}
_IF_NONE_MATCH: Final = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` of the configuration that the device has; 304 when it is still the same.",
}
_HEADERS: Final = {
    "ETag": {"schema": {"type": "string"}, "description": "Names this very configuration."},
    "X-Profile-Version": {
        "schema": {"type": "integer"},
        "description": "The version of the profile; absent where none is assigned.",
    },
}
_ERROR: Final = {
    "description": "An error; every one has this body.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def add_device_operations(result: dict[str, Any], generator: Any, request: Any, public: Any) -> dict[str, Any]:
    """Return the description with the three device endpoints in it."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["DeviceConfiguration"] = _ANSWER
    components.setdefault("securitySchemes", {})["externalKey"] = {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Client <external key>`; on the secure endpoint the key encrypted, in hexadecimal.",
    }
    plain = {"application/json": {"schema": {"$ref": "#/components/schemas/DeviceConfiguration"}}}
    encrypted = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    result["paths"]["/clients/bootstrap/{external_id}"] = _operation(
        "bootstrap", "Bootstrap by external id.", [_EXTERNAL_ID], plain
    )
    result["paths"]["/clients/bootstrap/"] = _operation("bootstrapByKey", "Bootstrap by external key alone.", [], plain)
    result["paths"]["/clients/bootstrap/secure/{external_id}"] = _operation(
        "bootstrapSecure", "Bootstrap with an encrypted key and an encrypted answer.", [_EXTERNAL_ID], encrypted
    )
    return result


def _operation(
    operation_id: str, summary: str, parameters: list[dict[str, Any]], content: dict[str, Any]
) -> dict[str, Any]:
    return {
        "get": {
            "operationId": operation_id,
            "summary": summary.rstrip("."),
            "description": summary,
            "tags": ["devices"],
            "parameters": [*parameters, _IF_NONE_MATCH],
            "security": [{"externalKey": []}],
            "responses": {
                "200": {"description": "", "headers": _HEADERS, "content": content},
                "304": {"description": "The device has this configuration already.", "headers": _HEADERS},
                "default": _ERROR,
            },
        }
    }
