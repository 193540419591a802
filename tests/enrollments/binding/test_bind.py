"""What PUT stores, in which order, and what becomes of everything else."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db import connections as connections_by_alias

from bootstrap_project.magistrala.sandbox import seed
from configs.errors import ConfigNotFound
from configs.models import Config
from enrollments.binding.bind import BindingRequest, bind_resources
from enrollments.errors import EnrollmentChanged
from enrollments.models import BindingSnapshot, ConnectionState
from enrollments.services import assign_profile
from profiles.models import Profile
from tests.support.api import told
from tests.support.enrollments import (
    COMMANDS,
    MQTT_CLIENT,
    PI_SLOTS,
    TELEMETRY,
    Meddler,
    Operator,
    connections,
    make_config,
    make_profile,
    rows,
    stored,
)

PI = (MQTT_CLIENT, TELEMETRY, COMMANDS)


def test_the_raspberry_pi_is_bound(sandbox, operator, config):
    assert operator.bind(config, *PI).status_code == 204

    bound = rows(config)
    assert {slot: row.resource_id for slot, row in bound.items()} == {
        "mqtt_client": seed.CLIENT_ID,
        "telemetry": seed.TELEMETRY_CHANNEL_ID,
        "commands": seed.COMMANDS_CHANNEL_ID,
    }
    assert bound["mqtt_client"].secret_snapshot == {"secret": seed.CLIENT_SECRET}
    assert bound["telemetry"].snapshot == {
        "id": seed.TELEMETRY_CHANNEL_ID,
        "name": seed.TELEMETRY_CHANNEL_NAME,
        "topic": seed.TELEMETRY_CHANNEL_ROUTE,
        "domain_id": seed.DOMAIN_ID,
        "metadata": {"type": "data"},
    }
    assert bound["telemetry"].secret_snapshot == {}
    assert bound["telemetry"].secret_sealed == ""


def test_fields_limit_what_is_stored(operator, db):
    config = make_config(
        profile=make_profile(
            slots=[
                {"name": "mqtt_client", "type": "client", "required": True, "fields": ["id", "identity", "secret"]},
                {"name": "telemetry", "type": "channel", "required": True, "fields": ["id", "name"]},
                {"name": "open", "type": "client", "required": False, "fields": ["name"]},
            ]
        )
    )

    operator.bind(config, MQTT_CLIENT, TELEMETRY, MQTT_CLIENT | {"slot": "open"})

    bound = rows(config)
    assert bound["mqtt_client"].snapshot == {"id": seed.CLIENT_ID, "identity": seed.CLIENT_IDENTITY}
    assert bound["mqtt_client"].secret_snapshot == {"secret": seed.CLIENT_SECRET}
    assert bound["telemetry"].snapshot == {"id": seed.TELEMETRY_CHANNEL_ID, "name": seed.TELEMETRY_CHANNEL_NAME}
    assert bound["open"].snapshot == {"name": seed.CLIENT_NAME}
    assert bound["open"].secret_sealed == ""


def test_only_listed_slots_are_touched(operator, config):
    operator.bind(config, *PI)
    before = rows(config)

    operator.bind(config, TELEMETRY | {"resource_id": seed.COMMANDS_CHANNEL_ID})

    after = rows(config)
    assert after.keys() == before.keys()
    assert after["telemetry"].resource_id == seed.COMMANDS_CHANNEL_ID
    assert after["telemetry"].snapshot["name"] == seed.COMMANDS_CHANNEL_NAME
    assert after["telemetry"].updated_at > before["telemetry"].updated_at
    assert after["telemetry"].created_at == before["telemetry"].created_at
    assert after["telemetry"].pk == before["telemetry"].pk
    for slot in ("mqtt_client", "commands"):
        assert after[slot].updated_at == before[slot].updated_at
        assert after[slot].secret_sealed == before[slot].secret_sealed


def test_binding_again_takes_what_the_platform_says_now(sandbox, operator, token, config):
    operator.bind(config, MQTT_CLIENT)
    before = rows(config)["mqtt_client"]
    sandbox.platform("PATCH", f"/{seed.DOMAIN_ID}/clients/{seed.CLIENT_ID}/secret", token, {"secret": "rotated"})

    operator.bind(config, MQTT_CLIENT)

    after = rows(config)["mqtt_client"]
    assert after.secret_snapshot == {"secret": "rotated"}
    assert after.updated_at > before.updated_at


def test_a_slot_that_changed_its_type_is_bound_anew_without_the_old_secret(operator, config):
    operator.bind(config, MQTT_CLIENT)
    assert rows(config)["mqtt_client"].secret_sealed
    operator.assign(config, {"profile_id": str(make_profile(slots=[{"name": "mqtt_client", "type": "channel"}]).pk)})

    operator.bind(config, TELEMETRY | {"slot": "mqtt_client"})

    row = rows(config)["mqtt_client"]
    assert (row.type, row.secret_sealed) == ("channel", "")


def test_each_distinct_resource_is_fetched_once(sandbox, operator, db):
    slots = [{"name": f"c{number}", "type": "client"} for number in range(3)]
    config = make_config(profile=make_profile(slots=slots))

    assert operator.bind(config, *(MQTT_CLIENT | {"slot": slot["name"]} for slot in slots)).status_code == 204

    assert len(sandbox.calls("clients")) == 1
    assert len(rows(config)) == 3


def test_the_request_id_reaches_the_platform(sandbox, operator, config):
    response = operator.bind(config, MQTT_CLIENT, TELEMETRY)

    called = sandbox.calls("clients") + sandbox.calls("channels")
    assert {call["request_id"] for call in called} == {response["X-Request-ID"]}


@pytest.mark.parametrize(
    "missing",
    [
        MQTT_CLIENT | {"resource_id": "00000000-0000-4000-8000-000000000000"},
        MQTT_CLIENT | {"resource_id": "../channels"},
        MQTT_CLIENT | {"resource_id": seed.TELEMETRY_CHANNEL_ID},
        MQTT_CLIENT | {"resource_id": seed.OTHER_CLIENT_ID},
    ],
)
def test_a_resource_that_the_operator_cannot_see_binds_nothing(operator, config, missing):
    response = operator.bind(config, TELEMETRY, missing)

    # The platform says 403 to all of them; its list shows that the domain has none of them.
    assert response.status_code == 404
    assert "slot 'mqtt_client'" in told(response)
    assert rows(config) == {}


# Administrators see what another domain has, and are told the same of it as of what nobody has.
@pytest.mark.parametrize(
    ("resource_id", "status"),
    [("00000000-0000-4000-8000-000000000000", 404), (seed.OTHER_CLIENT_ID, 404), ("..", 404)],
)
def test_an_administrator_of_the_platform_cannot_bind_what_the_domain_does_not_have(
    sandbox, config, resource_id, status
):
    admin = Operator(sandbox.token("admin"))

    response = admin.bind(config, TELEMETRY, MQTT_CLIENT | {"resource_id": resource_id})

    assert response.status_code == status
    assert "slot 'mqtt_client'" in told(response)
    assert rows(config) == {}
    assert not any(call["method"] == "POST" for call in sandbox.calls("channels"))


@pytest.mark.parametrize(("binding", "kind"), [(MQTT_CLIENT, "clients"), (TELEMETRY, "channels")])
def test_a_disabled_resource_binds_nothing(sandbox, operator, token, config, binding, kind):
    sandbox.platform("POST", f"/{seed.DOMAIN_ID}/{kind}/{binding['resource_id']}/disable", token)

    response = operator.bind(config, COMMANDS, binding)

    assert response.status_code == 400
    assert f"slot '{binding['slot']}'" in told(response)
    assert "disabled" in told(response)
    assert rows(config) == {}
    assert not any(call["path"].endswith("/connect") for call in sandbox.calls("channels"))


def bind(config: Config, magistrala: Any, token: str, *bindings: dict[str, str]) -> Any:
    requests = [BindingRequest(**binding) for binding in bindings]
    return bind_resources(config=config, requests=requests, magistrala=magistrala, token=token)


def test_the_service_tells_what_it_bound(magistrala, token, config):
    result = bind(config, magistrala, token, MQTT_CLIENT, TELEMETRY)

    assert result.slots == ("mqtt_client", "telemetry")
    assert result.connections == {"telemetry": ConnectionState.NO_SUCH_CLIENT}


@pytest.mark.parametrize("change", ["version", "profile", "none"])
def test_a_profile_that_changes_meanwhile_is_a_conflict(magistrala, token, profile, config, change):
    bind(config, magistrala, token, COMMANDS)
    before = stored(config)

    def meddle() -> None:
        if change == "version":
            Profile.objects.filter(pk=profile.pk).update(version=2, binding_slots=[])
        else:
            other = make_profile() if change == "profile" else None
            Config.objects.filter(pk=config.pk).update(profile=other)

    with pytest.raises(EnrollmentChanged, match="repeat the call"):
        bind(config, Meddler(magistrala, before_connect=meddle), token, MQTT_CLIENT, TELEMETRY)

    assert stored(config) == before


def test_a_config_that_is_removed_meanwhile_is_not_found(magistrala, token, config):
    meddler = Meddler(magistrala, before_connect=lambda: Config.objects.filter(pk=config.pk).delete())

    with pytest.raises(ConfigNotFound):
        bind(config, meddler, token, TELEMETRY, MQTT_CLIENT)

    assert BindingSnapshot.objects.count() == 0


def edited_meanwhile(monkeypatch: Any, magistrala: Any, operator: Operator, profile: Profile, change: Any) -> Any:
    """Bind, while somebody changes the profile over HTTP before anything is stored."""
    path = f"/{seed.DOMAIN_ID}/clients/bootstrap/profiles/{profile.pk}"

    def edit() -> None:
        answer = operator.http.patch(path, change, headers=operator.headers, content_type="application/json")
        assert answer.status_code == 200, answer.content
        profile.refresh_from_db()
        assert profile.version == 2

    meddler = Meddler(magistrala, before_connect=edit)
    monkeypatch.setattr("enrollments.views.get_client", lambda: meddler)
    return operator.bind(make_config(profile=profile, external_id="edited-meanwhile"), MQTT_CLIENT, TELEMETRY)


@pytest.mark.parametrize(
    "change",
    [
        {"description": "in other words"},
        {"name": "another name"},
        {"content_template": "{{ .Device.ID }}"},
        {"defaults": {"site": "cellar"}},
        {"binding_slots": PI_SLOTS},
        {"binding_slots": PI_SLOTS[::-1]},
    ],
    ids=["description", "name", "template", "defaults", "same-slots", "slots-in-another-order"],
)
def test_what_a_bind_does_not_look_at_may_change_meanwhile(monkeypatch, magistrala, operator, profile, change):
    response = edited_meanwhile(monkeypatch, magistrala, operator, profile, change)

    assert response.status_code == 204
    assert BindingSnapshot.objects.count() == 2


@pytest.mark.parametrize(
    "slots",
    [
        [],
        PI_SLOTS[1:],
        [*PI_SLOTS, {"name": "another", "type": "channel", "required": True}],
        [PI_SLOTS[0] | {"name": "renamed"}, *PI_SLOTS[1:]],
        [PI_SLOTS[0] | {"type": "channel"}, *PI_SLOTS[1:]],
        [PI_SLOTS[0] | {"required": False}, *PI_SLOTS[1:]],
        [PI_SLOTS[0] | {"fields": ["id"]}, *PI_SLOTS[1:]],
    ],
    ids=["none", "fewer", "more", "name", "type", "required", "fields"],
)
def test_slots_that_change_meanwhile_are_a_conflict_of_409(monkeypatch, magistrala, operator, profile, slots):
    response = edited_meanwhile(monkeypatch, magistrala, operator, profile, {"binding_slots": slots})

    assert response.status_code == 409
    assert "nothing was stored" in told(response)
    assert "repeat" in told(response)
    assert BindingSnapshot.objects.count() == 0


def test_a_client_that_others_bind_meanwhile_is_connected_too(sandbox, magistrala, token, config):
    def bind_client() -> None:
        bind(config, magistrala, token, MQTT_CLIENT)

    bind(config, Meddler(magistrala, before_connect=bind_client), token, TELEMETRY)

    assert rows(config).keys() == {"mqtt_client", "telemetry"}
    assert connections(sandbox, seed.TELEMETRY_CHANNEL_ID) == {seed.CLIENT_ID: {"Publish", "Subscribe"}}


def test_others_who_never_stop_binding_are_a_conflict(sandbox, magistrala, token, config):
    clients = iter(sandbox.fleet(clients=10)["clients"])

    def bind_another() -> None:
        bind(config, magistrala, token, MQTT_CLIENT | {"resource_id": next(clients)})

    with pytest.raises(EnrollmentChanged):
        bind(config, Meddler(magistrala, before_connect=bind_another, always=True), token, TELEMETRY)

    assert rows(config).keys() == {"mqtt_client"}


def test_bindings_that_the_profile_does_not_declare_are_kept_and_ignored(sandbox, operator, config):
    operator.bind(config, *PI)
    other = make_profile(slots=[{"name": "telemetry", "type": "client"}, {"name": "new", "type": "channel"}])
    assign_profile(config=config, profile_id=str(other.pk))
    before = rows(config)
    sandbox.forget_calls()

    assert operator.bind(config, TELEMETRY | {"slot": "new"}).status_code == 204

    connected = {call["path"] for call in sandbox.calls("channels") if call["method"] == "POST"}
    assert connected == {f"/{seed.DOMAIN_ID}/channels/connect"}
    assert len([call for call in sandbox.calls("channels") if call["method"] == "POST"]) == 1
    after = rows(config)
    assert after.keys() == {"mqtt_client", "telemetry", "commands", "new"}
    assert all(after[slot].updated_at == before[slot].updated_at for slot in before)


def test_binding_is_logged_once_and_says_how_much(caplog, operator, config):
    with caplog.at_level(logging.INFO):
        operator.bind(config, *PI)

    (record,) = [record for record in caplog.records if record.message == "resources bound"]
    assert (record.config_id, record.bindings, record.channels) == (config.pk, 3, 2)


def test_binding_takes_seven_statements_however_many_slots(operator, config, django_assert_num_queries):
    # Config with profile, other bindings; then between savepoints: the locked config, other bindings, one upsert.
    with django_assert_num_queries(7):
        operator.bind(config, MQTT_CLIENT)
    with django_assert_num_queries(7):
        operator.bind(config, *PI)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_platform_is_asked(magistrala, token):
    config = make_config(profile=make_profile())
    seen: list[bool] = []
    # Several calls are made in other threads: what counts is the caller's own connection.
    own = connections_by_alias[DEFAULT_DB_ALIAS]
    meddler = Meddler(magistrala, before_each=lambda: seen.append(own.in_atomic_block))

    bind(config, meddler, token, *PI)

    assert len(seen) > 5
    assert not any(seen)


@pytest.mark.django_db(transaction=True)
def test_a_failing_database_stores_nothing(monkeypatch, magistrala, token):
    config = make_config(profile=make_profile())
    bind(config, magistrala, token, COMMANDS)
    before = stored(config)

    def fail(*args: Any, **options: Any) -> None:
        with transaction.atomic():
            BindingSnapshot.objects.filter(config=config).update(resource_id="half done")
        raise RuntimeError

    monkeypatch.setattr(BindingSnapshot.objects.__class__, "bulk_create", fail)
    with pytest.raises(RuntimeError):
        bind(config, magistrala, token, *PI)

    assert stored(config) == before
