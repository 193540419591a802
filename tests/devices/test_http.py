"""What the three endpoints have in common: methods, paths, headers, JSON, metrics."""

from __future__ import annotations

import json

import pytest

from configs.models import Config, Status
from tests.devices.conftest import count_of, make_pi, message_of
from tests.support.rows import EXTERNAL_KEY, make_config

ENDPOINTS = ["/clients/bootstrap/pi-1", "/clients/bootstrap/", "/clients/bootstrap", "/clients/bootstrap/secure/pi-1"]
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
def test_other_methods_are_405(ask, pi, path, method):
    response = ask(path=path, method=method)

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"
    assert message_of(response) == "method not allowed"


@pytest.mark.parametrize("key", [EXTERNAL_KEY, "wrong"])
def test_head_is_get_without_the_body(ask, pi, key):
    get, head = ask(key=key), ask(key=key, method="head")

    assert head.status_code == get.status_code
    assert head.content == b""
    for name in ("Content-Type", "Content-Length", "Cache-Control"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "/clients/bootstrap/secure/",
        "/clients/bootstrap/a/b",
        "/clients/bootstrap/a%2Fb",
        "/clients/bootstrap//",
        "/clients/bootstrap/secure/a/b",
        "/clients/bootstraps",
        "/clients",
    ],
)
def test_other_paths_are_404_in_json(ask, pi, path):
    response = ask(path=path)

    assert response.status_code == 404
    assert message_of(response) == "not found"


def test_answers_are_not_to_be_kept_and_say_their_length(ask, pi):
    for response in (ask(), ask(key="wrong"), ask(key=None)):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Content-Length"] == str(len(response.content))
        assert response.content.endswith(b"}\n")
        assert response.headers["X-Request-ID"]
        assert "Set-Cookie" not in response.headers


def test_the_caller_s_request_id_comes_back(ask, pi):
    response = ask(key="wrong", HTTP_X_REQUEST_ID="device-call-0001")

    assert response.headers["X-Request-ID"] == json.loads(response.content)["request_id"] == "device-call-0001"


def test_json_is_written_as_go_writes_it(ask):
    config = make_config(external_id="pi-1", content='<a href="x">&é\u2028\u2029\U0001f511\t\x7f</a>\n')

    body = ask().content.decode()

    expected = '\\u003ca href=\\"x\\"\\u003e\\u0026é\\u2028\\u2029\U0001f511\\t\x7f\\u003c/a\\u003e\\n'
    assert body == f'{{"id":"{config.id}","content":"{expected}","client_cert":"","client_key":"","ca_cert":""}}\n'


def test_query_strings_are_ignored(ask, pi):
    assert ask(path="/clients/bootstrap/pi-1?with_metadata=false").status_code == 200


def test_any_host_is_answered(ask, pi):
    assert ask(HTTP_HOST="bootstrap_of.the_plant:9013").status_code == 200


@pytest.mark.parametrize(
    ("prepare", "key", "outcome", "method", "verified"),
    [
        (make_pi, EXTERNAL_KEY, "ok", "digest", "ok"),
        (lambda: make_config(external_id="pi-1"), EXTERNAL_KEY, "static", "digest", "ok"),
        (make_pi, "wrong", "refused", "digest", "refused"),
        (lambda: None, "wrong", "refused", "none", "unknown"),
        (lambda: make_pi(status=Status.DISABLED), EXTERNAL_KEY, "disabled", "digest", "ok"),
        (lambda: make_pi().bindings.all().delete(), EXTERNAL_KEY, "missing_binding", "digest", "ok"),
        (lambda: make_pi(content_template="{{ .Vars.nothing }}"), EXTERNAL_KEY, "render_failed", "digest", "ok"),
    ],
)
def test_every_outcome_is_counted(ask, prepare, key, outcome, method, verified):
    prepare()
    bootstraps = count_of("bootstrap_device_bootstraps_total", variant="plain", outcome=outcome)
    verifications = count_of("bootstrap_key_verifications_total", method=method, outcome=verified)
    requests = count_of("bootstrap_api_request_count_total", method="bootstrap")

    ask(key=key)

    assert count_of("bootstrap_device_bootstraps_total", variant="plain", outcome=outcome) == bootstraps + 1
    assert count_of("bootstrap_key_verifications_total", method=method, outcome=verified) == verifications + 1
    assert count_of("bootstrap_api_request_count_total", method="bootstrap") == requests + 1


def test_a_bug_is_500_in_json_and_counted(ask, pi, client):
    client.raise_request_exception = False
    Config.objects.filter(pk=pi.pk).update(render_context=[1])
    before = count_of("bootstrap_device_bootstraps_total", variant="plain", outcome="error")

    response = ask()

    assert (response.status_code, message_of(response)) == (500, "internal error")
    assert count_of("bootstrap_device_bootstraps_total", variant="plain", outcome="error") == before + 1
