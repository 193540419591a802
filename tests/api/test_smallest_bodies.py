"""What the API's description allows is taken: the smallest body of every call, and null wherever it stands there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from bootstrap_project.magistrala.sandbox.seed import CLIENT_ID
from tests.support.api import ENDPOINTS
from tests.support.rows import make_config, make_profile

PARAMETERS = {"limit": (1, 100), "offset": (0, 9_223_372_036_854_775_807)}
METHODS = {"get", "put", "post", "patch", "delete"}


@pytest.fixture(scope="module")
def description() -> Any:
    return Client().get("/api/openapi.json").json()


def operations(description: Any) -> Any:
    return [
        (path, method, operation)
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


class Sender:
    """Makes bodies of a schema; `known` are values that name something that is there."""

    def __init__(self, description: Any, known: dict[str, str]) -> None:
        self.schemas = description["components"]["schemas"]
        self.known = known

    def resolved(self, schema: Any) -> Any:
        for reference in (schema, *schema.get("allOf", ())):
            if "$ref" in reference:
                schema = {**schema, **self.schemas[reference["$ref"].rpartition("/")[2]]}
        return schema

    def smallest(self, schema: Any, name: str = "") -> Any:
        schema = self.resolved(schema)
        if name in self.known:
            return self.known[name]
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema["type"]
        if kind == "object":
            members = schema.get("properties", {})
            return {one: self.smallest(members[one], one) for one in schema.get("required", ())}
        if kind == "array":
            return [self.smallest(schema["items"])] * schema.get("minItems", 0)
        return {"string": "x" * schema.get("minLength", 0), "boolean": False, "integer": 0}[kind]

    def with_nulls(self, schema: Any) -> Any:
        """Return the smallest body, and null for everything beside it that may be null."""
        members = self.resolved(schema)["properties"]
        nulls = {one: None for one, member in members.items() if member.get("nullable")}
        return self.smallest(schema) | nulls

    def emptied(self, schema: Any) -> Any:
        """Return the body with the smallest value of every member."""
        members = self.resolved(schema)["properties"]
        return {one: self.smallest(member, one) for one, member in members.items() if one != "status"}


@pytest.mark.parametrize("make", ["smallest", "with_nulls", "emptied"])
@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.takes_a_body], ids=lambda one: one.name)
def test_what_the_description_allows_is_taken(api, description, endpoint, make):
    profile = make_profile(binding_slots=[{"name": "s", "type": "client", "required": False}])
    config = make_config(profile=profile)
    path = endpoint.path.format(config="{config_id}", profile="{profile_id}")
    operation = description["paths"]["/{domain_id}" + path][endpoint.method.lower()]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    known = {"slot": "s", "resource_id": CLIENT_ID, "profile_id": str(profile.pk), "config_id": str(config.pk)}
    sender = Sender(description, known)

    answer = endpoint.send(api, config=config.pk, profile=profile.pk, body=getattr(sender, make)(schema))

    assert answer.status_code < 300, answer.content
    assert operation["requestBody"]["required"] is True


def test_what_cannot_be_left_out_is_required(description):
    required = {
        operation["operationId"]: schema.get("required", [])
        for _path, _method, operation in operations(description)
        if "requestBody" in operation
        for reference in [operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]]
        for schema in [description["components"]["schemas"][reference.rpartition("/")[2]]]
    }

    assert {name: members for name, members in required.items() if members} == {
        "createConfig": ["external_id", "external_key"],
        "createProfile": ["name"],
        "uploadProfile": ["name"],
        "assignProfile": ["profile_id"],
        "bindResources": ["bindings"],
        "setConfigState": ["state"],
    }
    assert description["components"]["schemas"]["BindingRequestBodyRequest"]["required"] == [
        "resource_id",
        "slot",
        "type",
    ]


@pytest.mark.parametrize("name", ["external_id", "external_key"])
def test_what_is_required_is_refused_when_it_is_missing_or_null(api, name):
    body = {"external_id": "x", "external_key": "x"}

    assert api.post("/clients/configs", {one: text for one, text in body.items() if one != name}).status_code == 400
    assert api.post("/clients/configs", body | {name: None}).status_code == 400


def test_every_operation_has_a_summary_and_parameters_have_their_bounds(description):
    assert description["servers"]
    for path, method, operation in operations(description):
        assert operation["summary"], (path, method)
        for parameter in operation.get("parameters", []):
            if parameter["name"] in PARAMETERS:
                schema = parameter["schema"]
                assert (schema["minimum"], schema["maximum"]) == PARAMETERS[parameter["name"]]


def test_null_stands_beside_a_type(description):
    """Beside a reference alone, `nullable` says nothing."""
    for name, schema in description["components"]["schemas"].items():
        for member, described in schema.get("properties", {}).items():
            assert "nullable" not in described or "type" in described, (name, member)


def test_null_changes_no_format(api):
    profile = make_profile(template_format="yaml")

    answer = api.patch(f"/clients/bootstrap/profiles/{profile.pk}", {"template_format": None})

    assert answer.json()["template_format"] == "yaml"
