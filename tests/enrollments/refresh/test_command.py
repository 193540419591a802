"""`manage.py refresh_bindings`: what it selects, stores, says, and how it ends."""

from __future__ import annotations

import os
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from prometheus_client import REGISTRY

from bootstrap_project.magistrala.credential import reset_credential
from bootstrap_project.magistrala.factory import reset_client
from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.models import BindingSnapshot
from profiles.models import Profile
from tests.support.enrollments import make_config, make_profile
from tests.support.refresh import SmallFleet, make_fleet, refresh
from tests.support.rows import make_binding
from tests.support.sandbox import SandboxProcess


@pytest.fixture(autouse=True)
def signed_in(sandbox: SandboxProcess, settings: Any) -> Any:
    settings.SERVICE_TOKEN = sandbox.pat()[0]
    settings.SERVICE_USERNAME = settings.SERVICE_PASSWORD = ""
    reset_credential()
    yield
    reset_credential()


@pytest.fixture
def fleet(sandbox: SandboxProcess, db: None) -> SmallFleet:
    return make_fleet(sandbox)


def secrets_of(sandbox: SandboxProcess, fleet: SmallFleet) -> list[str]:
    token = sandbox.token("admin")
    views = [sandbox.platform("GET", f"/{seed.DOMAIN_ID}/clients/{one}", token).json() for one in fleet.clients]
    return [view["credentials"]["secret"] for view in views]


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("bootstrap_binding_refreshes_total", {"outcome": outcome}) or 0.0


# How long a config may take.


def test_a_config_that_takes_too_long_fails_and_the_run_goes_on(sandbox, settings, db):
    clients = sandbox.fleet(clients=31)["clients"]
    slots: list[dict[str, Any]] = [{"name": f"slot {number:02}", "type": "client"} for number in range(30)]
    profile = make_profile(slots=slots)
    many, one = sorted((make_config(profile=profile) for _ in range(2)), key=lambda config: config.pk)
    for slot, client in zip(slots, clients, strict=False):
        make_binding(config=many, slot=slot["name"], resource_id=client, snapshot={})
    make_binding(config=one, slot="slot 00", resource_id=clients[-1], snapshot={})
    settings.PLATFORM_DEADLINE_SECONDS = 1
    sandbox.latency(100)

    end = refresh("--all", "--workers", "1", "--json")

    assert end.code == 1
    assert end.outcomes() == {str(many.pk): "failed", str(one.pk): "changed"}
    assert end.objects[0]["error"]["reason"] == "timeout"
    assert all(row.snapshot == {} for row in BindingSnapshot.objects.filter(config=many))
    # The time is each config's own: with workers enough nothing of this takes long.
    settings.PLATFORM_DEADLINE_SECONDS = 600
    sandbox.latency(0)
    assert refresh("--all").code == 0


# What is stored.


@pytest.mark.sqlite
def test_all_snapshots_are_renewed_and_each_resource_is_asked_for_once(sandbox, fleet):
    sandbox.forget_calls()

    end = refresh("--all")

    assert end.code == 0, end.err
    for config, client in zip(fleet.configs, fleet.clients, strict=True):
        rows = fleet.stored(config)
        assert rows["mqtt_client"].snapshot["id"] == client
        assert rows["mqtt_client"].secret_snapshot["secret"]
        assert rows["telemetry"].snapshot["metadata"].keys() == {"number"}
    assert sandbox.report()["total"] == len(fleet.clients) + len(fleet.channels)
    assert "Refreshed 8 of 8 configs: 16 bindings, 10 resources" in end.out


@pytest.mark.sqlite
def test_a_second_run_writes_nothing(fleet):
    refresh("--all")
    before = fleet.everything()

    end = refresh("--all", "--json")

    assert end.code == 0
    assert set(end.outcomes().values()) == {"unchanged"}
    assert fleet.everything() == before


