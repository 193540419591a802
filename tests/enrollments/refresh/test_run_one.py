"""What refresh renews, what it leaves alone, and what it says."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from prometheus_client import REGISTRY

from bootstrap_project.magistrala.resources import ChannelResource
from bootstrap_project.magistrala.sandbox import seed
from configs.errors import ConfigNotFound
from configs.models import Config
from enrollments.binding.fetch import Fetched, ResourceRef
from enrollments.models import BindingSnapshot
from enrollments.refresh.diff import FetchedResource
from enrollments.refresh.run_one import SlotOutcome, apply_known, refresh_bindings
from profiles.models import Profile
from tests.support.api import told
from tests.support.enrollments import (
    COMMANDS,
    MQTT_CLIENT,
    TELEMETRY,
    Operator,
    make_config,
    make_profile,
    rows,
    stored,
)
from tests.support.sandbox import SandboxProcess

PI = (MQTT_CLIENT, TELEMETRY, COMMANDS)
CLIENT_PATH = f"/{seed.DOMAIN_ID}/clients/{seed.CLIENT_ID}"
TELEMETRY_PATH = f"/{seed.DOMAIN_ID}/channels/{seed.TELEMETRY_CHANNEL_ID}"


def rotate_secret(sandbox: SandboxProcess) -> None:
    answer = sandbox.platform("PATCH", f"{CLIENT_PATH}/secret", sandbox.token(), {"secret": "rotated-secret"})
    assert answer.ok


def refreshes(outcome: str) -> float:
    return REGISTRY.get_sample_value("bootstrap_binding_refreshes_total", {"outcome": outcome}) or 0.0


def test_a_rotated_secret_arrives_with_the_refresh_and_not_before(sandbox, operator, config):
    operator.bind(config, *PI)
    before = rows(config)
    rotate_secret(sandbox)
    assert rows(config)["mqtt_client"].secret_snapshot == {"secret": seed.CLIENT_SECRET}

    assert operator.refresh(config).status_code == 204

    after = rows(config)
    assert after["mqtt_client"].secret_snapshot == {"secret": "rotated-secret"}
    assert after["mqtt_client"].updated_at > before["mqtt_client"].updated_at
    assert after["mqtt_client"].pk == before["mqtt_client"].pk
    for slot in ("telemetry", "commands"):
        assert after[slot].updated_at == before[slot].updated_at


def test_a_channel_that_was_reconfigured_is_renewed(sandbox, operator, config):
    operator.bind(config, TELEMETRY)
    body = {"name": "new name", "route": "newroute", "metadata": {"n": 1.0, "deep": [1, {"a": None}]}}
    assert sandbox.platform("PATCH", TELEMETRY_PATH, sandbox.token(), body).ok

    operator.refresh(config)

    snapshot = rows(config)["telemetry"].snapshot
    assert (snapshot["name"], snapshot["topic"], snapshot["metadata"]) == ("new name", "newroute", body["metadata"])


def test_a_number_that_only_changes_its_kind_is_a_change(sandbox, operator, config):
    sandbox.platform("PATCH", TELEMETRY_PATH, sandbox.token(), {"metadata": {"n": 1}})
    operator.bind(config, TELEMETRY)
    sandbox.platform("PATCH", TELEMETRY_PATH, sandbox.token(), {"metadata": {"n": 1.0}})

    operator.refresh(config)

    assert repr(rows(config)["telemetry"].snapshot["metadata"]["n"]) == "1.0"


def test_numbers_of_all_sizes_stay_unchanged(sandbox, magistrala, operator, token, config):
    numbers = {"big": 1e16, "huge": 1e300, "small": 1e-7, "third": 1 / 3, "integer": 2**70, "zero": 0.0}
    sandbox.platform("PATCH", TELEMETRY_PATH, sandbox.token(), {"metadata": numbers})
    operator.bind(config, TELEMETRY)

    result = refresh_bindings(config=config, magistrala=magistrala, token=token)

    assert [slot.outcome for slot in result.slots] == [SlotOutcome.UNCHANGED]


def test_nothing_is_written_when_nothing_changed(operator, config, django_assert_num_queries):
    operator.bind(config, *PI)
    before = stored(config)

    # Config with profile, bindings; then between savepoints: the locked config and its bindings.
    with django_assert_num_queries(6):
        assert operator.refresh(config).status_code == 204

    assert stored(config) == before


def test_all_changes_are_written_in_one_statement(sandbox, operator, config, django_assert_num_queries):
    operator.bind(config, *PI)
    sandbox.change_everything()

    # One more than without changes.
    with django_assert_num_queries(7):
        assert operator.refresh(config).status_code == 204

    assert rows(config)["commands"].snapshot["metadata"].keys() == {"changed"}


def test_each_distinct_resource_is_asked_for_once_and_nothing_is_connected(sandbox, operator, db):
    slots = [{"name": name, "type": "channel"} for name in ("a", "b", "c")]
    config = make_config(profile=make_profile(slots=slots))
    operator.bind(config, *(TELEMETRY | {"slot": name} for name in ("a", "b", "c")))
    sandbox.forget_calls()

    operator.refresh(config)

    assert [(call["method"], call["path"]) for call in sandbox.calls("channels")] == [("GET", TELEMETRY_PATH)]


@pytest.mark.parametrize("with_profile", [True, False])
def test_nothing_bound_is_nothing_to_do(sandbox, operator, db, with_profile):
    config = make_config(profile=make_profile() if with_profile else None)

    assert operator.refresh(config).status_code == 204

    assert sandbox.calls("clients") == []


def test_fields_that_the_profile_asks_for_now_are_applied(operator, profile, config):
    operator.bind(config, MQTT_CLIENT, TELEMETRY)
    slots = [
        {"name": "mqtt_client", "type": "client", "fields": ["identity"]},
        {"name": "telemetry", "type": "channel", "fields": ["topic", "metadata"]},
    ]
    Profile.objects.filter(pk=profile.pk).update(binding_slots=slots, version=2)

    operator.refresh(config)

    bound = rows(config)
    assert bound["mqtt_client"].snapshot == {"identity": seed.CLIENT_IDENTITY}
    assert bound["mqtt_client"].secret_sealed == ""
    assert bound["telemetry"].snapshot == {"topic": seed.TELEMETRY_CHANNEL_ROUTE, "metadata": {"type": "data"}}


def test_bindings_that_the_profile_does_not_declare_are_left_alone(sandbox, operator, token, config):
    operator.bind(config, *PI)
    other = make_profile(slots=[{"name": "telemetry", "type": "channel"}, {"name": "commands", "type": "client"}])
    operator.assign(config, {"profile_id": str(other.pk)})
    # Upstream fails every refresh from here on: the resource of a slot that nobody declares is gone.
    assert sandbox.platform("DELETE", CLIENT_PATH, token).ok
    sandbox.change_everything()
    before = rows(config)

    assert operator.refresh(config).status_code == 204

    after = rows(config)
    assert after["telemetry"].updated_at > before["telemetry"].updated_at
    for slot in ("mqtt_client", "commands"):
        assert after[slot].updated_at == before[slot].updated_at


def test_a_dead_resource_leaves_all_snapshots_as_they_were(sandbox, operator, token, config):
    operator.bind(config, *PI)
    before = stored(config)
    sandbox.change_everything()
    assert sandbox.platform("DELETE", TELEMETRY_PATH, token).ok

    response = operator.refresh(config)
    by_admin = Operator(sandbox.token("admin")).refresh(config)

    assert (response.status_code, by_admin.status_code) == (404, 404)
    assert "slot 'telemetry'" in told(response)
    assert "slot 'telemetry'" in told(by_admin)
    assert stored(config) == before


def test_a_resource_that_moved_to_another_domain_is_not_found(sandbox, db):
    config = make_config(profile=make_profile())
    BindingSnapshot.objects.create(
        config=config, slot="mqtt_client", type="client", resource_id=seed.OTHER_CLIENT_ID, updated_at=timezone.now()
    )

    response = Operator(sandbox.token("admin")).refresh(config)

    assert response.status_code == 404
    assert "slot 'mqtt_client'" in told(response)
    assert rows(config)["mqtt_client"].snapshot == {}


def test_a_disabled_resource_does_not_keep_the_others_from_their_news(sandbox, operator, token, config):
    operator.bind(config, *PI)
    sandbox.platform("POST", f"{CLIENT_PATH}/disable", token)
    sandbox.change_everything()
    before = rows(config)

    assert operator.refresh(config).status_code == 204

    assert all(row.updated_at > before[slot].updated_at for slot, row in rows(config).items())


def test_a_secret_that_cannot_be_opened_is_mended(operator, config):
    operator.bind(config, MQTT_CLIENT)
    BindingSnapshot.objects.update(secret_sealed="v1.lost.AAAA")

    assert operator.refresh(config).status_code == 204

    assert rows(config)["mqtt_client"].secret_snapshot == {"secret": seed.CLIENT_SECRET}


def test_the_service_tells_what_changed_and_never_the_secret(sandbox, magistrala, operator, token, config):
    operator.bind(config, *PI)
    rotate_secret(sandbox)
    sandbox.platform("PATCH", TELEMETRY_PATH, token, {"name": "renamed"})

    result = refresh_bindings(config=config, magistrala=magistrala, token=token)

    by_slot = {slot.slot: slot for slot in result.slots}
    assert [slot.slot for slot in result.changed] == ["mqtt_client", "telemetry"]
    assert [slot.slot for slot in result.unchanged] == ["commands"]
    assert by_slot["mqtt_client"].secret_changed
    assert by_slot["mqtt_client"].before == by_slot["mqtt_client"].after
    assert not by_slot["telemetry"].secret_changed
    assert by_slot["telemetry"].before["name"] == seed.TELEMETRY_CHANNEL_NAME
    assert by_slot["telemetry"].after["name"] == "renamed"
    assert "rotated-secret" not in repr(result)


def test_a_refresh_is_counted_by_outcome_and_logged(caplog, sandbox, operator, config):
    operator.bind(config, *PI)
    ok, missing, failed = refreshes("ok"), refreshes("gone"), refreshes("unavailable")

    with caplog.at_level(logging.INFO):
        operator.refresh(config)
    sandbox.faults({"kind": "status", "status": 404, "match": {"service": "clients"}})
    operator.refresh(config)
    sandbox.faults({"kind": "down", "match": {"service": "channels"}})
    operator.refresh(config)

    assert (refreshes("ok"), refreshes("gone"), refreshes("unavailable")) == (ok + 3, missing + 3, failed + 3)
    (record,) = [record for record in caplog.records if record.message == "bindings refreshed"]
    assert (record.config_id, record.changed, record.unchanged) == (config.pk, 0, 3)


# What a fleet's refresh is made of.


def fetched(config: Config, **members: Any) -> dict[ResourceRef, FetchedResource]:
    resource = ChannelResource(id=seed.TELEMETRY_CHANNEL_ID, domain_id=config.domain_id, **members)
    return {ResourceRef(config.domain_id, "channel", resource.id): FetchedResource(Fetched(resource, timezone.now()))}


def test_resources_that_are_at_hand_are_stored_without_asking_anybody(sandbox, operator, config):
    operator.bind(config, TELEMETRY, MQTT_CLIENT)
    sandbox.forget_calls()

    result = apply_known(config_id=config.pk, known=fetched(config, name="at hand"))

    assert rows(config)["telemetry"].snapshot["name"] == "at hand"
    assert {slot.slot: slot.outcome for slot in result.slots} == {
        "mqtt_client": SlotOutcome.NEWER,
        "telemetry": SlotOutcome.CHANGED,
    }
    assert sandbox.calls() == []


def test_a_trial_run_tells_and_writes_nothing(operator, config):
    operator.bind(config, TELEMETRY)
    before = stored(config)

    result = apply_known(config_id=config.pk, known=fetched(config, name="tried"), dry_run=True)

    assert [slot.after["name"] for slot in result.changed] == ["tried"]
    assert stored(config) == before


def test_what_was_bound_after_the_fetch_is_newer_and_stays(operator, config):
    old = fetched(config, name="old")
    operator.bind(config, TELEMETRY)

    result = apply_known(config_id=config.pk, known=old)

    assert [slot.outcome for slot in result.slots] == [SlotOutcome.NEWER]
    assert rows(config)["telemetry"].snapshot["name"] == seed.TELEMETRY_CHANNEL_NAME


def test_a_config_that_is_gone_is_not_found(db):
    config = make_config(profile=make_profile())
    resources = fetched(config)
    Config.objects.filter(pk=config.pk).delete()

    with pytest.raises(ConfigNotFound):
        apply_known(config_id=config.pk, known=resources)


def test_old_snapshots_stay_old_for_the_clock(operator, config):
    operator.bind(config, TELEMETRY)
    yesterday = timezone.now() - timedelta(days=1)
    BindingSnapshot.objects.update(updated_at=yesterday)

    operator.refresh(config)

    assert rows(config)["telemetry"].updated_at == yesterday
