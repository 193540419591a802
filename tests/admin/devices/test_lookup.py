"""Clients and channels found by a part of their name, for the boxes of the Bind page."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from bootstrap_project.magistrala.factory import get_client, get_quick_client, reset_client
from bootstrap_project.magistrala.sandbox import seed
from configs.models import Config
from tests.support.people import Person, make_person
from tests.support.rows import make_config, make_profile

pytestmark = pytest.mark.sqlite


def url(config: Config) -> str:
    return reverse("admin:configs_config_resources", args=(config.pk,))


@pytest.fixture
def service_account() -> tuple[str, str]:
    """The platform's administrator, who can read every domain."""
    return seed.ADMIN, seed.ADMIN_PASSWORD


@pytest.fixture
def pi() -> Config:
    return make_config(name="pi", profile=make_profile())


@pytest.fixture
def operator() -> Person:
    """Somebody with the least that binding needs."""
    return make_person("olga", "view_config", "view_enrollment", "change_bindingsnapshot")


def test_a_part_of_the_name_is_enough_and_nothing_secret_comes_along(operator, credential, pi):
    response = operator.get(url(pi), type="client", q=" RASP")

    assert response.json() == {
        "found": [{"id": seed.CLIENT_ID, "name": seed.CLIENT_NAME, "tags": [], "status": "enabled"}],
        "has_more": False,
    }
    assert seed.CLIENT_SECRET not in response.content.decode()
    assert "no-store" in response.headers["Cache-Control"]


def test_tags_and_status_come_along(operator, credential, pi, sandbox):
    token = sandbox.token()
    made = {"name": "cellar", "tags": ["warm", "north"]}
    assert sandbox.platform("POST", f"/{seed.DOMAIN_ID}/channels", token, made).ok
    assert sandbox.platform("POST", f"/{seed.DOMAIN_ID}/channels/{seed.COMMANDS_CHANNEL_ID}/disable", token).ok

    found = operator.get(url(pi), type="channel", q="").json()["found"]

    assert {one["name"]: (one["status"], one["tags"]) for one in found} == {
        seed.TELEMETRY_CHANNEL_NAME: ("enabled", []),
        seed.COMMANDS_CHANNEL_NAME: ("disabled", []),
        "cellar": ("enabled", ["warm", "north"]),
    }


@pytest.mark.parametrize(
    ("kind", "text", "names"),
    [
        ("client", seed.CLIENT_ID, [seed.CLIENT_NAME]),
        ("channel", seed.CLIENT_ID, []),
        ("client", seed.OTHER_CLIENT_ID, []),
        ("client", "greenhouse", []),
        ("client", "3a0f2b6e-7c55-4a0e-9d10-7a6f0c1d2e3f", []),
        ("client", "nothing like it", []),
        ("channel", "\ud800&limit=1000", []),
        ("channel", "temperature" * 200, []),
    ],
)
def test_only_the_devices_own_domain_is_looked_into(operator, credential, pi, kind, text, names):
    response = operator.get(url(pi), type=kind, q=text.encode(errors="replace").decode())

    assert [one["name"] for one in response.json()["found"]] == names


def test_a_page_is_short_and_says_that_there_are_more(operator, credential, pi, sandbox):
    sandbox.fleet(clients=40)

    answer = operator.get(url(pi), type="client").json()

    assert len(answer["found"]) == 20
    assert answer["has_more"] is True


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 429, "retry_after": 7},
        {"kind": "status", "status": 403},
        {"kind": "down"},
        {"kind": "reset"},
        {"kind": "slow", "seconds": 2},
        {"kind": "garbage"},
        {"kind": "truncated"},
        {"kind": "oversized"},
        {"kind": "redirect"},
        {"kind": "wrong_type"},
    ],
)
@pytest.mark.parametrize("text", ["rasp", seed.CLIENT_ID])
def test_whatever_the_platform_fails_at_is_a_sentence(operator, credential, pi, sandbox, fault, text):
    operator.get(url(pi), type="client", q=text)
    sandbox.faults(fault | {"match": {"service": "clients"}})

    response = operator.get(url(pi), type="client", q=text)

    assert response.status_code == 200
    if fault.get("status") == 403 and text == seed.CLIENT_ID:
        # The platform says so of an id that nobody has, too.
        assert response.json() == {"found": [], "has_more": False}
        return
    assert response.json().keys() == {"error"}
    assert "Magistrala" in response.json()["error"]
    assert response.json()["error"].endswith("You can also paste an id.")
    sandbox.faults()
    assert operator.get(url(pi), type="client", q=text).json()["found"]


def test_nothing_is_repeated_while_somebody_waits(operator, credential, pi, sandbox, settings):
    settings.MG_RETRIES = 3
    reset_client()
    operator.get(url(pi), type="client", q="x")
    sandbox.forget_calls()
    sandbox.faults({"kind": "status", "status": 503, "match": {"service": "clients"}})

    operator.get(url(pi), type="client", q="x")

    assert len(sandbox.calls("clients")) == 1


def test_there_are_two_clients_of_a_process_and_both_are_forgotten():
    patient, quick = get_client(), get_quick_client()
    assert patient is not quick
    assert (get_client(), get_quick_client()) == (patient, quick)

    reset_client()

    assert get_client() is not patient
    assert get_quick_client() is not quick


def test_a_refused_or_missing_credential_is_a_sentence(operator, credential, pi, settings):
    settings.SERVICE_PASSWORD = "wrong-password"
    assert "MG_BOOTSTRAP_USERNAME" in operator.get(url(pi), type="client").json()["error"]

    settings.SERVICE_USERNAME = settings.SERVICE_PASSWORD = ""
    response = operator.get(url(pi), type="client")
    assert response.status_code == 200
    assert "MG_BOOTSTRAP_TOKEN" in response.json()["error"]


def test_who_may_not_bind_may_not_look_and_nobody_is_asked(viewer, operator, credential, pi, sandbox):
    others = [viewer, make_person("otto", "change_bindingsnapshot"), make_person("nora")]

    for person in others:
        assert person.get(url(pi), type="client").status_code == 403
    missing = reverse("admin:configs_config_resources", args=(uuid.uuid4(),))
    for address in (missing, missing.replace("-", "x")):
        assert operator.get(address, type="client").status_code == 403
    assert operator.get(url(pi), type="group").status_code == 400
    assert operator.get(url(pi)).status_code == 400
    assert operator.client.post(url(pi), {"type": "client"}).status_code == 405
    operator.client.logout()
    assert operator.client.get(url(pi), {"type": "client"}).status_code == 302
    assert sandbox.calls() == []
