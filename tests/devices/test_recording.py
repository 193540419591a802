"""Each answered call is remembered once, with what came of it and nothing secret."""

from __future__ import annotations

import json

import pytest

from bootstrap_project.outcomes import FAILED
from configs.models import Config, Status
from devices import audit
from devices.attempts.attempt import Attempt
from devices.rate_limit import failure_limits
from tests.devices.conftest import SECRETS, make_pi
from tests.support.rows import DOMAIN, make_config

pytestmark = pytest.mark.django_db


@pytest.fixture
def recorded(monkeypatch):
    attempts: list[Attempt] = []
    monkeypatch.setattr(audit, "record", lambda _outcome, make, *, is_known: attempts.append(make()))
    return attempts


def test_a_served_device_is_remembered(ask, pi, recorded):
    response = ask(HTTP_USER_AGENT="agent/1.0", REMOTE_ADDR="198.51.100.7")

    (attempt,) = recorded
    assert (attempt.config_id, attempt.domain_id, attempt.external_id) == (pi.pk, DOMAIN, "pi-1")
    assert (attempt.variant, attempt.outcome, attempt.status, attempt.error_id) == ("plain", "ok", 200, "")
    assert (attempt.profile_id, attempt.profile_version) == (pi.profile_id, 1)
    assert attempt.etag == response.headers["ETag"]
    assert (attempt.source, attempt.user_agent) == ("198.51.100.7", "agent/1.0")
    assert 0 < attempt.duration < 10
    assert attempt.at.tzinfo is not None
    for secret in SECRETS:
        assert secret not in str(attempt)


@pytest.mark.parametrize("answered", [200, 304])
def test_head_takes_nothing_and_is_no_delivery(ask, pi, recorded, answered):
    etag = ask().headers["ETag"]
    recorded.clear()

    response = ask(method="head", HTTP_IF_NONE_MATCH=etag if answered == 304 else "")

    (attempt,) = recorded
    assert (response.status_code, response.content) == (answered, b"")
    assert (attempt.config_id, attempt.outcome, attempt.status, attempt.etag) == (pi.pk, "probed", answered, etag)


def test_head_tells_a_failure_as_what_it_is(ask, pi, recorded):
    assert ask(method="head", key="wrong").status_code == 403

    assert recorded[0].outcome == "refused"


def test_each_outcome_is_remembered_once(ask, ask_secure, pi, recorded):
    make_config(external_id="static", content="x")
    etag = ask().headers["ETag"]
    ask(HTTP_IF_NONE_MATCH=etag)
    ask("static")
    ask_secure()
    ask(path="/clients/bootstrap/")
    ask(path="/clients/bootstrap/", key="device-bootstrap-kez")

    seen = [(attempt.variant, attempt.outcome, attempt.status, attempt.external_id) for attempt in recorded]

    assert seen == [
        ("plain", "ok", 200, "pi-1"),
        ("plain", "not_modified", 304, "pi-1"),
        ("plain", "static", 200, "static"),
        ("secure", "ok", 200, "pi-1"),
        ("keyless", "invalid", 400, ""),
        ("keyless", "refused", 403, ""),
    ]


@pytest.mark.parametrize(
    ("prepare", "key", "outcome", "status", "known", "versioned"),
    [
        (make_pi, None, "unauthorized", 401, False, False),
        (lambda: None, "wrong", "refused", 403, False, False),
        (make_pi, "wrong", "refused", 403, True, False),
        (lambda: make_pi(status=Status.DISABLED), "right", "disabled", 403, True, True),
        (lambda: make_pi().bindings.all().delete(), "right", "missing_binding", 422, True, True),
        (lambda: make_pi(content_template="{{ .Vars.nothing }}"), "right", "render_failed", 422, True, True),
    ],
)
def test_a_device_that_got_nothing_is_remembered_with_its_error(
    ask, recorded, prepare, key, outcome, status, known, versioned
):
    prepare()

    response = ask(**({} if key == "right" else {"key": key}))

    (attempt,) = recorded
    assert (attempt.outcome, attempt.status, attempt.external_id) == (outcome, status, "pi-1")
    assert attempt.error_id == response.headers["X-Request-ID"] == json.loads(response.content)["request_id"]
    assert (attempt.config_id is not None, attempt.profile_version is not None) == (known, versioned)
    # Failures are found by their statuses.
    assert attempt.outcome in FAILED


def test_what_was_limited_is_remembered(ask, pi, recorded, settings):
    settings.SOURCE_FAILURES = (1, 0.001)
    failure_limits.cache_clear()

    for _ in range(2):
        ask(key="wrong")

    assert [(attempt.outcome, attempt.status) for attempt in recorded] == [("refused", 403), ("throttled", 429)]


def test_a_bug_is_remembered_too(ask, pi, client, recorded):
    client.raise_request_exception = False
    Config.objects.filter(pk=pi.pk).update(render_context=[1])

    response = ask()

    (attempt,) = recorded
    assert (attempt.outcome, attempt.status, attempt.config_id) == ("error", 500, pi.pk)
    assert attempt.error_id == response.headers["X-Request-ID"]


def test_another_method_is_no_attempt(ask, pi, recorded):
    ask(method="post")

    assert recorded == []
