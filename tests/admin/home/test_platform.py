"""Whether Magistrala answers: asked beside the page, kept a while, and never waited for long."""

from __future__ import annotations

import threading
import time

import pytest
from django.utils import timezone

from bootstrap_project.admin.home import platform
from bootstrap_project.admin.home.platform import Probe
from bootstrap_project.magistrala.credential import reset_credential, with_service_token
from bootstrap_project.magistrala.errors import Unauthorized
from bootstrap_project.magistrala.factory import reset_client
from bootstrap_project.magistrala.sandbox.seed import OPERATOR, OPERATOR_PASSWORD
from bootstrap_project.magistrala.urls import SERVICES
from devices.bulkhead import Bulkhead
from tests.support.pages import page_text
from tests.support.people import Person, make_person
from tests.support.waiting import eventually

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]

URL = "/admin/platform/"


class Client:
    """A platform whose services answer when they are let."""

    def __init__(self, silent: frozenset[str] = frozenset()) -> None:
        self.asked: list[str] = []
        self.silent = silent
        self.let = threading.Event()

    def health(self, service: str) -> bool:
        self.asked.append(service)
        if service in self.silent:
            self.let.wait(60)
        return True


@pytest.fixture
def admin() -> Person:
    return make_person("ada", is_superuser=True)


@pytest.fixture
def fresh() -> Probe:
    return Probe()


def use(monkeypatch: pytest.MonkeyPatch, client: Client) -> Client:
    monkeypatch.setattr(platform, "get_client", lambda: client)
    return client


def test_the_endpoint_says_that_all_services_answer(admin, sandbox):
    answer = admin.get(URL, format="json")

    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.json()["state"] == "good"
    assert answer.json()["services"] == dict.fromkeys(SERVICES, True)
    assert "Magistrala answers." in page_text(admin.get(URL))


def test_a_service_that_is_down_is_named(admin, sandbox):
    sandbox.faults({"kind": "status", "status": 503, "match": {"service": "clients"}})

    answer = admin.get(URL, format="json").json()

    assert (answer["state"], answer["summary"]) == ("warn", "Of Magistrala, clients does not answer.")
    assert "no answer" in page_text(admin.get(URL))
    sandbox.faults()


def test_whoever_waits_for_the_platform_keeps_nobody_from_the_database(fresh, monkeypatch):
    client, bulkhead, seen = use(monkeypatch, Client(silent=frozenset({"auth"}))), Bulkhead(1), []

    def ask() -> None:
        with bulkhead.permit():
            seen.append(fresh.health())

    thread = threading.Thread(target=ask)
    thread.start()
    eventually(lambda: set(client.asked) == set(SERVICES))
    eventually(lambda: bool(bulkhead._free))
    client.let.set()
    thread.join(60)

    assert seen[0].answers["auth"] is True


def test_the_home_page_itself_asks_nobody(admin, monkeypatch):
    client = use(monkeypatch, Client())

    text = page_text(admin.get("/admin/"))

    assert client.asked == []
    assert f'data-url="{URL}?format=json"' in text
    assert f'<a href="{URL}">Ask whether it answers</a>' in text


def test_an_answer_is_kept_for_a_while(fresh, monkeypatch):
    client = use(monkeypatch, Client())

    first = fresh.health()

    assert fresh.health() is first
    assert sorted(client.asked) == sorted(SERVICES)
    monkeypatch.setattr(platform, "KEPT_SECONDS", 0)
    assert fresh.health() is not first
    assert len(client.asked) == 2 * len(SERVICES)


def test_a_service_that_hangs_is_given_up_and_not_asked_again_meanwhile(fresh, monkeypatch):
    client = use(monkeypatch, Client(silent=frozenset({"users"})))
    monkeypatch.setattr(platform, "MAX_SECONDS", 0.2)
    wait_for = fresh._lock.wait_for

    def wait_for_the_others(is_done, timeout):
        # What the machine takes to ask those that answer is not the time of the one that hangs.
        wait_for(lambda: len(fresh._answers) >= len(SERVICES) - 1, 30)
        return wait_for(is_done, timeout)

    monkeypatch.setattr(fresh._lock, "wait_for", wait_for_the_others)
    monkeypatch.setattr(platform, "KEPT_SECONDS", 0)

    health = fresh.health()
    again = fresh.health()

    assert health.answers == dict.fromkeys(SERVICES, True) | {"users": False}
    assert again.answers["users"] is False
    assert client.asked.count("users") == 1
    assert client.asked.count("clients") == 2
    client.let.set()
    while "users" in fresh._asked:
        time.sleep(0.01)
    monkeypatch.setattr(platform, "MAX_SECONDS", 30)
    assert all(fresh.health().answers.values())


def test_people_who_ask_at_once_share_one_question(fresh, monkeypatch):
    client = use(monkeypatch, Client(silent=frozenset(SERVICES)))
    found: list[platform.PlatformHealth] = []
    askers = [threading.Thread(target=lambda: found.append(fresh.health())) for _ in range(4)]
    for asker in askers:
        asker.start()
    while len(client.asked) < len(SERVICES):
        time.sleep(0.01)
    client.let.set()
    for asker in askers:
        asker.join()

    assert len(client.asked) == len(SERVICES)
    assert all(health.state == "good" for health in found)


def test_an_address_that_is_none_is_told_in_words(admin, settings):
    settings.MG_CLIENTS_URL = "nonsense"
    reset_client()

    answer = admin.get(URL, format="json").json()

    assert answer["state"] == "bad"
    assert "MG_CLIENTS_URL" in answer["summary"]
    reset_client()


def test_words_for_one_several_and_all():
    def words(*silent: str) -> str:
        return platform.PlatformHealth(timezone.now(), {one: one not in silent for one in SERVICES}).summary

    assert words() == "Magistrala answers."
    assert words("auth", "users") == "Of Magistrala, auth, users do not answer."
    assert "does not answer. Devices get their configuration all the same" in words(*SERVICES)


def test_the_page_tells_that_the_credential_was_refused_until_it_works_again(admin, sandbox, settings, fresh):
    settings.SERVICE_TOKEN, settings.SERVICE_USERNAME, settings.SERVICE_PASSWORD = "", OPERATOR, "no"
    reset_credential()
    with pytest.raises(Unauthorized):
        with_service_token(lambda _token: None)

    assert (fresh.health().state, "refuses this service's credential" in fresh.health().summary) == ("warn", True)

    settings.SERVICE_PASSWORD = OPERATOR_PASSWORD
    reset_credential()
    with_service_token(lambda _token: None)
    assert Probe().health().summary == "Magistrala answers."
    reset_credential()
