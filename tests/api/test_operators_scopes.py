"""What a personal access token needs for which call, and how the settings about tokens are read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bootstrap_project.magistrala.sandbox.seed import CLIENT_ID, DOMAIN_ID, OTHER_DOMAIN_ID, TELEMETRY_CHANNEL_ID
from tests.support.api import Api, told
from tests.support.rows import make_config, make_profile

ROOT = Path(__file__).resolve().parents[2]
VIEW_CLIENT, VIEW_CHANNEL = ("clients", "view"), ("channels", "view")
CONNECT_CHANNEL, CONNECT_CLIENT = ("channels", "connect_client"), ("clients", "connect_to_channel")
#: As in the page on connecting to a platform.
NEEDED = [VIEW_CLIENT, VIEW_CHANNEL, CONNECT_CHANNEL, CONNECT_CLIENT]


def caller(sandbox: Any, scopes: list[tuple[str, str]]) -> Api:
    rows = [
        {"domain_id": DOMAIN_ID, "entity_type": kind, "operation": operation, "entity_id": "*"}
        for kind, operation in scopes
    ]
    return Api(sandbox.pat(scopes=rows)[0])


@pytest.fixture
def bindings(db: None) -> str:
    slots = [{"name": "mqtt", "type": "client"}, {"name": "telemetry", "type": "channel"}]
    config = make_config(profile=make_profile(binding_slots=slots))
    return f"/clients/bootstrap/enrollments/{config.pk}/bindings"


BOTH = {
    "bindings": [
        {"slot": "mqtt", "type": "client", "resource_id": CLIENT_ID},
        {"slot": "telemetry", "type": "channel", "resource_id": TELEMETRY_CHANNEL_ID},
    ]
}


def test_a_personal_token_without_scopes_may_do_all_that_asks_for_no_resource(sandbox, db):
    api = caller(sandbox, [])

    assert api.create_config().status_code == 201
    assert api.create_profile().status_code == 201
    assert api.get("/clients/configs").json()["total"] == 1


def test_the_documented_scopes_are_enough_to_bind_connect_and_refresh(sandbox, bindings):
    api = caller(sandbox, NEEDED)

    assert api.put(bindings, BOTH).status_code == 204
    assert api.post(f"{bindings}/refresh").status_code == 204


@pytest.mark.parametrize("missing", NEEDED, ids=" ".join)
def test_each_of_the_documented_scopes_is_needed(sandbox, bindings, missing):
    api = caller(sandbox, [scope for scope in NEEDED if scope != missing])

    assert "slot '" in told(api.put(bindings, BOTH), 403)


def test_refreshing_needs_no_right_to_connect(sandbox, bindings):
    assert caller(sandbox, NEEDED).put(bindings, BOTH).status_code == 204

    assert caller(sandbox, [VIEW_CLIENT, VIEW_CHANNEL]).post(f"{bindings}/refresh").status_code == 204
    for scope in (VIEW_CLIENT, VIEW_CHANNEL):
        told(caller(sandbox, [scope]).post(f"{bindings}/refresh"), 403)


# Settings, as a start of the service reads them.


def start(expression: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MG_")}
    code = f"from bootstrap_project import settings as s; print({expression})"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=inherited | {"MG_BOOTSTRAP_DEBUG": "true"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_settings_the_platforms_defaults_hold():
    names = "s.MG_AUTH_JWKS_URL, s.MG_AUTH_ISSUER, s.MG_AUTH_AUDIENCE, s.MG_AUTH_ALGORITHMS"
    found = start(f"({names}, s.MG_ALLOW_UNVERIFIED_USER, s.OPERATOR_WRITE_ACTION, s.SERVICE_TOKEN)")

    assert found.stdout.strip() == "('', 'magistrala.auth', '', ['EdDSA'], False, '', '')"


def test_the_credential_may_come_from_files(tmp_path):
    token, password = tmp_path / "token", tmp_path / "password"
    token.write_text("pat_abc\n")
    password.write_text("secret\n")

    assert start("s.SERVICE_TOKEN", MG_BOOTSTRAP_TOKEN_FILE=str(token)).stdout.strip() == "pat_abc"
    found = start(
        "(s.SERVICE_USERNAME, s.SERVICE_PASSWORD)",
        MG_BOOTSTRAP_USERNAME="robot",
        MG_BOOTSTRAP_PASSWORD_FILE=str(password),
    )
    assert found.stdout.strip() == "('robot', 'secret')"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"MG_AUTH_ALGORITHMS": "HS256"}, "MG_AUTH_ALGORITHMS"),
        ({"MG_AUTH_ALGORITHMS": "EdDSA,none"}, "MG_AUTH_ALGORITHMS"),
        ({"MG_AUTH_JWKS_URL": "auth:9001"}, "MG_AUTH_JWKS_URL"),
        ({"MG_BOOTSTRAP_USERNAME": "robot"}, "MG_BOOTSTRAP_PASSWORD"),
        ({"MG_BOOTSTRAP_PASSWORD": "very-secret"}, "MG_BOOTSTRAP_USERNAME"),
        (
            {"MG_BOOTSTRAP_TOKEN": "very-secret", "MG_BOOTSTRAP_USERNAME": "r", "MG_BOOTSTRAP_PASSWORD": "p"},
            "MG_BOOTSTRAP_TOKEN",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_a_start_that_could_not_go_well_names_its_setting(environment, named):
    found = start("1", **environment)

    assert found.returncode != 0
    assert "ImproperlyConfigured" in found.stderr.splitlines()[-1]
    assert named in found.stderr.splitlines()[-1]
    assert "very-secret" not in found.stderr.splitlines()[-1]


# What can be asked of a personal access token's scopes.

_READ = {"domain_id": DOMAIN_ID, "entity_type": "domains", "operation": "read", "entity_id": "*"}


@pytest.mark.parametrize(
    ("demanded", "scopes", "status"),
    [(False, [], 200), (True, [], 403), (True, [_READ], 200), (True, [_READ | {"domain_id": OTHER_DOMAIN_ID}], 403)],
)
def test_a_personal_access_token_may_have_to_be_allowed_to_read_the_domain(
    sandbox, db, settings, demanded, scopes, status
):
    settings.MG_PAT_REQUIRE_DOMAIN_READ = demanded
    caller = Api(sandbox.pat(scopes=scopes)[0])

    assert caller.get("/clients/configs").status_code == status
    assert caller.create_config().status_code == {200: 201, 403: 403}[status]


def test_the_demand_is_for_members_with_personal_access_tokens_alone(sandbox, db, settings):
    settings.MG_PAT_REQUIRE_DOMAIN_READ = True

    assert Api(sandbox.token()).get("/clients/configs").status_code == 200
    assert Api(sandbox.pat("admin")[0]).get("/clients/configs").status_code == 200
    assert Api(sandbox.pat("nobody")[0]).get("/clients/configs").status_code == 403


def test_a_domains_service_that_cannot_say_refuses_nobody_for_good(sandbox, db, settings):
    settings.MG_PAT_REQUIRE_DOMAIN_READ = True
    sandbox.faults({"kind": "status", "status": 503, "match": {"service": "domains", "path_prefix": "/domains/"}})

    assert Api(sandbox.pat()[0]).get("/clients/configs").status_code == 503
