"""What only a real server and real threads show: races, framing, headers."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

CALLERS = 20


def all_at_once(operator, make):
    """Send CALLERS requests in parallel, each on a connection of its own; return the statuses."""

    def send(number):
        method, path, body = make(number)
        headers = {"Authorization": f"Bearer {operator.token}"}
        url = f"{operator.base}/{operator.domain_id}{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(CALLERS) as pool:
        return Counter(pool.map(send, range(CALLERS)))


def test_of_twenty_parallel_creates_of_one_external_id_one_succeeds(operator):
    body = {"external_id": "contested", "external_key": "k"}

    statuses = all_at_once(operator, lambda number: ("POST", "/clients/configs", body | {"name": f"n{number}"}))

    assert statuses == {201: 1, 409: CALLERS - 1}
    assert operator.call("GET", "/clients/configs").json()["total"] == 1


def test_of_twenty_parallel_creates_of_one_name_one_succeeds(operator):
    statuses = all_at_once(
        operator,
        lambda number: ("POST", "/clients/configs", {"external_id": f"e{number}", "external_key": "k", "name": "n"}),
    )

    assert statuses == {201: 1, 409: CALLERS - 1}


def test_of_twenty_parallel_profiles_of_one_name_one_succeeds(operator):
    statuses = all_at_once(operator, lambda _: ("POST", "/clients/bootstrap/profiles", {"name": "contested"}))

    assert statuses == {201: 1, 409: CALLERS - 1}


def test_twenty_parallel_creates_of_different_configs_all_succeed(operator):
    statuses = all_at_once(
        operator, lambda number: ("POST", "/clients/configs", {"external_id": f"e{number}", "external_key": "k"})
    )

    assert statuses == {201: CALLERS}


def test_twenty_parallel_updates_of_a_profile_all_count(operator):
    profile = operator.call("POST", "/clients/bootstrap/profiles", {"name": "p"}).json()["id"]
    path = f"/clients/bootstrap/profiles/{profile}"

    statuses = all_at_once(operator, lambda number: ("PATCH", path, {"description": f"d{number}"}))

    assert statuses == {200: CALLERS}
    assert operator.call("GET", path).json()["version"] == 1 + CALLERS


def test_a_profile_that_is_removed_while_it_is_assigned_leaves_nothing_dangling(operator):
    profile = operator.call("POST", "/clients/bootstrap/profiles", {"name": "p"}).json()["id"]
    config = operator.call("POST", "/clients/configs", {"external_id": "e", "external_key": "k"}).json()["id"]

    def make(number):
        if number % 2:
            return "DELETE", f"/clients/bootstrap/profiles/{profile}", None
        return "PATCH", f"/clients/bootstrap/enrollments/{config}/profile", {"profile_id": profile}

    statuses = all_at_once(operator, make)

    assert set(statuses) <= {204, 404, 409}
    left = operator.call("GET", f"/clients/configs/{config}").json()["profile_id"]
    found = operator.call("GET", f"/clients/bootstrap/profiles/{profile}").status_code
    assert (left, found) in {(profile, 200), ("", 404)}


# Framing.


@pytest.fixture
def raw(operator):
    """Send exact bytes and return status, headers and body."""

    def sending(head, body=b""):
        host, port = operator.base.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return response.status, response.headers, response.read()

    return sending


def test_a_body_in_chunks_is_read(operator):
    def pieces():
        yield b'{"external_id": "chunked",'
        yield b' "external_key": "k"}'

    answer = operator.call("POST", "/clients/configs", pieces(), headers={"Content-Type": "application/json"})

    assert answer.status_code == 201, answer.text


def test_a_body_in_chunks_is_limited_too(operator):
    def pieces():
        yield b'{"content": "'
        for _ in range(20):
            yield b"x" * 100_000
        yield b'"}'

    answer = operator.call("POST", "/clients/configs", pieces(), headers={"Content-Type": "application/json"})

    assert answer.status_code == 413, answer.text


def connect(operator):
    host, port = operator.base.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def test_bodies_that_do_not_come_keep_nobody_waiting_and_are_given_up(operator):
    head = b"POST /admin/login/ HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
    with contextlib.ExitStack() as stack:
        stalled = [stack.enter_context(connect(operator)) for _ in range(40)]
        for connection in stalled:
            connection.sendall(head)

        for _ in range(4):
            assert operator.call("GET", "/clients/configs?limit=1").status_code == 200
            assert requests.get(f"{operator.base}/admin/login/", timeout=10).status_code == 200
        answer = http.client.HTTPResponse(stalled[0])
        answer.begin()
        answer.read()

        assert answer.status in {400, 403}
        assert answer.headers["Connection"] == "close"
        assert stalled[0].recv(1) == b""


@pytest.mark.parametrize("ending", ["half", "close"])
def test_an_upload_that_broke_off_is_not_stored(operator, ending):
    body = b"name: broken-off\ncontent_template: 'short'\n"
    head = (
        f"POST /{operator.domain_id}/clients/bootstrap/profiles/upload HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {operator.token}\r\nContent-Type: application/yaml\r\nContent-Length: 900\r\n\r\n"
    )
    with connect(operator) as connection:
        connection.sendall(head.encode() + body)
        if ending == "half":
            connection.shutdown(socket.SHUT_WR)
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 400
            assert b"the body broke off" in answer.read()

    names = [one["name"] for one in operator.call("GET", "/clients/bootstrap/profiles").json()["profiles"]]
    assert "broken-off" not in names


def test_a_document_that_may_end_anywhere_needs_its_length(operator):
    headers = {"Content-Type": "application/yaml"}

    answer = operator.call("POST", "/clients/bootstrap/profiles/upload", iter([b"name: x"]), headers=headers)

    assert answer.status_code == 411
    assert "Content-Length" in answer.json()["error"]


def test_a_body_above_the_limit_is_answered_in_json(operator):
    body = json.dumps({"content": "x" * 1_100_000})

    answer = operator.call("POST", "/clients/configs", body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert answer.json()["message"] == "request body too large"


def test_the_callers_request_id_comes_back(operator):
    answer = operator.call("GET", "/clients/configs/unknown", headers={"X-Request-ID": "caller-request-1"})
    forged = operator.call("GET", "/clients/configs/unknown", headers={"X-Request-ID": "a b<script>"})

    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == "caller-request-1"
    assert forged.headers["X-Request-ID"] == forged.json()["request_id"] != "a b<script>"


def test_the_callers_request_id_reaches_the_platform(operator, platform):
    platform.forget_calls()

    operator.call("GET", "/clients/configs", headers={"X-Request-ID": "caller-request-2"})

    headers = [{name.lower(): value for name, value in call.get("headers", {}).items()} for call in platform.calls()]
    assert [sent.get("x-request-id") for sent in headers if sent] in ([], ["caller-request-2"])


def test_head_answers_like_get_without_a_body(operator):
    answer = operator.call("HEAD", "/clients/configs")

    assert answer.status_code == 200
    assert answer.content == b""


@pytest.mark.parametrize(
    "path", ["/nowhere", "/", "/%ff", "/a/b/c/d", "/static/nothing.js", "/clients/bootstrap/secure/"]
)
def test_an_unknown_path_is_answered_in_json(operator, path):
    answer = operator.http.get(operator.base + path, timeout=10)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["message"] == "not found"


def test_a_host_that_nobody_knows_is_served(raw):
    status, headers, _ = raw("GET /health HTTP/1.1\nHost: 10.1.2.3:9013\nConnection: close")

    assert status == 200
    assert headers["X-Request-ID"]


def test_a_token_that_is_not_ascii_is_refused(raw, operator):
    path = f"/{operator.domain_id}/clients/configs"

    status, _, body = raw(f"GET {path} HTTP/1.1\nHost: x\nAuthorization: Bearer t\xe9\nConnection: close")

    assert status == 401
    assert json.loads(body)["message"] == "missing or invalid bearer user token"


def test_no_answer_names_the_machinery(operator):
    for answer in (operator.call("GET", "/clients/configs"), operator.call("GET", "/nowhere")):
        assert not {"Server", "X-Powered-By"} & set(answer.headers) or "Django" not in answer.headers.get("Server", "")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