def test_only_rows_that_changed_are_written(sandbox, fleet):
    refresh("--all")
    before = {row[0]: row for row in fleet.everything()}
    path = f"/{seed.DOMAIN_ID}/clients/{fleet.clients[0]}/secret"
    assert sandbox.platform("PATCH", path, sandbox.token(), {"secret": "a-new-secret"}).ok

    end = refresh("--all", "--json")

    moved = [row for row in fleet.everything() if row != before[row[0]]]
    assert len(moved) == 1
    assert fleet.stored(fleet.configs[0])["mqtt_client"].secret_snapshot == {"secret": "a-new-secret"}
    assert sorted(end.outcomes().values()) == ["changed"] + ["unchanged"] * 7
    assert "a-new-secret" not in end.out + end.err


def test_a_number_that_only_changes_its_kind_is_written(sandbox, fleet):
    path = f"/{seed.DOMAIN_ID}/channels/{fleet.channels[0]}"
    sandbox.platform("PATCH", path, sandbox.token(), {"metadata": {"n": 1, "big": 1e16}})
    refresh("--all")
    sandbox.platform("PATCH", path, sandbox.token(), {"metadata": {"n": 1.0, "big": 1e16}})

    refresh("--all")

    metadata = fleet.stored(fleet.configs[0])["telemetry"].snapshot["metadata"]
    assert [repr(metadata["n"]), repr(metadata["big"])] == ["1.0", "1e+16"]


def test_what_the_profile_does_not_declare_is_left_alone(fleet):
    slots = [{"name": "telemetry", "type": "channel", "fields": ["topic"]}]
    Profile.objects.filter(pk=fleet.profile.pk).update(binding_slots=slots, version=2)

    end = refresh("--all")

    assert end.code == 0
    rows = fleet.stored(fleet.configs[0])
    assert rows["telemetry"].snapshot.keys() == {"topic"}
    assert rows["mqtt_client"].snapshot == {}


def test_statements_do_not_grow_with_the_number_of_configs(sandbox, db, django_assert_max_num_queries):
    make_fleet(sandbox, 60, clients=3)

    # Selection, count, page, bindings, profile; savepoints, lock, versions and one write.
    with django_assert_max_num_queries(12):
        assert refresh("--all").code == 0


# What is selected.


def test_nothing_is_selected_without_a_filter(fleet):
    before = fleet.everything()

    end = refresh()

    assert end.code == 2
    assert "--all" in end.err
    assert fleet.everything() == before


def test_filters_select(sandbox, fleet):
    other = make_fleet(sandbox, 2)
    mine = {str(config.pk) for config in fleet.configs}
    two = [str(config.pk) for config in fleet.configs[:2]]

    assert refresh("--profile", str(fleet.profile.pk), "--json").outcomes().keys() == mine
    assert refresh("--domain", seed.DOMAIN_ID, "--json").outcomes().keys() > mine
    assert refresh("--config", *two, "--json").outcomes().keys() == set(two)
    assert refresh("--config", two[0], "--config", two[1], "--json").outcomes().keys() == set(two)
    assert refresh("--config", *two, "--profile", str(other.profile.pk), "--json").outcomes() == {}


def test_one_slot_can_be_refreshed_alone(fleet):
    end = refresh("--slot", "telemetry", "--json")

    assert end.code == 0
    rows = fleet.stored(fleet.configs[0])
    assert rows["telemetry"].snapshot
    assert rows["mqtt_client"].snapshot == {}
    assert [slot["slot"] for slot in end.objects[0]["slots"]] == ["telemetry"]


def test_old_copies_can_be_selected(fleet):
    old = fleet.configs[3]
    BindingSnapshot.objects.filter(config=old, slot="telemetry").update(updated_at=timezone.now() - timedelta(hours=25))

    assert list(refresh("--older-than", "24h", "--json").outcomes()) == [str(old.pk)]
    assert refresh("--older-than", "2d", "--json").outcomes() == {}


