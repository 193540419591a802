"""Outages: one line when one begins, one when it ends, whatever lies between."""

from __future__ import annotations

import logging

import pytest
from django.db import OperationalError

from bootstrap_project.database import outages, trouble
from bootstrap_project.database.outages import Outages
from bootstrap_project.observability import middleware

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(caplog):
    def lines():
        return [record for record in caplog.records if record.name != "bootstrap.request"]

    caplog.set_level(logging.INFO)
    return lines


@pytest.fixture
def database(monkeypatch):
    made = Outages("the database", quiet_seconds=0)
    monkeypatch.setattr(trouble, "database", made)
    monkeypatch.setattr(middleware, "database", made)
    return made


def test_a_success_ends_it_only_when_nothing_failed_for_a_while(caplog):
    caplog.set_level(logging.INFO)
    flapping = Outages("it", quiet_seconds=3600)

    for _ in range(10):
        flapping.failed("away", "reason")
        flapping.worked()

    assert [record.getMessage() for record in caplog.records] == ["it cannot be used"]


def test_each_cause_has_its_line(caplog):
    caplog.set_level(logging.INFO)
    several = Outages("it", quiet_seconds=0)

    for _ in range(3):
        several.failed("away", "one reason")
        several.failed("disk full", "another")
    several.worked()

    begun, ended = caplog.records[:2], caplog.records[2:]
    assert [(record.cause, record.reason) for record in begun] == [("away", "one reason"), ("disk full", "another")]
    assert {(record.cause, record.failures) for record in ended} == {("away", 3), ("disk full", 3)}


def requests_of(caplog):
    return [record for record in caplog.records if record.name == "bootstrap.request"]


def test_an_outage_costs_programs_requests_a_line_each_and_no_traceback(api, monkeypatch, caplog, lines, database):
    def away(**_):
        raise OperationalError("connection refused\n\tIs the server running?")

    with monkeypatch.context() as patch:
        patch.setattr("configs.views.get_config", away)
        for _ in range(20):
            assert api.get("/clients/configs/00000000-0000-4000-8000-000000000000").status_code == 503
    caplog_requests = requests_of(caplog)
    assert api.get("/clients/configs").status_code == 200

    assert len(caplog_requests) == 20
    assert {record.reason for record in caplog_requests} == {
        "OperationalError: connection refused Is the server running?"
    }
    assert {record.levelname for record in caplog_requests} == {"WARNING"}
    assert [record.getMessage() for record in lines() if record.name == outages.__name__] == [
        "the database cannot be used",
        "the database can be used again",
    ]
    assert not [record for record in caplog.records if record.exc_info and record.name != "django.request"]
