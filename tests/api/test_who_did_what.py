"""Who enrolled, bound and wrote templates over REST: that is in the log, since whoever may can learn secrets by it."""

from __future__ import annotations

import pytest

from bootstrap_project.magistrala.sandbox import seed
from tests.support.api import Api

PROFILES = "/clients/bootstrap/profiles"
PROFILE = {
    "name": "p",
    "content_template": "x",
    "binding_slots": [{"name": "mqtt_client", "type": "client", "required": True}],
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged(caplog):
    """Make a call; return what it answered, its own line, and the others by their message."""
    caplog.set_level("INFO")

    def by(call):
        caplog.clear()
        response = call()
        [own] = [record for record in caplog.records if record.name == "bootstrap.request"]
        return response, own, {record.getMessage(): vars(record) for record in caplog.records}

    return by


def test_who_enrolls_binds_and_writes_templates_is_in_the_log(api, logged):
    response, own, lines = logged(lambda: api.post(PROFILES, PROFILE))
    profile = response.json()["id"]
    assert own.user_id == seed.OPERATOR_ID
    assert (str(lines["profile saved"]["profile_id"]), lines["profile saved"]["version"]) == (profile, 1)

    values = {"external_id": "e", "external_key": "a-key-of-some-length", "profile_id": profile}
    response, own, lines = logged(lambda: api.post("/clients/configs", values))
    config = response.json()["id"]
    assert own.user_id == seed.OPERATOR_ID
    assert str(lines["config enrolled"]["config_id"]) == config

    binding = {"slot": "mqtt_client", "type": "client", "resource_id": seed.CLIENT_ID}
    path = f"/clients/bootstrap/enrollments/{config}/bindings"
    response, own, lines = logged(lambda: api.put(path, {"bindings": [binding]}))
    assert (response.status_code, own.user_id) == (204, seed.OPERATOR_ID)
    assert str(lines["resources bound"]["config_id"]) == config

    response, own, lines = logged(lambda: api.patch(f"{PROFILES}/{profile}", {"content_template": "y"}))
    assert (response.status_code, own.user_id) == (200, seed.OPERATOR_ID)
    assert (str(lines["profile saved"]["profile_id"]), lines["profile saved"]["version"]) == (profile, 2)


def test_whoever_was_not_confirmed_is_nobody(sandbox, logged):
    response, own, _ = logged(lambda: Api(sandbox.token("nobody")).get("/clients/configs"))

    assert response.status_code == own.status == 403
    assert not hasattr(own, "user_id")
