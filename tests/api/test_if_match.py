"""Changes that rest on what was read before: `ETag` and `If-Match` of configs and profiles (docs/contract.md#k27)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.api import UNKNOWN, Api, told
from tests.support.enrollments import MQTT_CLIENT, make_config, make_profile
from tests.support.rows import make_binding

pytestmark = pytest.mark.sqlite

STALE = '"0000"'


@pytest.fixture
def config(db) -> Config:
    return make_config(profile=make_profile(), render_context={"b": 1.0, "a": [-0.0, "é", None]})


def config_path(config: Config) -> str:
    return f"/clients/configs/{config.pk}"


def profile_path(profile: Any) -> str:
    return f"/clients/bootstrap/profiles/{profile.pk}"


def calls(config: Config) -> dict[str, tuple[str, str, Any]]:
    profile = config.profile
    enrollment = f"/clients/bootstrap/enrollments/{config.pk}"
    return {
        "patch": ("PATCH", config_path(config), {"content": "new"}),
        "empty patch": ("PATCH", config_path(config), {}),
        "put": ("PUT", config_path(config), {"content": "new"}),
        "certs": ("PATCH", f"/clients/configs/certs/{config.pk}", {"client_key": "new"}),
        "enable": ("POST", f"{config_path(config)}/enable", None),
        "disable": ("POST", f"{config_path(config)}/disable", None),
        "state": ("PUT", f"/clients/state/{config.pk}", {"state": 0}),
        "assign": ("PATCH", f"{enrollment}/profile", {"profile_id": str(profile.pk if profile else "")}),
        "bind": ("PUT", f"{enrollment}/bindings", {"bindings": [MQTT_CLIENT]}),
        "refresh": ("POST", f"{enrollment}/bindings/refresh", None),
        "delete": ("DELETE", config_path(config), None),
    }


NAMES = ("patch", "empty patch", "put", "certs", "enable", "disable", "state", "assign", "bind", "refresh", "delete")


def stored(config: Config) -> list[Any]:
    rows = [Config.objects.filter(pk=config.pk), BindingSnapshot.objects.filter(config=config)]
    return [list(one.order_by("pk").values()) for one in rows]


def tag_of(api: Api, path: str) -> str:
    etag: str = api.get(path)["ETag"]
    assert etag.startswith('"')
    assert etag.endswith('"')
    return etag


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("condition", [STALE, "nope", "", "W/{tag}", f"{STALE}, W/{{tag}}", '"*"'])
def test_nothing_is_done_to_a_config_that_is_not_as_it_was_seen(api, config, name, condition):
    before = stored(config)
    method, path, body = calls(config)[name]
    header = condition.format(tag=tag_of(api, config_path(config)))

    answer = api.call(method, path, body, headers={"If-Match": header})

    assert answer.status_code == 412, answer.content
    assert "precondition failed" in told(answer)
    assert stored(config) == before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("condition", ["{tag}", "*", f"{STALE}, {{tag}}", None])
def test_what_is_as_it_was_seen_is_changed(api, config, name, condition):
    method, path, body = calls(config)[name]
    headers = {} if condition is None else {"If-Match": condition.format(tag=tag_of(api, config_path(config)))}

    assert api.call(method, path, body, headers=headers).status_code in {200, 204}


def test_the_tag_that_a_change_answered_is_that_of_the_next_look(api, config):
    path = config_path(config)
    answers = [
        api.patch(path, {"render_context": {"z": -0.0, "a": 1, "c": 1e22, "d": 0.1}}),
        api.put(path, {"name": "pump 4"}),
        api.patch(f"/clients/configs/certs/{config.pk}", {"client_key": "K", "ca_cert": "C"}),
        api.post(f"{path}/disable"),
    ]

    assert len({answer["ETag"] for answer in answers}) == len(answers)
    assert answers[-1]["ETag"] == tag_of(api, path)


def test_a_new_config_and_a_new_profile_have_the_tag_of_the_next_look(api, db):
    config = api.create_config(render_context={"zeta": -0.0, "a": [1.5, 2]})
    profile = api.create_profile(defaults={"bb": 1, "a": -0.0}, binding_slots=[{"name": "m", "type": "client"}])

    assert config["ETag"] == tag_of(api, f"/clients/configs/{config.json()['id']}")
    assert profile["ETag"] == tag_of(api, f"/clients/bootstrap/profiles/{profile.json()['id']}")


def test_what_devices_and_the_clock_write_keeps_the_tag(api, config):
    make_binding(config=config, slot="mqtt_client")
    before = tag_of(api, config_path(config))

    Config.objects.update(last_bootstrap_at=timezone.now(), last_bootstrap_outcome="ok", external_key_digest="d")
    BindingSnapshot.objects.update(snapshot={"name": "renamed"}, updated_at=timezone.now())
    api.patch(config_path(config), {"content": "", "name": ""})

    assert tag_of(api, config_path(config)) == before


def test_the_same_client_key_again_keeps_the_tag(api, config):
    first = api.patch(f"/clients/configs/certs/{config.pk}", {"client_key": "K"})["ETag"]

    assert api.patch(f"/clients/configs/certs/{config.pk}", {"client_key": "K"})["ETag"] == first


def test_another_binding_is_another_tag(api, config):
    before = tag_of(api, config_path(config))

    make_binding(config=config, slot="mqtt_client")

    assert tag_of(api, config_path(config)) != before


def test_a_config_that_is_not_there(api, db):
    assert api.delete(f"/clients/configs/{UNKNOWN}").status_code == 204
    assert api.delete(f"/clients/configs/{UNKNOWN}", headers={"If-Match": "*"}).status_code == 412
    assert api.patch(f"/clients/configs/{UNKNOWN}", {}, headers={"If-Match": "*"}).status_code == 404


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"description": "new"}), ("DELETE", None)])
def test_a_profile_is_changed_as_it_was_seen_alone(api, db, method, body):
    profile = make_profile(slots=[])
    path = profile_path(profile)

    assert api.call(method, path, body, headers={"If-Match": STALE}).status_code == 412
    assert Profile.objects.get().version == 1
    assert api.call(method, path, body, headers={"If-Match": tag_of(api, path)}).status_code in {200, 204}
    assert api.call(method, path, body).status_code in {200, 204}


def test_a_profile_that_is_not_there(api, db):
    assert api.delete(f"/clients/bootstrap/profiles/{UNKNOWN}", headers={"If-Match": "*"}).status_code == 412
    assert api.patch(f"/clients/bootstrap/profiles/{UNKNOWN}", {}, headers={"If-Match": "*"}).status_code == 404


def test_an_update_of_a_profile_that_changes_nothing_keeps_the_tag(api, db):
    profile = make_profile(description="a")
    before = tag_of(api, profile_path(profile))

    assert api.patch(profile_path(profile), {"description": "a"})["ETag"] == before
    assert api.patch(profile_path(profile), {"description": "b"})["ETag"] != before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["config", "profile"])
def test_of_those_who_saw_the_same_one_changes_it(operator_token, kind):
    """All ask at once: the condition is looked at where the row is held."""
    profile = make_profile(slots=[])
    path = config_path(make_config()) if kind == "config" else profile_path(profile)
    etag = tag_of(Api(operator_token), path)
    start, statuses = threading.Barrier(4), []

    def change(number: int) -> None:
        start.wait()
        try:
            answer = Api(operator_token).patch(path, {"name": f"name {number}"}, headers={"If-Match": etag})
            statuses.append(answer.status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 412, 412, 412]
