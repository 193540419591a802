"""Secrets are sealed in the database and shown nowhere."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connection

from bootstrap_project.magistrala.sandbox import seed
from bootstrap_project.observability.logging import JsonFormatter
from bootstrap_project.security.keyring import SealError
from enrollments.models import BindingSnapshot
from tests.support.api import told
from tests.support.enrollments import MQTT_CLIENT, TELEMETRY, make_config, make_profile, rows


def raw_rows() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM enrollments_bindingsnapshot")
        return repr(cursor.fetchall())


def test_the_database_holds_no_secret_in_clear(operator, config):
    operator.bind(config, MQTT_CLIENT)

    row = rows(config)["mqtt_client"]
    assert row.secret_snapshot == {"secret": seed.CLIENT_SECRET}
    assert row.secret_sealed.startswith("v1.")
    assert seed.CLIENT_SECRET not in raw_rows()
    assert "secret" not in str(row.snapshot)


@pytest.mark.parametrize("what", ["config", "slot", "text"])
def test_a_sealed_secret_opens_nowhere_else(operator, profile, config, what):
    second = make_config(profile=profile)
    operator.bind(config, MQTT_CLIENT)
    operator.bind(second, MQTT_CLIENT)
    stolen = rows(config)["mqtt_client"].secret_sealed
    target = rows(second)["mqtt_client"]

    if what == "config":
        target.secret_sealed = stolen
    elif what == "slot":
        target.slot = "other"
    else:
        target.secret_sealed = target.secret_sealed[:-4] + ("AAAA" if target.secret_sealed[-4:] != "AAAA" else "BBBB")

    with pytest.raises(SealError):
        _ = target.secret_snapshot


def test_no_answer_log_or_repr_shows_a_secret(caplog, sandbox, operator, token, config):
    answers: list[Any] = []
    with caplog.at_level(logging.DEBUG):
        answers.append(operator.bind(config, MQTT_CLIENT, TELEMETRY))
        answers.append(operator.bindings(config))
        answers.append(operator.refresh(config))
        answers.append(operator.bind(config, MQTT_CLIENT | {"slot": "nowhere"}))
        sandbox.faults({"kind": "truncated", "match": {"service": "clients"}})
        answers.append(operator.refresh(config))
        sandbox.faults({"kind": "status", "status": 500, "match": {"service": "channels", "method": "POST"}})
        answers.append(operator.bind(config, MQTT_CLIENT, TELEMETRY))

    assert [answer.status_code for answer in answers] == [204, 200, 204, 400, 502, 502]
    formatter = JsonFormatter()
    shown = [answer.content.decode() + repr(answer.headers) for answer in answers]
    # Statements carry the sealed text alone; what is looked for in them is the clear one.
    shown += [f"{formatter.format(record)} {record.__dict__!r}" for record in caplog.records]
    shown += [f"{row!r} {row}" for row in BindingSnapshot.objects.all()]
    for text in shown:
        assert seed.CLIENT_SECRET not in text
        assert token not in text


def test_the_adapter_and_the_services_keep_secrets_out_of_tracebacks(magistrala, token):
    client = magistrala.view_client(seed.DOMAIN_ID, seed.CLIENT_ID, token)

    assert client.secret == seed.CLIENT_SECRET
    assert seed.CLIENT_SECRET not in repr(client)


def test_a_profile_without_the_field_keeps_the_secret_out_altogether(operator, db):
    slots = [{"name": "mqtt_client", "type": "client", "fields": ["id", "name"]}]
    config = make_config(profile=make_profile(slots=slots))

    operator.bind(config, MQTT_CLIENT)

    assert rows(config)["mqtt_client"].secret_sealed == ""


def test_a_message_quotes_what_was_asked_for_and_nothing_else(operator, config):
    response = operator.bind(config, MQTT_CLIENT | {"resource_id": seed.OTHER_CLIENT_ID})

    assert "greenhouse-fan" not in told(response)
