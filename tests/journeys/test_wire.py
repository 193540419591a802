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

from bootstrap_project.wsgi_middleware.request_body import BODY_SECONDS
from tests.journeys.conftest import TRANSPORT_KEY, Caller
from tests.support.server import ServerProcess
from tests.support.waiting import eventually

CALLERS = 20
#: For what comes in the end; how soon says nothing about the service on a machine that is busy.
PATIENCE_SECONDS = 120


def all_at_once(operator, make):
    """Send CALLERS requests in parallel, each on a connection of its own; return the statuses."""

    def send(number):
        method, path, body = make(number)
        headers = {"Authorization": f"Bearer {operator.token}"}
        url = f"{operator.base}/{operator.domain_id}{path}"
        return requests.request(method, url, json=body, headers=headers, timeout=PATIENCE_SECONDS).status_code

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
        with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as connection:
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
    return socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS)


def stall(operator, stack):
    """Begin a request whose body does not come, and return its connection."""
    connection = stack.enter_context(connect(operator))
    connection.sendall(b"POST /admin/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n")
    return connection


@pytest.mark.slow
def test_bodies_that_do_not_come_keep_nobody_waiting(operator):
    with contextlib.ExitStack() as stack:
        stalled = [stall(operator, stack) for _ in range(70)]

        # They come, whenever that is: behind bodies that held what these need they would come never.
        for _ in range(4):
            assert operator.call("GET", "/clients/configs?limit=1").status_code == 200
            assert requests.get(f"{operator.base}/admin/login/", timeout=PATIENCE_SECONDS).status_code == 200
        statuses = all_at_once(operator, lambda number: ("POST", "/clients/bootstrap/profiles", {"name": f"p{number}"}))
        assert statuses == {201: CALLERS}

        # A body that comes late after all is worked on, or told that it is late.
        stalled[0].sendall(b"x" * 500)
        answer = http.client.HTTPResponse(stalled[0])
        answer.begin()
        assert answer.status == 403


@pytest.fixture
def patient_server(database, sandbox_process):
    """One that waits for the platform for longer than a body may take."""
    environment = {
        "DATABASE_URL": database.url,
        "MG_BOOTSTRAP_ENCRYPT_KEY": TRANSPORT_KEY.decode(),
        "MG_BOOTSTRAP_OPERATOR_CACHE_SECONDS": "0",
        # One process, so that both connections are its own.
        "MG_BOOTSTRAP_WORKERS": "1",
        "MG_READ_TIMEOUT_SECONDS": str(PATIENCE_SECONDS),
        # For all questions of a request together.
        "MG_BOOTSTRAP_BIND_DEADLINE_SECONDS": str(4 * PATIENCE_SECONDS),
        "MG_RETRIES": "0",
    }
    with ServerProcess(environment | sandbox_process.settings()) as process:
        yield process


@pytest.mark.slow
def test_a_stalled_body_cuts_nobody_elses_answer(patient_server, operator, platform):
    # From one address, as all are behind a proxy. The body stalls for longer than one may take to arrive.
    caller = Caller(patient_server.url, operator.token)
    platform.forget_calls()
    platform.faults({"kind": "slow", "seconds": BODY_SECONDS + 5})
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(caller.call, "GET", "/clients/configs")
        eventually(lambda: platform.report()["most_in_flight"] > 0 or slow.done())
        stall(caller, stack)

        assert slow.result().status_code == 200


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


@pytest.mark.parametrize("path", ["/d/clients/configs", "/admin/login/", "/clients/bootstrapping"])
def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(raw, path):
    # Neither a token that is none nor a cookie that only looks like a session's makes a difference.
    status, headers, body = raw(
        f"POST {path} HTTP/1.1\nHost: localhost\nAuthorization: Bearer x\nCookie: sessionid={'a' * 32}\n"
        "Content-Length: 1048577"
    )

    assert status == 413
    assert headers["Connection"] == "close"
    assert json.loads(body)["request_id"] == headers["X-Request-ID"]


@pytest.mark.parametrize(
    "head",
    [
        "POST /admin/login/ HTTP/1.1\nHost: localhost\nContent-Length: {size}",
        "POST /d/clients/configs HTTP/1.1\nHost: localhost\nContent-Length: {size}",
        "PUT /d HTTP/1.1\nHost: localhost\nX-Long: {long}\nContent-Length: {size}",
        "POST /d/clients/configs HTTP/1.1\nHost: localhost\nTransfer-Encoding: chunked",
    ],
    ids=["admin", "rest", "header", "chunked"],
)
def test_a_refusal_reaches_whoever_sends_all_of_the_body_first(operator, head):
    host, port = operator.base.removeprefix("http://").split(":")
    size = 16 * 2**20
    is_chunked = "chunked" in head
    body = (b"%x\r\n" % size if is_chunked else b"") + b"x" * size + (b"\r\n0\r\n\r\n" if is_chunked else b"")

    with socket.create_connection((host, int(port)), timeout=PATIENCE_SECONDS) as peer:
        peer.sendall(head.format(size=size, long="x" * 9000).replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        answer = peer.makefile("rb").read()

    assert answer.split()[1] in {b"413", b"431", b"401"}
    assert b'"request_id"' in answer


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

    calls = platform.calls()
    assert calls
    assert {call["request_id"] for call in calls} == {"caller-request-2"}


def test_head_answers_like_get_without_a_body(operator):
    answer = operator.call("HEAD", "/clients/configs")

    assert answer.status_code == 200
    assert answer.content == b""


@pytest.mark.parametrize(
    "path",
    [
        *("/nowhere", "/", "/%ff", "/a/b/c/d", "/static/nothing.js", "/static", "/clients/bootstrap/secure/"),
        *("/clients/bootstrap%F0%9F%98%80", "/clients/bootstrap/a/%F0%9F%98%80", "/clients/bootstrap%C5%B3"),
        *("/clients/bootstrap%C3%A4", "/admin%F0%9F%98%80", "/static%F0%9F%98%80", "/metrics%F0%9F%98%80"),
    ],
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


def test_no_answer_names_more_than_the_server(operator):
    for answer in (operator.call("GET", "/clients/configs"), operator.call("GET", "/nowhere")):
        # Without a version. It puts its name there by itself.
        assert answer.headers["Server"] == "granian"
        assert "X-Powered-By" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
