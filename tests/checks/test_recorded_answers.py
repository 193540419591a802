"""`manage.py check --tag magistrala` against the answers that a v0.30.0 gave; the texts are theirs, the ids are not."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import responses
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from bootstrap_project.checks.rights import CONNECTING
from bootstrap_project.magistrala.credential import reset_credential, service_token
from bootstrap_project.magistrala.errors import MagistralaError, Unauthorized
from bootstrap_project.magistrala.factory import reset_client

DOMAIN = "da994218-3d01-4a84-992a-c28c42422592"
CLIENT = "54bf20fb-f0a7-4ef1-99c4-206f388f0eb2"
CHANNEL = "0ec3df2b-7d41-4c54-b58b-fa9035c45fd4"
PAT = "pat_zjQMC4fJQ0aSflg0dVG1yOhM9SOu+0Edi4BmYxxQMdw=_example"
DENIED = {"message": "failed to perform authorization over the entity"}
ALL = ["channel_read", "client_read", "read", *CONNECTING]


@pytest.fixture
def web(settings: Any) -> Iterator[responses.RequestsMock]:
    """A platform whose services are well and have no public keys."""
    settings.SERVICE_TOKEN, settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = "", "owner", "12345678"
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for service in ("auth", "users", "domains", "clients", "channels"):
            setattr(settings, f"MG_{service.upper()}_URL", f"http://{service}:9000")
            mock.get(f"http://{service}:9000/health", json={"status": "pass", "version": "0.0.0"})
        settings.MG_AUTH_JWKS_URL, settings.MG_RETRIES = "", 0
        mock.get("http://auth:9000/keys/.well-known/jwks.json", json={"keys": None})
        reset_client()
        reset_credential()
        yield mock
    reset_client()
    reset_credential()


def issues(web: responses.RequestsMock, *, verified: bool = False, role: int = 1) -> None:
    claims = {"iss": "magistrala.auth", "sub": "u", "type": 0, "role": role, "verified": verified, "exp": 4_000_000_000}
    token = jwt.encode(claims, "x" * 64, algorithm="HS512")
    web.post("http://users:9000/users/tokens/issue", json={"access_token": token, "refresh_token": token}, status=201)


def domain(web: responses.RequestsMock, actions: list[str] | None = None) -> None:
    """Let the credential's user be a member of one domain that has one client and one channel."""
    role = {} if actions is None else {"role_id": "r", "role_name": "operator", "actions": actions}
    entry = {"id": DOMAIN, "name": "plant", "route": "plant", "status": "enabled"} | role
    web.get("http://domains:9000/domains", json={"total": 1, "limit": 100, "domains": [entry]})
    for kind, one in (("clients", CLIENT), ("channels", CHANNEL)):
        item = {"id": one, "name": "pump-4", "domain_id": DOMAIN, "status": "enabled"}
        web.get(f"http://{kind}:9000/{DOMAIN}/{kind}", json={"limit": 1, "total": 2, kind: [item]})


def views(web: responses.RequestsMock, *, allowed: bool = True) -> None:
    for kind, one in (("clients", CLIENT), ("channels", CHANNEL)):
        item = {"id": one, "name": "pump-4", "domain_id": DOMAIN, "status": "enabled"}
        web.get(
            f"http://{kind}:9000/{DOMAIN}/{kind}/{one}",
            json=item if allowed else DENIED,
            status=200 if allowed else 403,
        )


def run() -> str:
    output = io.StringIO()
    try:
        call_command("check", "--tag", "magistrala", stdout=output, stderr=output)
    except SystemCheckError as error:
        return f"{output.getvalue()}{error}"
    return output.getvalue()


@pytest.mark.parametrize(
    ("status", "message"), [(422, "compare hash and password failed"), (404, "entity not found"), (401, "no")]
)
def test_a_wrong_password_and_an_unknown_name_are_told_as_such(web, status, message):
    web.post("http://users:9000/users/tokens/issue", json={"message": message}, status=status)

    said = run()

    assert "(bootstrap.E104) The service credential is refused" in said
    assert "The name or the password is wrong" in said
    assert "E105" not in said
    assert "ry again" not in said
    with pytest.raises(Unauthorized, match="correct MG_BOOTSTRAP_USERNAME or MG_BOOTSTRAP_PASSWORD"):
        service_token()


