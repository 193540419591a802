"""`manage.py check --tag magistrala` asks the platform, and nothing else that Django does ever asks it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import checks
from django.core.management import call_command
from django.core.management.base import CommandError, SystemCheckError

from bootstrap_project.checks.rights import CONNECTING
from bootstrap_project.magistrala.credential import reset_credential
from bootstrap_project.magistrala.factory import reset_client
from bootstrap_project.magistrala.sandbox.seed import DOMAIN_ID, OPERATOR, OPERATOR_PASSWORD, OTHER_DOMAIN_ID


@pytest.fixture(autouse=True)
def fresh(sandbox: Any, settings: Any) -> Iterator[None]:
    settings.SERVICE_TOKEN = settings.SERVICE_USERNAME = settings.SERVICE_PASSWORD = ""
    reset_credential()
    yield
    reset_credential()


def run(*arguments: str) -> str:
    """What the command says, whether it ends well or not."""
    output = io.StringIO()
    try:
        call_command("check", "--tag", "magistrala", *arguments, stdout=output, stderr=output)
    except SystemCheckError as error:
        return f"{output.getvalue()}{error}"
    return output.getvalue()


def test_it_says_which_services_answer_and_what_the_credential_may_do(sandbox, settings):
    settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = OPERATOR, OPERATOR_PASSWORD
    sandbox.member(DOMAIN_ID, "operator", "admin", ["client_read", "channel_read", *CONNECTING])

    said = run("--fail-level", "WARNING")

    for service in ("auth", "users", "domains", "clients", "channels"):
        assert f"The Magistrala {service} service at {sandbox.service_url(service)} answers." in said
    assert "The platform has 1 public key (EdDSA)." in said
    assert (
        "In warehouses (enabled, role admin) the service credential may list and view clients and channels, and its"
        " role may connect them." in said
    )
    assert OPERATOR_PASSWORD not in said


def test_a_service_that_is_down_is_an_error_that_names_its_setting(sandbox, settings):
    settings.SERVICE_TOKEN = sandbox.pat()[0]
    sandbox.faults({"kind": "down", "match": {"service": "clients"}})

    said = run()

    assert "(bootstrap.E101) The Magistrala clients service" in said
    assert "MG_CLIENTS_URL" in said
    assert "channels service at" in said
    assert "could not be tried on clients" in said
    with pytest.raises(SystemCheckError):
        call_command("check", "--tag", "magistrala", stdout=io.StringIO(), stderr=io.StringIO())


def test_everything_down_is_told_whole(sandbox, settings):
    settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = OPERATOR, OPERATOR_PASSWORD
    sandbox.faults({"kind": "status", "status": 500})

    said = run()

    assert said.count("bootstrap.E101") == 5
    assert "bootstrap.W102" in said
    assert "(bootstrap.E105) The service credential cannot be tried" in said


def test_without_a_credential_it_warns_and_says_what_to_set(sandbox):
    said = run()

    assert "(bootstrap.W104) There is no service credential" in said
    assert "MG_BOOTSTRAP_TOKEN" in said
    assert sandbox.calls("domains")[-1]["path"] == "/health"


@pytest.mark.parametrize("how", ["password", "revoked"])
def test_a_credential_that_is_refused_is_an_error(sandbox, settings, how):
    if how == "password":
        settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = OPERATOR, "not-the-password"
    else:
        settings.SERVICE_TOKEN, pat_id = sandbox.pat()
        sandbox.revoke_pat(pat_id)

    said = run()

    assert "(bootstrap.E104) The service credential is refused" in said
    assert ("The name or the password is wrong" in said) is (how == "password")
    assert "try again" not in said.lower()
    assert "not-the-password" not in said
    assert "pat_" not in said


def test_a_credential_that_sees_no_domain_is_a_warning(sandbox, settings):
    settings.SERVICE_TOKEN = sandbox.pat("nobody")[0]

    assert "(bootstrap.W105) The service credential works, but its user is a member of no domain" in run()


def test_a_token_that_may_not_list_is_told_what_it_lacks(sandbox, settings):
    settings.SERVICE_TOKEN = sandbox.pat()[0]
    # v0.30.0 lets everybody list; another release may not.
    sandbox.faults({"kind": "status", "status": 403, "match": {"path_prefix": f"/{DOMAIN_ID}/channels"}})

    said = run()

    assert "(bootstrap.W106) In warehouses (enabled, role admin) the service credential may not list channels." in said
    assert "scopes" in said


def test_an_administrator_of_the_platform_sees_every_domain(sandbox, settings):
    settings.SERVICE_TOKEN = sandbox.pat("admin")[0]
    sandbox.domain_status(OTHER_DOMAIN_ID, "disabled")

    said = run()

    assert "In warehouses (enabled, administrator of the platform)" in said
    assert "In greenhouses (disabled, administrator of the platform)" in said


def test_only_the_first_of_many_domains_are_looked_into(sandbox, settings):
    settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = OPERATOR, OPERATOR_PASSWORD
    for number in range(12):
        sandbox.platform("POST", "/domains", sandbox.token(), {"name": f"d{number}", "route": f"d{number}"})
    sandbox.forget_calls()

    said = run()

    assert "sees 13 domains or more; 10 were looked into" in said
    assert len([call for call in sandbox.calls("channels") if call["path"].endswith("/channels")]) == 10


def test_a_platform_with_a_shared_secret_has_no_keys(sandbox, settings):
    settings.SERVICE_TOKEN = sandbox.pat()[0]
    sandbox.shared_secret()

    assert "The platform has no public keys; tokens are checked online alone." in run()


def test_keys_of_another_algorithm_are_an_error(sandbox, settings):
    settings.MG_AUTH_ALGORITHMS = ["ES256"]

    said = run()

    assert "(bootstrap.E102) The platform signs with EdDSA" in said
    assert "MG_AUTH_ALGORITHMS" in said


def test_an_address_that_cannot_be_one_is_told(settings):
    settings.MG_USERS_URL = "users:9002"
    reset_client()

    assert "(bootstrap.E100) MG_USERS_URL" in run()


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "--deploy"),
        ("check", "--tag", "security"),
        ("check", "--list-tags"),
        ("showmigrations", "--plan"),
    ],
    ids=" ".join,
)
@pytest.mark.django_db
def test_no_other_command_asks_the_platform(sandbox, arguments):
    output = io.StringIO()

    # Other commands run the checks first; a caller in Python has to ask for them.
    more: dict[str, Any] = {} if arguments[0] == "check" else {"skip_checks": False}
    call_command(*arguments, stdout=output, stderr=output, **more)

    assert sandbox.calls() == []
    assert ("magistrala" in output.getvalue().split()) == ("--list-tags" in arguments)


def test_the_checks_of_djangos_own_start_do_not_ask_either(sandbox):
    assert [message for message in checks.run_checks() if "Magistrala" in message.msg] == []
    assert checks.run_checks(tags=["magistrala"]) == []
    assert sandbox.calls() == []


def test_after_the_command_it_is_silent_again(sandbox):
    run()
    sandbox.forget_calls()

    assert checks.run_checks(tags=["magistrala"]) == []
    assert sandbox.calls() == []


def test_an_unknown_tag_is_still_refused():
    with pytest.raises(CommandError, match="no system check"):
        call_command("check", "--tag", "magistralla")
