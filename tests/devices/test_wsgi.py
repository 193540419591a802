"""The short way in for devices says what Django's way says, byte for byte, and leaves everything else to it."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client

from devices.wsgi import DeviceApplication
from tests.devices.conftest import make_pi
from tests.support.rows import EXTERNAL_KEY, make_config
from tests.support.wsgi import make_environ

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

REQUEST_ID = "same-for-both-ways"


def call(application, method="GET", path="/clients/bootstrap/pi-1", query="", **headers):
    answered = {}

    def start_response(status, response_headers, exc_info=None):
        answered["status"] = status
        answered["headers"] = sorted(response_headers)

    environ = make_environ(path, method=method, query=query, headers={"X-Request-ID": REQUEST_ID, **headers})
    body = application(environ, start_response)
    answered["body"] = b"".join(body)
    return answered


@pytest.fixture
def django():
    # The test client's way of leaving the test's transaction open: signals close no connection.
    from django.core.signals import request_finished, request_started  # noqa: PLC0415
    from django.db import close_old_connections  # noqa: PLC0415

    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield WSGIHandler()
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@pytest.fixture
def short(django):
    return DeviceApplication(django)


RIGHT = {"authorization": f"Client {EXTERNAL_KEY}"}
CALLS: dict[str, dict[str, Any]] = {
    "right": {"headers": RIGHT},
    "head": {"method": "HEAD", "headers": RIGHT},
    "wrong key": {"headers": {"authorization": "Client wrong"}},
    "no key": {"headers": {}},
    "another scheme": {"headers": {"authorization": "Bearer x"}},
    "unknown id": {"path": "/clients/bootstrap/none", "headers": RIGHT},
    "disabled": {"path": "/clients/bootstrap/off", "headers": RIGHT},
    "by key alone": {"path": "/clients/bootstrap/", "headers": {"authorization": "Client only-mine"}},
    "by key alone, bare": {"path": "/clients/bootstrap", "headers": {"authorization": "Client only-mine"}},
    "no hexadecimal": {"path": "/clients/bootstrap/secure/pi-1", "headers": RIGHT},
    "secure without an id": {"path": "/clients/bootstrap/secure/", "headers": RIGHT},
    "id of two segments": {"path": "/clients/bootstrap/a/b", "headers": RIGHT},
    "more than the prefix": {"path": "/clients/bootstrapping", "headers": RIGHT},
    "encoded id": {"path": "/clients/bootstrap/caf\u00c3\u00a9 1", "headers": RIGHT},
    "broken UTF-8": {"path": "/clients/bootstrap/\u00ff", "headers": RIGHT},
    "another method": {"method": "POST", "headers": RIGHT},
    "options": {"method": "OPTIONS", "headers": {}},
    "query": {"query": "x=1&external_id=pi-1", "headers": RIGHT},
    "any representation": {"headers": RIGHT | {"if_none_match": "*"}},
    "another product's path": {"path": "/health", "headers": {}},
    "nowhere": {"path": "/nowhere", "headers": {}},
}


@pytest.mark.parametrize("name", CALLS)
def test_both_ways_answer_alike(django, short, name):
    make_pi()
    make_config(external_id="off", status="disabled")
    make_config(external_id="mine", external_key="only-mine", content="static")
    make_config(external_id="café 1", content="static")
    asked = {**CALLS[name]}
    headers = asked.pop("headers")

    answers = [call(application, **asked, **headers) for application in (django, short)]

    assert answers[0] == answers[1]
    assert int(answers[0]["status"][:3]) in {200, 304, 400, 401, 403, 404, 405}


def test_a_device_s_call_does_not_reach_django_s_handler(short, monkeypatch):
    make_pi()
    monkeypatch.setattr(short, "_application", lambda *_args: pytest.fail("handed on"))

    assert call(short, **RIGHT)["status"] == "200 OK"


def test_a_bug_is_a_500_in_json_that_tells_nothing(short, monkeypatch, caplog):
    make_pi()
    monkeypatch.setattr("devices.views.bootstrap", lambda **_members: 1 / 0)

    with caplog.at_level(logging.ERROR):
        answer = call(short, **RIGHT)

    assert answer["status"] == "500 Internal Server Error"
    assert b"division" not in answer["body"]
    assert REQUEST_ID.encode() in answer["body"]
    assert "ZeroDivisionError" in caplog.text


def test_calls_count_under_their_route(short, client: Client):
    make_pi()
    series = 'route="/clients/bootstrap/<str:external_id>",status="200"'

    def counted() -> float:
        lines = client.get("/metrics").content.decode().splitlines()
        found = [line for line in lines if line.startswith("bootstrap_http_requests_total") and series in line]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)

    before = counted()
    call(short, **RIGHT)

    assert counted() == before + 1