def test_a_platform_that_fails_is_not_a_wrong_password(web):
    web.post("http://users:9000/users/tokens/issue", json={"message": ""}, status=500)

    assert "(bootstrap.E105)" in run()
    with pytest.raises(MagistralaError) as caught:
        service_token()
    assert not isinstance(caught.value, Unauthorized)


def test_a_user_in_no_domain_is_told_in_a_sentence(web):
    issues(web, verified=True)
    web.get("http://domains:9000/domains", json={"total": 0, "limit": 100})

    said = run()

    assert "(bootstrap.W105) The service credential works, but its user is a member of no domain" in said
    assert "E10" not in said


def test_a_personal_access_token_without_scopes_lists_and_may_not_view(web, settings):
    settings.SERVICE_TOKEN, settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = PAT, "", ""
    domain(web, ALL)
    views(web, allowed=False)

    said = run()

    assert "(bootstrap.W106) In plant (enabled, role operator) the service credential may not view clients" in said
    assert "or channels" in said
    assert "scopes" in said
    assert "I106" not in said


def test_a_personal_access_token_that_may_view_is_told_what_cannot_be_tried(web, settings):
    settings.SERVICE_TOKEN, settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = PAT, "", ""
    domain(web, ALL)
    views(web)

    said = run()

    assert "(bootstrap.I106)" in said
    assert "connect_client and connect_to_channel cannot be tried" in said


@pytest.mark.parametrize("missing", CONNECTING)
def test_a_role_that_may_not_connect_is_told_what_it_lacks(web, missing):
    issues(web, verified=True)
    domain(web, [action for action in ALL if action != missing])
    views(web)

    said = run()

    assert "(bootstrap.W109) In plant (enabled, role operator) the service credential cannot connect" in said
    assert f"lacks {missing}." in said


def test_an_administrator_of_the_platform_needs_no_role(web):
    issues(web, verified=True, role=2)
    domain(web)
    views(web)

    said = run()

    assert "In plant (enabled, administrator of the platform) the service credential may list and view" in said
    assert "W10" not in said


def test_an_empty_domain_gives_nothing_to_try(web):
    issues(web, verified=True)
    entry = {"id": DOMAIN, "name": "plant", "status": "enabled", "role_id": "r", "role_name": "o", "actions": ALL}
    web.get("http://domains:9000/domains", json={"total": 1, "limit": 100, "domains": [entry]})
    for kind in ("clients", "channels"):
        web.get(f"http://{kind}:9000/{DOMAIN}/{kind}", json={"limit": 1, "total": 0})

    assert "Viewing could not be tried on clients and channels: there are none." in run()


@pytest.mark.parametrize(
    ("verified", "role", "allowed", "told"),
    [(False, 1, False, "W108"), (False, 1, True, "I108"), (False, 2, False, "I108"), (True, 1, False, "")],
)
def test_it_says_which_setting_decides_about_addresses_that_are_not_verified(
    web, settings, verified, role, allowed, told
):
    settings.MG_ALLOW_UNVERIFIED_USER = allowed
    issues(web, verified=verified, role=role)
    domain(web, None if role == 2 else ALL)
    views(web)

    said = run()

    assert [number for number in ("W108", "I108") if number in said] == ([told] if told else [])
    assert ("MG_ALLOW_UNVERIFIED_USER" in said) is bool(told)


def test_a_platform_that_wants_verified_addresses_is_told_apart_from_a_wrong_password(web):
    issues(web)
    web.get("http://domains:9000/domains", json={"message": "email not verified"}, status=401)

    said = run()

    assert "(bootstrap.E104)" in said
    assert "MG_ALLOW_UNVERIFIED_USER" in said
    assert "password is wrong" not in said