def test_a_run_goes_on_behind_an_id(fleet):
    ids = [str(config.pk) for config in fleet.by_id()]

    assert list(refresh("--all", "--json", "--after", ids[4]).outcomes()) == ids[5:]
    named = refresh("--config", *ids, "--json", "--after", ids[6])
    assert list(named.outcomes()) == ids[7:]
    assert "1 of 1 configs" in named.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", str(uuid.UUID(int=1))], "there is no config 00000000-0000-0000-0000-000000000001"),
        (["--profile", str(uuid.UUID(int=2))], "there is no profile 00000000-0000-0000-0000-000000000002"),
        (["--domain", "nowhere"], "there is no config in the domain nowhere"),
        (["--slot", "telemetri"], "no profile has a slot 'telemetri'"),
        (["--config", "x"], "'x' is no id"),
        (["--older-than", "1 day"], "write 90s, 30m, 24h, 7d or 8w"),
        (["--all", "--workers", "0"], "give 1 to 256"),
    ],
)
def test_what_cannot_be_meant_is_said(fleet, arguments, message):
    end = refresh(*arguments)

    assert end.code != 0
    assert message in end.err
    assert end.out == ""


@pytest.mark.parametrize("option", ["--domain", "--slot"])
def test_an_argument_that_is_no_utf_8_is_told_in_words(fleet, option):
    end = refresh(option, os.fsdecode(b"caf\xe9"))

    assert end.code == 2
    assert end.err == f"{option} 'caf\\udce9' is no UTF-8; nothing that is stored can match it\n"
    assert end.out == ""


def test_a_config_of_another_domain_is_unknown_in_this_one(fleet):
    end = refresh("--domain", seed.OTHER_DOMAIN_ID, "--config", str(fleet.configs[0].pk))

    assert end.code == 2
    assert f"there is no config {fleet.configs[0].pk} in the domain {seed.OTHER_DOMAIN_ID}" in end.err


def test_what_has_nothing_bound_is_counted_apart(fleet):
    lone = Config.objects.create(domain_id=seed.DOMAIN_ID, external_id="lone", external_key_hash="unused")

    end = refresh("--all", "--json")

    assert end.code == 0
    assert end.outcomes()[str(lone.pk)] == "unbound"


# What goes wrong.


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "status", "status": 404}, "gone"),
        ({"kind": "status", "status": 403}, "forbidden"),
        ({"kind": "status", "status": 503}, "unavailable"),
        ({"kind": "slow", "seconds": 5}, "timeout"),
        ({"kind": "garbage"}, "unavailable"),
        ({"kind": "wrong_type"}, "unavailable"),
        ({"kind": "truncated"}, "unavailable"),
        ({"kind": "down"}, "unavailable"),
        ({"kind": "reset"}, "unavailable"),
        ({"kind": "trickle", "seconds": 0.05}, "timeout"),
        ({"kind": "redirect"}, "unavailable"),
        ({"kind": "oversized"}, "unavailable"),
    ],
)
def test_one_broken_resource_fails_only_the_configs_that_bind_it(sandbox, settings, fleet, fault, reason):
    settings.MG_READ_TIMEOUT_SECONDS = 0.5
    reset_client()
    refresh("--all")
    sandbox.change_everything()
    broken = fleet.configs[2]
    before = {slot: row.snapshot for slot, row in fleet.stored(broken).items()}
    failures = counted(reason)
    sandbox.faults(fault | {"match": {"resource_id": fleet.clients[2]}})

    end = refresh("--all", "--json")
    table = refresh("--all")

    assert end.code == table.code == 1
    outcomes = end.outcomes()
    assert outcomes.pop(str(broken.pk)) == "failed"
    assert set(outcomes.values()) == {"changed"}
    [failed] = [one for one in end.objects if one["outcome"] == "failed"]
    assert failed["error"]["reason"] == reason
    assert failed["error"]["slot"] == "mqtt_client"
    assert failed["error"]["message"].startswith("slot 'mqtt_client': ")
    assert {slot: row.snapshot for slot, row in fleet.stored(broken).items()} == before
    assert f"    {reason:<16}{1:>10}" in table.out
    assert str(broken.pk) in table.out
    assert counted(reason) == failures + 4


