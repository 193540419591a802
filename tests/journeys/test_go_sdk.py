"""The calls of the platform's Go SDK, with its headers, its bodies and what it insists on in the answers."""

from __future__ import annotations

import pytest

from tests.support import pi

ZERO_TIME = "0001-01-01T00:00:00Z"


@pytest.fixture
def sdk(operator):
    """Send as the SDK does: a JSON content type on every request, GET included."""

    def sending(method, path, body=None, expected=200):
        answer = operator.call(method, path, body, headers={"Content-Type": "application/json"})
        assert answer.status_code == expected, answer.text
        assert answer.headers["Content-Type"] == "application/json"
        return answer

    return sending


def test_configs_live_through_all_calls_of_the_sdk(sdk):
    config = {
        "external_id": "sdk-1",
        "external_key": "sdk-key",
        "name": "sdk",
        "content": "static",
        "status": "enabled",
    }

    created = sdk("POST", "/clients/configs", config, 201)
    config_id = created.headers["Location"].removeprefix("/clients/configs/")
    assert config_id == created.json()["id"]

    assert sdk("GET", f"/clients/configs/{config_id}").json()["status"] == "enabled"
    listed = sdk("GET", "/clients/configs?limit=10&with_attributes=false&with_metadata=false").json()
    assert {"configs", "total", "offset", "limit"} <= listed.keys()
    assert [item["id"] for item in listed["configs"]] == [config_id]

    whole = config | {"id": config_id, "name": "renamed", "external_id": "ignored", "render_context": {"a": 1}}
    sdk("PATCH", f"/clients/configs/{config_id}", whole)
    assert sdk("GET", f"/clients/configs/{config_id}").json()["external_id"] == "sdk-1"
    # The SDK leaves empty members out: what is absent must stay.
    certs = sdk("PATCH", f"/clients/configs/certs/{config_id}", {"client_cert": "C", "client_key": "K"}).json()
    assert certs == {"id": config_id, "client_cert": "C", "client_key": "K"}
    certs = sdk("PATCH", f"/clients/configs/certs/{config_id}", {"ca_cert": "A"}).json()
    # A private key is answered to who has just sent it, and to nobody else.
    assert certs == {"id": config_id, "client_cert": "C", "ca_cert": "A"}

    sdk("POST", f"/clients/configs/{config_id}/disable")
    assert sdk("GET", "/clients/configs?status=disabled").json()["total"] == 1
    sdk("POST", f"/clients/configs/{config_id}/enable")
    sdk("DELETE", f"/clients/configs/{config_id}", None, 204)
    sdk("DELETE", f"/clients/configs/{config_id}", None, 204)
    assert sdk("GET", f"/clients/configs/{config_id}", None, 404).json()["message"] == "entity not found"


def test_profiles_and_enrollments_live_through_all_calls_of_the_sdk(sdk, operator):
    slots = [{"name": "m", "type": "client", "required": True}]
    profile = {
        "name": "sdk",
        "content_format": "json",
        "content_template": '{"id": "{{ (index .Bindings "m").ID }}"}',
        "binding_slots": slots,
        "version": 0,
        "created_at": ZERO_TIME,
        "updated_at": ZERO_TIME,
    }

    created = sdk("POST", "/clients/bootstrap/profiles", profile, 201).json()
    assert created["content_format"] == created["template_format"] == "json"
    # The SDK's type has no such member: it reads the rest.
    del created["warnings"]
    path = f"/clients/bootstrap/profiles/{created['id']}"
    assert sdk("GET", path).json() == created
    listed = sdk("GET", "/clients/bootstrap/profiles?limit=100&with_attributes=false&with_metadata=false").json()
    assert listed["profiles"] == [created]
    # The SDK sends what the user typed, so an update often lacks the template.
    updated = sdk("PATCH", path, {"id": created["id"], "description": "d", "created_at": ZERO_TIME}).json()
    assert updated["version"] == 2
    assert updated["content_template"] == profile["content_template"]

    config = sdk("POST", "/clients/configs", {"external_id": "sdk-2", "external_key": "k"}, 201).json()["id"]
    enrollment = f"/clients/bootstrap/enrollments/{config}"
    assert sdk("GET", f"{enrollment}/bindings").json() == {"bindings": []}
    sdk("PATCH", f"{enrollment}/profile", {"profile_id": created["id"]}, 204)
    bindings = {"bindings": [{"slot": "m", "type": "client", "resource_id": pi.CLIENT}]}
    sdk("PUT", f"{enrollment}/bindings", bindings, 204)
    sdk("POST", f"{enrollment}/bindings/refresh", None, 204)
    assert [binding["slot"] for binding in sdk("GET", f"{enrollment}/bindings").json()["bindings"]] == ["m"]

    answer = operator.device("sdk-2", "k")
    assert answer.json()["content"] == f'{{"id": "{pi.CLIENT}"}}'
    sdk("DELETE", path, None, 409)
    sdk("DELETE", f"/clients/configs/{config}", None, 204)
    sdk("DELETE", path, None, 204)


def test_the_provision_service_can_create_bind_enable_and_roll_back(sdk):
    profile = sdk("POST", "/clients/bootstrap/profiles", pi.PROFILE, 201).json()["id"]
    sent = pi.CONFIG | {"profile_id": profile, "render_context": {"external_id": "e", "name": "n", "site": "s"}}

    created = sdk("POST", "/clients/configs", sent, 201).json()
    sdk("GET", f"/clients/configs/{created['id']}")
    sdk("PUT", f"/clients/bootstrap/enrollments/{created['id']}/bindings", pi.BINDINGS, 204)
    sdk("PATCH", f"/clients/configs/certs/{created['id']}", {"client_cert": "C", "client_key": "K"})
    # Right after creation the config is enabled already.
    assert sdk("POST", f"/clients/configs/{created['id']}/enable").json()["status"] == "enabled"
    sdk("DELETE", f"/clients/configs/{created['id']}", None, 204)
    assert sdk("GET", "/clients/configs?status=all").json()["total"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/clients/configs/unknown", None, 404),
        ("POST", "/clients/configs", {"external_id": "x"}, 400),
        ("GET", "/clients/configs?limit=1000", None, 400),
        ("POST", "/clients/bootstrap/profiles", {}, 400),
        ("POST", "/clients/bootstrap/profiles", {"name": "n", "content_template": "{{"}, 400),
        ("GET", "/no/such/path", None, 404),
        ("PUT", "/clients/configs", None, 405),
    ],
)
def test_every_failure_is_json_with_a_message(sdk, method, path, body, status):
    answer = sdk(method, path, body, status)

    assert isinstance(answer.json()["message"], str)
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
