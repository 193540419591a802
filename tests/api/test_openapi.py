"""The API's description: valid, complete, true of real answers, and readable without the Internet."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from bootstrap_project.magistrala.sandbox.seed import CLIENT_ID
from tests.support.api import ENDPOINTS
from tests.support.rows import make_binding, make_config, make_profile

OPERATIONS = {
    "create config": "createConfig",
    "list configs": "listConfigs",
    "view config": "viewConfig",
    "update config": "updateConfig",
    "update config by PUT": "putConfig",
    "set state": "setConfigState",
    "remove config": "removeConfig",
    "update certs": "updateConfigCerts",
    "enable config": "enableConfig",
    "disable config": "disableConfig",
    "list attempts": "listConfigAttempts",
    "create profile": "createProfile",
    "upload profile": "uploadProfile",
    "list profiles": "listProfiles",
    "view profile": "viewProfile",
    "list slots": "listProfileSlots",
    "preview": "previewProfile",
    "update profile": "updateProfile",
    "remove profile": "deleteProfile",
    "assign profile": "assignProfile",
    "bind": "bindResources",
    "list bindings": "listBindings",
    "refresh bindings": "refreshBindings",
}


#: What is described beside the operators' calls.
DEVICES_CALLS = {
    ("GET", "/clients/bootstrap/"),
    ("GET", "/clients/bootstrap/{external_id}"),
    ("GET", "/clients/bootstrap/secure/{external_id}"),
}


@pytest.fixture
def description(db):
    answer = Client().get("/api/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def test_the_description_is_valid(description):
    validate_schema(description)
    assert description["openapi"].startswith("3.")


def test_the_description_exists_as_yaml_too(db):
    answer = Client().get("/api/openapi.yaml")

    assert answer.status_code == 200
    assert b"listConfigs" in b"".join(answer) if answer.streaming else b"listConfigs" in answer.content


def test_every_operation_is_described_once_and_nothing_else(description):
    described = {
        (method.upper(), re.sub(r"{domain_id}|{config_id}|{profile_id}", "*", path)): operation["operationId"]
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if method in {"get", "put", "post", "patch", "delete"}
    }

    expected = {
        (endpoint.method, "/*" + endpoint.path.format(config="*", profile="*")): OPERATIONS[endpoint.name]
        for endpoint in ENDPOINTS
    }
    assert {key: value for key, value in described.items() if key in expected} == expected
    assert described.keys() - expected.keys() == DEVICES_CALLS


def test_every_parameter_of_a_path_is_described(description):
    for path, item in description["paths"].items():
        for method, operation in item.items():
            if method == "parameters":
                continue
            named = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), (method, path)


def json_schema(described):
    """The same schema in JSON Schema's own words: it knows no `nullable`, but a second type."""
    if isinstance(described, list):
        return [json_schema(item) for item in described]
    if not isinstance(described, dict):
        return described
    translated = {name: json_schema(member) for name, member in described.items()}
    if translated.get("nullable") is True and isinstance(translated.get("type"), str):
        translated["type"] = [translated["type"], "null"]
    return translated


@pytest.fixture
def check(description):
    """Validate an answer against what is described for its operation and status."""
    operations = {
        operation["operationId"]: operation
        for item in description["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    }

    def checking(name, answer):
        responses = operations[OPERATIONS[name]]["responses"]
        described = responses.get(str(answer.status_code))
        if described is None:
            assert answer.status_code >= 400, f"{answer.status_code} of {name} is not described"
            described = responses["default"]
        if not described.get("content"):
            assert answer.content == b""
            return
        schema = described["content"]["application/json"]["schema"]
        validator = Draft202012Validator(json_schema({**schema, "components": description["components"]}))
        # The validator's own words would repeat the whole description.
        wrong = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(answer.json())]
        assert wrong == []

    return checking


@pytest.fixture
def rows(db):
    slots = [
        {"name": "s", "type": "client", "required": True, "fields": ["id"]},
        {"name": "t", "type": "channel", "required": False},
    ]
    profile = make_profile(description="d", content_template="{{ .Device.ID }}", defaults={"a": 1}, binding_slots=slots)
    config = make_config(profile=profile, name="n", client_cert="C", client_key="K", render_context={"a": None})
    make_binding(config=config, slot="s", resource_id=CLIENT_ID, snapshot={"id": CLIENT_ID})
    return {"config": config.pk, "profile": profile.pk}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_real_answers_are_as_described(api, rows, check, endpoint):
    body = endpoint.body
    if endpoint.name == "bind":
        body = {"bindings": [{"slot": "s", "type": "client", "resource_id": CLIENT_ID}]}

    good = endpoint.send(api, **rows, **({} if body is None else {"body": body}))

    assert good.status_code < 300 or endpoint.name == "remove profile"
    check(endpoint.name, good)
    check(endpoint.name, endpoint.send(api))
    check(endpoint.name, endpoint.send(type(api)("forged"), **rows))
    if endpoint.takes_a_body:
        check(endpoint.name, endpoint.send(api, body=b"{", **rows))
        check(endpoint.name, endpoint.send(api, content_type="text/plain", **rows))


def test_sparse_rows_are_as_described_too(api, check):
    config, profile = make_config(), make_profile()

    check("view config", api.get(f"/clients/configs/{config.pk}"))
    check("list configs", api.get("/clients/configs"))
    check("update certs", api.patch(f"/clients/configs/certs/{config.pk}", {}))
    check("view profile", api.get(f"/clients/bootstrap/profiles/{profile.pk}"))
    check("list profiles", api.get("/clients/bootstrap/profiles"))
    check("list slots", api.get(f"/clients/bootstrap/profiles/{profile.pk}/slots"))
    check("list bindings", api.get(f"/clients/bootstrap/enrollments/{config.pk}/bindings"))


def test_the_check_itself_refuses_what_is_not_described(api, check):
    answer = api.get("/clients/bootstrap/profiles")

    with pytest.raises(AssertionError):
        check("list configs", answer)


def test_the_page_needs_nothing_from_outside(db):
    browser = Client()

    page = browser.get("/api/")

    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    text = page.content.decode()
    assets = re.findall(r"""(?:src|href)=["']([^"']+)["']""", text)
    assert assets
    assert not [
        url for url in re.findall(r"(?:https?:)?//[\w.-]+", text) if "localhost" not in url and "127.0.0.1" not in url
    ]
    for asset in assets:
        assert asset.startswith(("/", "data:"))
        if asset.startswith("/static/"):
            found = browser.get(asset)
            assert found.status_code == 200, asset
            found.close()


def test_the_page_holds_no_script_and_no_style(db):
    browser = Client()

    page = browser.get("/api/")
    script = browser.get("/api/?script=")

    text = page.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text)
    for answer in (page, script):
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert {"script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(policy)
    assert script.headers["Content-Type"].startswith("application/javascript")


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/openapi.yaml"])
def test_the_description_is_made_once_and_the_same_for_everybody(client, monkeypatch, path):
    first = client.get(path)
    monkeypatch.setattr("drf_spectacular.generators.SchemaGenerator.get_schema", lambda *_args, **_more: 1 / 0)

    for query, accept in (("", "*/*"), ("?version=x&format=json&lang=de", "text/html"), ("?urlconf=x", "")):
        again = client.get(path + query, headers={"Accept": accept, "Host": "elsewhere.example"})

        assert (again.status_code, again.content) == (200, first.content)
        for name in ("Content-Type", "Content-Disposition", "Content-Length"):
            assert again.headers[name] == first.headers[name]
    assert client.head(path).content == b""
    assert client.post(path).status_code == 405