def test_a_shared_broken_resource_is_asked_for_once(sandbox, fleet):
    sandbox.faults({"kind": "status", "status": 404, "match": {"resource_id": fleet.channels[0]}})
    sandbox.forget_calls()

    end = refresh("--all", "--json")

    assert sorted(end.outcomes().values()) == ["changed"] * 4 + ["failed"] * 4
    assert sum(fleet.channels[0] in call["path"] for call in sandbox.calls()) == 1


def test_a_resource_of_another_domain_counts_as_gone(sandbox, settings, fleet):
    settings.SERVICE_TOKEN = sandbox.pat("admin")[0]
    config = fleet.configs[0]
    BindingSnapshot.objects.filter(config=config, slot="mqtt_client").update(resource_id=seed.OTHER_CLIENT_ID)

    end = refresh("--config", str(config.pk), "--json")

    assert end.code == 1
    assert end.objects[0]["error"]["reason"] == "gone"


def test_a_run_that_gives_up_goes_on_with_the_same_choice(sandbox, db):
    fleet = make_fleet(sandbox, 60)
    sandbox.faults({"kind": "status", "status": 503, "match": {"service": "clients"}})
    chosen = ["--profile", str(fleet.profile.pk), "--slot", fleet.profile.binding_slots[0]["name"]]

    end = refresh(*chosen)

    [command] = [line.partition(": ")[2] for line in end.err.splitlines() if line.startswith("To go on: ")]
    assert command.split() == ["manage.py", "refresh_bindings", *chosen]


def test_a_platform_that_is_down_ends_the_run_early(sandbox, db):
    fleet = make_fleet(sandbox, 300)
    sandbox.faults({"kind": "status", "status": 503, "match": {"service": "clients"}})
    sandbox.forget_calls()

    end = refresh("--all")

    assert end.code == 2
    assert "Gave up: The Magistrala clients service failed (503)" in end.err
    assert "To go on: manage.py refresh_bindings --all" in end.err
    assert "--after" not in end.err
    assert sandbox.report()["total"] < 150
    assert not any(any(fleet.fresh(config)) for config in fleet.configs[:5])


def test_a_refused_credential_ends_the_run(sandbox, settings, fleet):
    settings.SERVICE_TOKEN, pat_id = sandbox.pat()
    sandbox.revoke_pat(pat_id)

    end = refresh("--all")

    assert end.code == 2
    assert "MG_BOOTSTRAP_TOKEN may be revoked or expired" in end.err
    assert settings.SERVICE_TOKEN not in end.out + end.err


def test_no_credential_is_told_before_anything_is_done(sandbox, settings, fleet):
    settings.SERVICE_TOKEN = ""
    sandbox.forget_calls()

    end = refresh("--all")

    assert end.code == 2
    assert "MG_BOOTSTRAP_TOKEN" in end.err
    assert sandbox.report()["total"] == 0


def test_a_token_that_expires_on_the_way_is_renewed(sandbox, settings, fleet):
    settings.SERVICE_TOKEN = ""
    settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = seed.OPERATOR, seed.OPERATOR_PASSWORD
    reset_credential()
    sandbox.faults({"kind": "status", "status": 401, "times": 1, "match": {"resource_id": fleet.clients[4]}})

    end = refresh("--all")

    assert end.code == 0, end.err
    assert all(all(fleet.fresh(config)) for config in fleet.configs)


# What is said.


def test_a_dry_run_shows_the_difference_and_writes_nothing(sandbox, fleet):
    refresh("--all")
    sandbox.change_everything()
    sandbox.platform(
        "PATCH", f"/{seed.DOMAIN_ID}/channels/{fleet.channels[0]}", sandbox.token(), {"name": "bell\x07\x9bname"}
    )
    before = fleet.everything()

    end = refresh("--all", "--dry-run")

    assert end.code == 0
    assert fleet.everything() == before
    assert (
        f"{fleet.configs[0].pk} ({fleet.configs[0].external_id})\n  mqtt_client: client {fleet.clients[0]}\n" in end.out
    )
    assert "    secret changed\n" in end.out
    assert r'    name: "fleet-channel-0" -> "bell\u0007\u009bname"' in end.out
    assert f"  {'would change':<18}{8:>10}" in end.out


