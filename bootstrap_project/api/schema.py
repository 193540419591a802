"""What the generated API description needs beyond what the views say."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension

_ERROR: Final = {
    "type": "object",
    "required": ["message", "request_id"],
    "properties": {
        "message": {"type": "string", "description": "What went wrong, in words that do not change."},
        "error": {"type": "string", "description": "Where, and what to do."},
        "request_id": {"type": "string", "description": "Also in the X-Request-ID header; operators look it up by it."},
    },
}
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


def one_path_per_resource(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Return `endpoints` without the optional slash at the end of some paths."""
    return [(path.rstrip("/") or "/", regex, method, callback) for path, regex, method, callback in endpoints]


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
