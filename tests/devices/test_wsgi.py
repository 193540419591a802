"""The short way in for devices says what Django's way says, byte for byte, and leaves everything else to it."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client

from bootstrap_project.security import transport_cipher
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
    "a slash too many before the id": {"path": "/clients/bootstrap//pi-1", "headers": RIGHT},
    "a slash too many behind the id": {"path": "/clients/bootstrap/pi-1/", "headers": RIGHT},
    "slashes all over": {"path": "/clients/bootstrap///secure//pi-1//", "headers": RIGHT},
    "slashes without an id": {"path": "/clients/bootstrap//", "headers": RIGHT},
    "a place with nothing behind it": {"path": "/clients/bootstrap//challenges/", "headers": RIGHT},
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


SPARE = ["/clients/bootstrap//{}", "/clients/bootstrap/{}/", "/clients/bootstrap///{}///", "//clients/bootstrap/{}"]


@pytest.mark.parametrize("path", [path.format(id_) for path in SPARE for id_ in ("pi-1", "secure/pi-1")])
def test_a_slash_too_many_finds_the_device(short, path, caplog, monkeypatch):
    make_pi()
    attempts: list[Any] = []
    monkeypatch.setattr("devices.audit.record", lambda _outcome, make, *, is_known: attempts.append(make()))
    is_secure = "secure" in path
    key = transport_cipher.encrypt(settings.TRANSPORT_KEY, EXTERNAL_KEY.encode()).hex() if is_secure else EXTERNAL_KEY
    right, wrong = {"authorization": f"Client {key}"}, {"authorization": "Client 00"}
    plain = "/clients/bootstrap/secure/pi-1" if is_secure else "/clients/bootstrap/pi-1"

    with caplog.at_level(logging.INFO, logger="bootstrap.request"):
        answers = [call(short, path=asked, **key) for asked in (path, plain) for key in (right, wrong)]

    assert [answer["status"][:3] for answer in answers] == ["200", "403"] * 2
    if not is_secure:
        assert answers[:2] == answers[2:]
    assert [attempt.external_id for attempt in attempts] == ["pi-1"] * 4
    assert [attempt.path for attempt in attempts] == [path, path, "", ""]
    lines = [record for record in caplog.records if record.name == "bootstrap.request"]
    assert [getattr(line, "path", "") for line in lines] == [path, path, "", ""]
    assert len({line.route for line in lines}) == 1


@pytest.mark.parametrize("place", ["secure", "challenges", "configurations", "report"])
def test_a_place_with_nothing_behind_it_is_no_id_but_for_devices_of_that_name(short, place):
    make_config(external_id=place, external_key=EXTERNAL_KEY, content="static")

    assert call(short, path=f"/clients/bootstrap/{place}", **RIGHT)["status"] == "200 OK"
    assert call(short, path=f"/clients/bootstrap//{place}", **RIGHT)["status"] == "200 OK"
    for path in (f"/clients/bootstrap/{place}/", f"/clients/bootstrap//{place}//"):
        assert call(short, path=path, **RIGHT)["status"] == "404 Not Found"


def test_an_operator_without_a_domain_is_no_device(short):
    answer = call(short, path="//clients/bootstrap/profiles", authorization="Bearer x")

    assert answer["status"] == "404 Not Found"


def test_failures_are_limited_however_they_are_asked_for(short, monkeypatch):
    make_pi()
    monkeypatch.setattr(settings, "SOURCE_FAILURES", (3.0, 0.001))
    wrong = {"authorization": "Client wrong"}

    answers = [call(short, path=path.format("pi-1"), **wrong)["status"][:3] for path in SPARE]

    assert answers == ["403", "403", "403", "429"]
