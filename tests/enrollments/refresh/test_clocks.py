"""Clocks that are wrong: neither a bind's nor a refresh's decides what is newer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from bootstrap_project.magistrala.credential import reset_credential
from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from enrollments.binding.bind import BindingRequest, bind_resources
from enrollments.models import BindingSnapshot
from enrollments.refresh.run_one import SlotOutcome, refresh_bindings
from tests.support.enrollments import MQTT_CLIENT, TELEMETRY, Meddler, Operator, make_config, rows
from tests.support.refresh import refresh as refresh_command
from tests.support.sandbox import SandboxProcess

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
WRONG = [DAY, HOUR, MINUTE, -MINUTE, -HOUR, -DAY]
#: Long enough for tokens to hold through a day.
LIFETIME = 7 * 86_400


@pytest.fixture
def operator(sandbox: SandboxProcess) -> Operator:
    return Operator(sandbox.token(lifetime=LIFETIME))


@pytest.fixture
def command(sandbox: SandboxProcess, settings: Any) -> Any:
    """The command, signed in."""
    settings.SERVICE_TOKEN = sandbox.pat()[0]
    settings.SERVICE_USERNAME = settings.SERVICE_PASSWORD = ""
    reset_credential()
    yield refresh_command
    reset_credential()


def bind(config: Config, magistrala: Any, token: str) -> None:
    bind_resources(config=config, requests=[BindingRequest(**TELEMETRY)], magistrala=magistrala, token=token)


def renamed(config: Config) -> bool:
    return bool(rows(config)["telemetry"].snapshot["name"] == "renamed")


def rename(sandbox: SandboxProcess) -> None:
    path = f"/{seed.DOMAIN_ID}/channels/{seed.TELEMETRY_CHANNEL_ID}"
    assert sandbox.platform("PATCH", path, sandbox.token(), {"name": "renamed"}).status_code == 200


@pytest.mark.parametrize("off", WRONG, ids=str)
@pytest.mark.parametrize("how", ["rest", "command"])
def test_what_was_written_by_a_clock_that_was_wrong_is_refreshed(sandbox, operator, command, config, how, off):
    operator.bind(config, TELEMETRY)
    BindingSnapshot.objects.update(updated_at=timezone.now() + off)
    rename(sandbox)

    if how == "rest":
        assert operator.refresh(config).status_code == 204
    else:
        assert command("--all").code == 0

    assert renamed(config)
    assert abs(rows(config)["telemetry"].updated_at - timezone.now()) < MINUTE


@pytest.mark.parametrize("off", [-DAY, -HOUR, -MINUTE], ids=str)
def test_a_refresh_by_a_clock_that_is_behind_stores_the_news(sandbox, operator, magistrala, token, config, off):
    operator.bind(config, TELEMETRY)
    rename(sandbox)

    with time_machine.travel(timezone.now() + off):
        refresh_bindings(config=config, magistrala=magistrala, token=token)

    assert renamed(config)


@pytest.mark.parametrize("off", WRONG, ids=str)
def test_a_run_of_the_command_by_a_wrong_clock_stores_the_news(sandbox, operator, command, config, off):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no clock of its own")
    operator.bind(config, TELEMETRY)
    rename(sandbox)

    with time_machine.travel(timezone.now() + off):
        assert command("--all").code == 0

    assert renamed(config)
    assert abs(rows(config)["telemetry"].updated_at - timezone.now()) < MINUTE


@pytest.mark.parametrize("off", [DAY, -DAY], ids=str)
def test_what_a_wrong_clock_binds_is_dated_by_the_database(sandbox, operator, magistrala, token, config, off):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no clock of its own")
    config_of_yesterday = make_config(profile=config.profile)

    with time_machine.travel(timezone.now() + off):
        bind(config_of_yesterday, magistrala, token)

    assert abs(rows(config_of_yesterday)["telemetry"].updated_at - timezone.now()) < MINUTE


@pytest.mark.parametrize("off", [DAY, timedelta(), -DAY], ids=str)
def test_what_others_bind_while_the_platform_is_asked_stays(sandbox, operator, magistrala, token, config, off):
    (other,) = sandbox.fleet(clients=1)["clients"]
    operator.bind(config, MQTT_CLIENT)
    sandbox.change_everything()
    bound = [False]

    def bind_other() -> None:
        if not bound[0]:
            bound[0] = True
            assert operator.bind(config, MQTT_CLIENT | {"resource_id": other}).status_code == 204
            assert operator.bind(config, MQTT_CLIENT).status_code == 204
            BindingSnapshot.objects.update(updated_at=timezone.now() + off)

    result = refresh_bindings(config=config, magistrala=Meddler(magistrala, before_each=bind_other), token=token)

    assert [slot.outcome for slot in result.slots] == [SlotOutcome.NEWER]


def test_copies_of_a_clock_that_was_ahead_count_as_old(sandbox, operator, command, config):
    operator.bind(config, TELEMETRY)
    BindingSnapshot.objects.update(updated_at=timezone.now() + DAY)
    rename(sandbox)

    assert command("--older-than", "8w").code == 0

    assert renamed(config)
