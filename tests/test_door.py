"""The door: whole segments of paths, one meaning of an address, bounds before parsers, and an answer to everything."""

from __future__ import annotations

import io
import json
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection, connections
from prometheus_client import REGISTRY

from bootstrap_project.admin.sessions import SessionStore
from bootstrap_project.door import Door
from bootstrap_project.observability.logging import JsonFormatter
from bootstrap_project.paths import is_below
from bootstrap_project.wsgi import application, device_bulkhead, health_bulkhead
from bootstrap_project.wsgi_middleware import header_bounds
from bootstrap_project.wsgi_middleware.content_type import FOREIGN_CHARSET
from bootstrap_project.wsgi_middleware.header_bounds import MAX_CHARACTERS
from tests.devices.conftest import make_pi
from tests.support.odd_requests import OddRequests
from tests.support.rows import EXTERNAL_KEY
from tests.support.wsgi import Answer, call, make_environ, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

PATHS = ("/clients/bootstrap/x", "/d/clients/configs", "/admin/login/", "/static/x", "/metrics", "/health")
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@pytest.fixture(autouse=True)
def no_connections_left():
    """End the application's own connections, which outlive the requests of a test."""
    yield
    for bulkhead in (device_bulkhead, health_bulkhead):
        for one in bulkhead._free:
            one.close()


def run(work: Callable[[], Any]) -> Any:
    """Return what `work` returns in a thread of its own, which as a server's has no connection to the database."""

    def work_and_close() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work_and_close).result()


def ask(path: str = "/", **asked: Any) -> Answer:
    answer: Answer = run(lambda: call(application, path, **asked))
    return answer


# Paths.


@pytest.mark.parametrize(
    ("path", "below"),
    [
        *(("/admin", True), ("/admin/", True), ("/admin/x", True), ("/admin//", True)),
        *(("/admins", False), ("/admin-eu/x", False), ("/administration", False), ("/admi", False), ("", False)),
        *(("/Admin", False), ("//admin", False), ("/x/admin", False), ("/admin\0", False), ("/admin%2F", False)),
    ],
)
def test_whole_segments_are_compared(path, below):
    assert is_below(path, "/admin") is below


@pytest.mark.parametrize(
    "domain",
    [
        "admin-eu",
        "administration",
        "adminx",
        "admin.eu",
        "metrics-eu",
        "metricsx",
        "static-x",
        "statics",
        "healthy",
        "apis",
    ],
)
def test_a_domain_may_begin_like_one_of_our_own_segments(domain):
    for path in (f"/{domain}/clients/configs", f"/{domain}/clients/bootstrap/profiles"):
        answer = ask(path, headers={"Host": "boot.example.com"})

        assert (answer.status, answer.headers["Content-Type"]) == (401, "application/json")
        assert "Content-Security-Policy" not in answer.headers
    for path in (f"/{domain}", f"/{domain}/nowhere"):
        answer = ask(path, headers={"Host": "boot.example.com"})

        assert (answer.status, json.loads(answer.body)["message"]) == (404, "not found")


@pytest.mark.parametrize(
    "path",
    [
        *("/clients/bootstrapX", "/clients/bootstrap\u00f0\u009f\u0098\u0080", "/clients/bootstrap\u00c3\u00a4/x"),
        *(
            "/clients/bootstrap/a/\u00f0\u009f\u0098\u0080",
            "/clients/bootstrap/a/\u00c5\u00b3",
            "/clients/bootstrap\u00ff",
        ),
        *("/admin\u00f0\u009f\u0098\u0080", "/metrics\u00f0\u009f\u0098\u0080", "/static\u00f0\u009f\u0098\u0080"),
        *("/static", "/static/", "/static/clients/configs", "/static/\u00f0\u009f\u0098\u0080"),
    ],
)
def test_what_is_nowhere_is_404_in_json(path):
    for method in ("GET", "HEAD", "POST", "DELETE"):
        answer = ask(path, method=method)

        assert (answer.status, answer.headers["Content-Type"]) == (404, "application/json")
        assert answer.headers.items() >= SECURITY.items()
        assert answer.headers["X-Request-ID"]


