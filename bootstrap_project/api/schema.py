"""What the generated API description needs beyond what the views say."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension

_ERROR: Final = {
    "type": "object",
    "required": ["message", "request_id"],
    "properties": {
        "message": {"type": "string", "description": "What went wrong, in words that do not change."},
        "error": {"type": "string", "description": "Where, and what to do."},
        "request_id": {"type": "string", "description": "Also in the X-Request-ID header; operators look it up by it."},
    },
}
_NOT_EMPTY: Final = {"string": "minLength", "array": "minItems"}
_IF_MATCH: Final = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` of what the change rests on, several of them, or `*`; 412 when none is that of now.",
}
_ETAG: Final = {"ETag": {"schema": {"type": "string"}, "description": "Names what operators have written."}}
#: What may rest on what was read before.
_CONDITIONAL: Final = frozenset(
    {
        *("updateConfig", "putConfig", "removeConfig", "updateConfigCerts", "enableConfig", "disableConfig"),
        *("setConfigState", "updateProfile", "deleteProfile", "assignProfile", "bindResources", "refreshBindings"),
    }
)
#: What answers an entity tag.
_TAGGED: Final = frozenset(
    {
        *("createConfig", "viewConfig", "updateConfig", "putConfig", "updateConfigCerts", "enableConfig"),
        *("disableConfig", "setConfigState", "createProfile", "uploadProfile", "viewProfile", "updateProfile"),
    }
)
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})


class OperatorScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How operators authenticate."""

    target_class = "bootstrap_project.api.authentication.OperatorAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A Magistrala access token or personal access token of a member of the path's domain.",
        }


class BodyDescription(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """What the services want of a body beyond what its serializer checks."""

    target_class = "bootstrap_project.api.serializers.BodySerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # noqa: SLF001
        members = schema.get("properties", {})
        for name in {*self.target.needed, *self.target.never_empty}:
            members[name].pop("nullable", None)
            limit = _NOT_EMPTY.get(members[name].get("type", ""))
            if limit and "enum" not in members[name]:
                members[name][limit] = 1
        for member in members.values():
            if member.get("nullable"):
                # Beside a reference it says nothing without one.
                member.setdefault("type", "object")
        if self.target.needed:
            schema["required"] = sorted(self.target.needed)
        return schema


def one_path_per_resource(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Return `endpoints` without the optional slash at the end of some paths."""
    return [(path.rstrip("/") or "/", regex, method, callback) for path, regex, method, callback in endpoints]


def add_what_all_have(result: dict[str, Any], generator: Any, request: Any, public: Any) -> dict[str, Any]:
    """Return the description with summaries, conditions, bodies that have to be there, and the address."""
    del generator, request, public
    result["servers"] = [{"url": settings.URL_PREFIX or "/", "description": "Where this description comes from."}]
    for path in result.get("paths", {}).values():
        for method, operation in path.items():
            if method not in _METHODS:
                continue
            operation.setdefault("summary", operation["description"].partition("\n")[0].rstrip("."))
            name = operation["operationId"]
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
            if name in _CONDITIONAL:
                operation.setdefault("parameters", []).append(_IF_MATCH)
            if name in _TAGGED:
                for answer in operation["responses"].values():
                    answer["headers"] = _ETAG
    return result


def add_error_responses(result: dict[str, Any], generator: Any, request: Any, public: Any) -> dict[str, Any]:
    """Return the description with the error envelope as the answer to everything that is not described otherwise."""
    del generator, request, public
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = _ERROR
    reference = {
        "description": "An error; every one has this body.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for path in result.get("paths", {}).values():
        for method, operation in path.items():
            if method in _METHODS:
                operation["responses"]["default"] = reference
    return result
