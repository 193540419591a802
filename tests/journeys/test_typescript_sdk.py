"""The calls of the platform's TypeScript SDK (0.17.18): its paths and bodies, and what it reads of the answers.

Its `SecureBootstrap` decrypts something else than the answer, and so works with no service; its call for connections
went away with them.
"""

from __future__ import annotations

import pytest


@pytest.fixture
def sdk(operator):
    """Send as the SDK does: errors must be JSON with a `message`, everything else is a success."""

    def sending(method, path, body=None):
        answer = operator.call(method, path, body, headers={"Content-Type": "application/json"})
        if not answer.ok:
            assert answer.json()["message"]
        return answer

    return sending


def test_a_config_lives_through_all_calls_of_the_sdk(sdk, operator):
    added = sdk("POST", "/clients/configs", {"external_id": "ts", "external_key": "k", "client_id": "", "channels": []})
    assert added.status_code == 201
    page = sdk("GET", "/clients/configs?offset=0&limit=10").json()
    config_id = page["configs"][0]["id"]
    assert page["total"] == 1

    changed = {"client_id": config_id, "name": "renamed", "content": "new"}
    assert sdk("PUT", f"/clients/configs/{config_id}", changed).status_code == 200
    certs = {"client_id": config_id, "client_cert": "C", "client_key": "K", "ca_cert": "A"}
    answered = sdk("PATCH", f"/clients/configs/certs/{config_id}", certs).json()
    assert answered == {"id": config_id, "client_cert": "C", "client_key": "K", "ca_cert": "A"}

    view = sdk("GET", f"/clients/configs/{config_id}").json()
    assert (view["name"], view["content"], view["external_id"]) == ("renamed", "new", "ts")
    assert operator.device("ts", "k").json()["content"] == "new"

    assert sdk("DELETE", f"/clients/configs/{config_id}").status_code == 204
    assert sdk("GET", f"/clients/configs/{config_id}").status_code == 404


def test_put_leaves_absent_members_as_they_are(sdk):
    body = {"external_id": "ts", "external_key": "k", "name": "first", "content": "c", "render_context": {"a": 1}}
    config_id = sdk("POST", "/clients/configs", body).json()["id"]

    changed = sdk("PUT", f"/clients/configs/{config_id}", {"name": "second"}).json()

    assert (changed["name"], changed["content"], changed["render_context"]) == ("second", "c", {"a": 1})


def test_whitelisting_enables_and_disables(sdk, operator):
    config_id = sdk("POST", "/clients/configs", {"external_id": "ts", "external_key": "k"}).json()["id"]

    statuses = []
    for state in (0, 1):
        sdk("PUT", f"/clients/state/{config_id}", {"state": state})
        statuses.append(
            (sdk("GET", f"/clients/configs/{config_id}").json()["status"], operator.device("ts", "k").status_code)
        )

    assert statuses == [("disabled", 403), ("enabled", 200)]


@pytest.mark.parametrize("body", [{}, {"state": 2}, {"state": None}, {"state": "on"}])
def test_any_other_state_is_refused(sdk, body):
    config_id = sdk("POST", "/clients/configs", {"external_id": "ts", "external_key": "k"}).json()["id"]

    refused = sdk("PUT", f"/clients/state/{config_id}", body)

    assert refused.status_code == 400
    assert "state" in refused.json()["error"]