# Addresses.


def test_a_source_is_one_thing_in_all_lines(settings, caplog):
    settings.TRUSTED_PROXIES = (ip_network("10.0.0.0/8"),)
    paths = ("/clients/bootstrap/nobody", "/d/clients/configs", "/admin/login/", "/nowhere")

    with caplog.at_level(logging.INFO, logger="bootstrap.request"):
        for path in paths:
            ask(path, peer="10.0.0.1", headers={"X-Forwarded-For": "6.6.6.6, 198.51.100.7"})
        ask("/d/clients/configs", peer="10.0.0.1", method="POST", headers={"Content-Length": "9999999"})

    sources = [record.source for record in caplog.records if record.name == "bootstrap.request"]
    assert sources == ["198.51.100.7"] * len(paths) + ["10.0.0.1"]


def test_who_is_forwarded_over_tls_has_secure_answers(settings):
    settings.TRUSTED_PROXIES, settings.TRUST_FORWARDED_PROTO = (ip_network("10.0.0.0/8"),), True
    settings.FORWARDED_HEADER = "forwarded"
    seen: list[tuple[str, str, set[str]]] = []

    def work(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(
            (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"], {name for name in environ if "FORWARDED" in name})
        )
        start_response("200 OK", [])
        return []

    said = {"Forwarded": "for=198.51.100.7;proto=https", "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "http"}
    run(lambda: call(Door(work), peer="10.0.0.1", headers=said))

    assert seen == [("198.51.100.7", "https", set())]


# Bounds.


@pytest.mark.parametrize("name", header_bounds._PARSED)
@pytest.mark.parametrize(
    "path", ["/clients/bootstrap/x", "/d/clients/configs", "/admin/login/", "/static/x", "/metrics"]
)
def test_a_header_that_somebody_parses_is_bounded(name, path):
    header = name.removeprefix("HTTP_").replace("_", "-")

    answer = ask(path, headers={header: "a" * (MAX_CHARACTERS + 1)})

    assert (answer.status, answer.headers["Connection"]) == (431, "close")
    assert json.loads(answer.body)["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers.items() >= SECURITY.items()


def test_who_is_refused_for_a_length_is_told_of_what():
    def error(path: str = "/d/clients/configs", **asked: Any) -> str:
        return str(json.loads(ask(path, **asked).body)["error"])

    def token(length: int) -> dict[str, str]:
        return {"Authorization": "Bearer " + "a" * length}

    assert error(headers=token(MAX_CHARACTERS + 1)) == "the token is longer than 8192 characters"
    assert error(headers=token(9000)) == "the token is longer than 8192 characters"
    assert ask("/d/clients/configs", headers=token(MAX_CHARACTERS)).status != 431
    assert error(headers={"If-None-Match": "a" * 9000}) == "If-None-Match is longer than 8192 characters"
    assert error(headers={"Authorization": "Client " + "a" * 9000}) == "Authorization is longer than 8192 characters"
    assert error("/" + "a" * 9000) == "the path is longer than 8192 characters"
    assert error(query="a" * 9000) == "the query is longer than 8192 characters"


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/boot/clients/bootstrap/x", "/boot/clients/bootstrap/x"),
        ("/caf\u00c3\u00a9", "/café"),
        ("/a\r\nb\x1b[31m", "/a\r\nb\x1b[31m"),
        ("/" + "a" * 9000, "/" + "a" * 199),
        ("/" + "é" * 9000, "/" + "é" * 199),
    ],
)
def test_what_fits_no_route_is_logged_by_its_path(caplog, path, logged):
    with caplog.at_level(logging.INFO, logger="bootstrap.request"):
        ask(path.encode().decode("latin-1") if "é" in path else path, query="key=secret")

    (record,) = [record for record in caplog.records if record.name == "bootstrap.request"]
    assert record.route == "unmatched"
    assert record.path == logged
    line = JsonFormatter().format(record)
    assert "secret" not in line
    assert line.isascii()
    assert line.isprintable()


def test_what_fits_a_route_is_logged_by_its_route_alone(caplog):
    with caplog.at_level(logging.INFO, logger="bootstrap.request"):
        ask("/clients/bootstrap/somebody")
        ask("/d/clients/configs/somebody")

    assert not any(hasattr(record, "path") for record in caplog.records if record.name == "bootstrap.request")


def test_a_charset_that_is_not_ours_is_remembered():
    seen: list[tuple[str, bool]] = []

    def work(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append((environ["CONTENT_TYPE"], environ[FOREIGN_CHARSET]))
        start_response("200 OK", [])
        return []

    for content_type in ("application/json; charset=latin-1", "application/json; charset=utf-8"):
        call(Door(work), headers={"Content-Type": content_type})

    assert seen == [("application/json", True), ("application/json", False)]


def test_an_address_is_bounded():
    assert ask("/" + "a" * MAX_CHARACTERS).status == 414
    assert ask("/nowhere", query="a" * (MAX_CHARACTERS + 1)).status == 414
    assert ask("/nowhere", query="a" * MAX_CHARACTERS).status == 404


@pytest.mark.parametrize("begin", ["", 'a/b; charset="', "a/b; charset*=", "multipart/form-data; boundary="])
def test_no_parser_sees_a_long_content_type(monkeypatch, begin):
    lengths: list[int] = []
    for module in ("bootstrap_project.wsgi_middleware.content_type", "django.http.request"):
        real = import_module(module).parse_header_parameters

        def parse(text: str, *args: Any, real: Any = real, **more: Any) -> Any:
            lengths.append(len(text))
            return real(text, *args, **more)

        monkeypatch.setattr(f"{module}.parse_header_parameters", parse)

    for piece in (";", "a;", ",", '"', "=", "%", "\\", "\\0", "a*0=b;", "'", "()", "<", " "):
        for path in ("/clients/bootstrap/x", "/d/clients/configs", "/admin/login/"):
            answer = ask(path, headers={"Content-Type": begin + piece * 60_000})

            assert answer.status in {200, 400, 401, 403}
    assert lengths
    assert max(lengths) <= 255


@pytest.mark.parametrize("name", header_bounds._PARSED)
def test_headers_at_their_bound_are_answered(name):
    header = name.removeprefix("HTTP_").replace("_", "-")

    for piece in (";", ",", '"', "=", "%", "\\", '\\"', "a=b;", '"a",', "a;q=1,", "<", "[", " ", "\t"):
        text = (piece * MAX_CHARACTERS)[:MAX_CHARACTERS]
        for path in ("/clients/bootstrap/x", "/d/clients/configs", "/static/x", "/admin/login/"):
            assert ask(path, headers={header: text}).status < 500


# Bodies.


@pytest.mark.parametrize("length", ["+?", "+3", " 3", "1\t", "-1", "x", "\u00b2", "3,3", "0x3", "1_0"])
def test_a_length_that_is_no_number_is_none(length):
    headers = {
        "Content-Length": length,
        "Content-Type": "application/x-www-form-urlencoded",
        # For its sake the body is looked at.
        "Cookie": f"csrftoken={'a' * 32}",
    }

    answer = ask("/admin/login/", method="POST", headers=headers, body=b"a=b")

    assert answer.status == 403


def signed_in() -> str:
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY], session[HASH_SESSION_KEY] = "1", "x", "x"
    session.create()
    return str(session.session_key)


def anonymous() -> str:
    session = SessionStore()
    session["a"] = "b"
    session.create()
    return str(session.session_key)


@pytest.mark.parametrize(
    ("make_key", "path", "length", "is_read"),
    [
        (signed_in, "/admin/", 8 * 1024 * 1024, True),
        (signed_in, "/admin/", 8 * 1024 * 1024 + 1, False),
        (signed_in, "/d/clients/configs", 1024 * 1024 + 1, False),
        (signed_in, "/admin-eu/clients/configs", 1024 * 1024 + 1, False),
        (anonymous, "/admin/", 1024 * 1024 + 1, False),
        (anonymous, "/admin/", 1024 * 1024, True),
        (lambda: "a" * 32, "/admin/", 1024 * 1024 + 1, False),
        (lambda: "nonsense", "/admin/", 1024 * 1024 + 1, False),
        (lambda: "nonsense", "/d/clients/configs", 1024 * 1024, True),
    ],
)
def test_memory_is_for_those_whom_we_know(make_key, path, length, is_read):
    key = make_key()
    stream = io.BytesIO(b"x" * length)
    asked = make_environ(path, method="POST", headers={"Content-Length": str(length), "Cookie": f"sessionid={key}"})
    asked["wsgi.input"] = stream

    answer = run(lambda: send(application, asked))

    assert (answer.status == 413) is not is_read
    # What is refused is not kept; it is read behind the answer, and dropped.
    assert (asked["wsgi.input"] is stream) is not is_read
    assert stream.tell() == length
    assert (answer.headers.get("Connection") == "close") is not is_read


# Whatever is raised.


@pytest.mark.parametrize(
    "path", ["/clients/bootstrap/x", "/d/clients/configs", "/admin/", "/static/x", "/metrics", "/health"]
)
def test_nothing_that_is_raised_leaves_the_door(monkeypatch, caplog, path):
    monkeypatch.setattr(application, "_application", lambda *_args: 1 / 0)
    before = REGISTRY.get_sample_value(
        "bootstrap_http_requests_total", {"route": "unmatched", "method": "GET", "status": "500"}
    )

    with caplog.at_level(logging.INFO):
        answer = ask(path, headers={"X-Request-ID": "caller-request-1"})

    assert (answer.status, answer.headers["Content-Type"]) == (500, "application/json")
    assert json.loads(answer.body)["request_id"] == answer.headers["X-Request-ID"] == "caller-request-1"
    assert answer.headers.items() >= SECURITY.items()
    assert b"division" not in answer.body
    assert "ZeroDivisionError" in caplog.text
    assert [record.status for record in caplog.records if record.name == "bootstrap.request"] == [500]
    after = REGISTRY.get_sample_value(
        "bootstrap_http_requests_total", {"route": "unmatched", "method": "GET", "status": "500"}
    )
    assert after == (before or 0) + 1


def test_no_request_is_answered_as_a_fault(settings):
    settings.TRUSTED_PROXIES = (ip_network("127.0.0.0/8"),)
    make_pi()
    statuses: Counter[int] = Counter()
    faults: list[object] = []

    def visit() -> None:
        odd = OddRequests(seed=2026)
        for _ in range(20_000):
            asked = odd.environ()
            told = (asked["REQUEST_METHOD"], asked["PATH_INFO"])
            answer = send(application, asked)
            statuses[answer.status] += 1
            for name, value in answer.headers.items():
                # What a server could not send.
                assert not {"\r", "\n"} & {*name, *value}
                value.encode("latin-1")
            if answer.status >= 500 and not is_the_platform_away(answer):
                faults.append((answer.status, *told))

    run(visit)

    assert not faults
    assert {200, 400, 401, 403, 404, 405} <= statuses.keys()


def is_the_platform_away(answer: Answer) -> bool:
    """Tell whether somebody's token should have been looked at, by a platform that tests do not have."""
    return answer.status == 503 and b"domains service" in answer.body


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs a server")
def test_after_a_restart_of_the_database_health_and_devices_are_well_at_the_first_call():
    make_pi()
    right = {"Authorization": f"Client {EXTERNAL_KEY}"}
    paths = ("/health", "/clients/bootstrap/pi-1")
    assert [ask(path, headers=right).status for path in paths] == [200, 200]
    with connection.cursor() as cursor:
        # The connections that the application keeps.
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert [ask(path, headers=right).status for path in paths] == [200, 200]


def test_a_device_is_served_through_all_of_it():
    make_pi()

    answer = ask("/clients/bootstrap/pi-1", headers={"Authorization": f"Client {EXTERNAL_KEY}"})

    assert answer.status == 200