def test_json_has_one_object_for_each_config_and_the_table_on_standard_error(sandbox, fleet):
    refresh("--all")
    sandbox.change_everything()

    end = refresh("--all", "--json", "--dry-run")
    assert end.code == 0, end.err

    assert [one["config_id"] for one in end.objects] == [str(config.pk) for config in fleet.by_id()]
    client, channel = end.objects[0]["slots"]
    assert (client["outcome"], client["secret_changed"], client["diff"]) == ("changed", True, {})
    assert channel["diff"]["metadata"]["after"].keys() == {"number", "changed"}
    assert end.objects[0]["dry_run"] is True
    assert "Compared 8 of 8 configs" in end.err


def test_no_secret_is_ever_printed_or_logged(sandbox, settings, fleet, caplog):
    caplog.set_level("DEBUG")
    said = refresh("--all", "--json")
    before = secrets_of(sandbox, fleet)
    sandbox.change_everything()
    after = secrets_of(sandbox, fleet)
    runs = [said, refresh("--all", "--dry-run"), refresh("--all", "--dry-run", "--json"), refresh("--all")]

    text = "".join(run.out + run.err for run in runs) + caplog.text + repr([vars(one) for one in caplog.records])

    assert not [secret for secret in (*before, *after, settings.SERVICE_TOKEN) if secret in text]


def test_the_run_is_logged_with_its_counts(fleet, caplog):
    caplog.set_level("INFO", "enrollments.refresh.run")

    refresh("--all")

    end = vars(caplog.records[-1])
    assert (end["message"], end["changed"], end["failed"], end["resources"]) == ("fleet refresh ended", 8, 0, 10)


def test_the_platform_sees_one_request_id(sandbox, fleet):
    sandbox.forget_calls()

    refresh("--all")

    assert len({call["request_id"] for call in sandbox.calls() if call["request_id"]}) == 1


def test_more_workers_than_connections_are_not_started(sandbox, settings, fleet):
    settings.MG_POOL_SIZE = 2
    sandbox.latency(5)
    sandbox.forget_calls()

    end = refresh("--all", "--workers", "9")

    assert end.code == 0
    assert "Using 2 workers" in end.err
    assert sandbox.report()["most_in_flight"] <= 2


def test_many_questions_are_asked_at_once(sandbox, fleet):
    # Time enough for all threads to start on a busy machine.
    sandbox.latency(200)
    sandbox.forget_calls()

    refresh("--all")

    assert 4 <= sandbox.report()["most_in_flight"] <= 16
    assert connection.connection is not None


# From a timer.


def test_a_quiet_run_that_goes_well_says_nothing(fleet, caplog):
    caplog.set_level("DEBUG")

    done = refresh("--all", "-v", "0", "--workers", "256")

    assert (done.code, done.out, done.err) == (0, "", "")
    assert [record for record in caplog.records if record.name.startswith("enrollments.refresh")] == []
    assert refresh("--all").out.startswith("Refreshed 8 of 8 configs")


def test_a_quiet_run_that_fails_prints_its_table(fleet, caplog):
    BindingSnapshot.objects.filter(slot="mqtt_client").update(resource_id="00000000-0000-4000-8000-000000000000")

    done = refresh("--all", "-v", "0")

    assert done.code == 1
    assert done.out.startswith("Refreshed 8 of 8 configs")
    assert "resource not refreshed" not in [r.getMessage() for r in caplog.records if r.levelname != "DEBUG"]


@pytest.mark.parametrize("name", ["prune_attempts", "prune_logins", "reseal_secrets", "renew_key_digests"])
def test_other_commands_for_timers_are_quiet_as_well(db, capsys, name):
    call_command(name, verbosity=0)
    assert capsys.readouterr() == ("", "")

    call_command(name)
    assert capsys.readouterr().out
