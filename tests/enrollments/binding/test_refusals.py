"""What the platform refuses because it is not there, and what it refuses because it may not be read."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import responses
from prometheus_client import REGISTRY

from bootstrap_project.errors import BootstrapError
from bootstrap_project.magistrala.client import MagistralaClient, MagistralaURLs
from bootstrap_project.magistrala.errors import (
    DeadlinePassed,
    Forbidden,
    MagistralaError,
    ResourceNotFound,
    deadline_passed,
)
from bootstrap_project.magistrala.sandbox import seed
from enrollments.binding.fetch import ResourceRef, fetch
from enrollments.binding.search import find_resources
from tests.support.enrollments import MQTT_CLIENT, TELEMETRY, Operator, stored

#: The ids and answers that a v0.30.0 gave (recorded as client.view.deleted.owner, clients.list.by-id and so on).
DOMAIN = "da994218-3d01-4a84-992a-c28c42422592"
CLIENT = "d91b2739-4509-488c-82f2-793bc6ea012b"
REFUSED = {"message": "failed to perform authorization over the entity"}
NOTHING = {"limit": 1, "total": 0}
MEMBER = ["channel_connect_to_client", "channel_read", "client_connect_to_channel", "client_read", "read"]


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def platform() -> MagistralaClient:
    services = ("clients", "channels", "domains", "users", "auth")
    return MagistralaClient(MagistralaURLs(**{name: f"http://{name}:9000" for name in services}), retries=0)


def answers(web: responses.RequestsMock, kind: str, listed: Any, membership: Any) -> None:
    """Let the platform refuse a view and answer the two questions behind it."""
    web.get(f"http://{kind}:9000/{DOMAIN}/{kind}/{CLIENT}", json=REFUSED, status=403)
    for url, answer in ((f"http://{kind}:9000/{DOMAIN}/{kind}", listed), ("http://domains:9000/domains", membership)):
        web.get(url, **({"status": answer} if isinstance(answer, int) else {"json": answer}))


def member(*actions: str) -> dict[str, Any]:
    role = {"role_id": "r", "role_name": "operator", "actions": list(actions)}
    return {"total": 1, "limit": 1, "domains": [{"id": DOMAIN, "name": "plant", "status": "enabled"} | role]}


ADMINISTRATOR = {"total": 1, "limit": 1, "domains": [{"id": DOMAIN, "name": "plant", "status": "enabled"}]}
THERE = {"limit": 1, "total": 1, "clients": [{"id": CLIENT, "name": "pump-4", "status": "disabled"}]}
OTHER = {"limit": 1, "total": 1, "clients": [{"id": "237cf3cc-2346-452a-beb5-82c9f64cf5eb", "status": "enabled"}]}


@pytest.mark.parametrize(
    ("listed", "membership", "error"),
    [
        (NOTHING, member(*MEMBER), ResourceNotFound),
        (NOTHING, ADMINISTRATOR, ResourceNotFound),
        # Who reads nothing is shown nothing, so nothing follows from it.
        (NOTHING, member("read", "channel_read"), Forbidden),
        (NOTHING, {"total": 0, "limit": 1, "domains": []}, Forbidden),
        # A personal access token without scopes.
        (THERE, member(*MEMBER), Forbidden),
        # A platform that ignores the filter, or fails meanwhile.
        (OTHER, member(*MEMBER), Forbidden),
        (500, member(*MEMBER), Forbidden),
        (NOTHING, 500, Forbidden),
    ],
)
def test_a_list_tells_what_is_gone_from_what_may_not_be_read(web, platform, listed, membership, error):
    answers(web, "clients", listed, membership)

    with pytest.raises(MagistralaError) as caught:
        fetch(ResourceRef(DOMAIN, "client", CLIENT), magistrala=platform, token="token")

    assert type(caught.value) is error
    assert ("gone" in caught.value.message) is (error is ResourceNotFound)
    asked = [call.request.url for call in web.calls if f"/{DOMAIN}/clients?" in str(call.request.url)]
    assert asked == [f"http://clients:9000/{DOMAIN}/clients?id={CLIENT}&status=all&limit=1"]


def test_what_is_there_but_may_not_be_viewed_is_told_with_what_it_takes(web, platform):
    answers(web, "clients", THERE, member(*MEMBER))

    with pytest.raises(Forbidden, match="scope view of clients"):
        fetch(ResourceRef(DOMAIN, "client", CLIENT), magistrala=platform, token="token")


def test_a_long_id_is_cut_where_it_is_quoted(web, platform):
    for path in (f"clients:9000/{DOMAIN}/clients", "domains:9000/domains"):
        web.get(f"http://{path}", json={"total": 0, "limit": 1} if "clients" in path else member(*MEMBER))
    web.get(f"http://clients:9000/{DOMAIN}/clients/{'x' * 300}", json=REFUSED, status=403)

    with pytest.raises(ResourceNotFound) as caught:
        fetch(ResourceRef(DOMAIN, "client", "x" * 300), magistrala=platform, token="token")

    assert f" {'x' * 199}… " in caught.value.message


def test_a_channel_is_asked_for_in_the_same_way(web, platform):
    answers(web, "channels", NOTHING, member("channel_read"))

    with pytest.raises(ResourceNotFound, match="knows no channel"):
        fetch(ResourceRef(DOMAIN, "channel", CLIENT), magistrala=platform, token="token")


# Over REST.


def refreshes(outcome: str) -> float:
    return REGISTRY.get_sample_value("bootstrap_binding_refreshes_total", {"outcome": outcome}) or 0.0


@pytest.mark.parametrize("user", ["operator", "editor", "viewer", "admin"])
def test_a_refresh_of_what_was_deleted_says_that_it_is_gone(sandbox, operator, token, config, user):
    operator.bind(config, MQTT_CLIENT, TELEMETRY)
    before, gone, forbidden = stored(config), refreshes("gone"), refreshes("forbidden")
    assert sandbox.platform("DELETE", f"/{seed.DOMAIN_ID}/clients/{seed.CLIENT_ID}", token).ok

    response = Operator(sandbox.token(user)).refresh(config)

    assert response.status_code == 404
    assert response.json()["message"].startswith("slot 'mqtt_client': ")
    assert "gone" in response.json()["message"]
    assert stored(config) == before
    assert (refreshes("gone"), refreshes("forbidden")) == (gone + 2, forbidden)


def test_a_binding_of_what_may_not_be_viewed_stays_forbidden(sandbox, config):
    scopes = [{"domain_id": seed.DOMAIN_ID, "entity_type": "clients", "operation": "list", "entity_id": "*"}]
    caller = Operator(sandbox.pat(scopes=scopes)[0])

    assert caller.bind(config, MQTT_CLIENT).status_code == 403


@pytest.mark.parametrize("user", ["operator", "viewer", "admin"])
@pytest.mark.parametrize("kind", ["client", "channel"])
def test_somebody_elses_id_is_answered_as_one_that_nobody_has(sandbox, config, user, kind):
    """By a token that sees no other domain, and by one that sees all of them."""
    caller, made_up = Operator(sandbox.token(user)), str(uuid.uuid4())
    foreign = {"client": seed.OTHER_CLIENT_ID, "channel": seed.OTHER_CHANNEL_ID}[kind]
    slot = {"client": "mqtt_client", "channel": "telemetry"}[kind]

    said = [
        (answer.status_code, without(answer.json(), resource_id))
        for resource_id in (foreign, made_up)
        for answer in [caller.bind(config, {"slot": slot, "type": kind, "resource_id": resource_id})]
    ]

    assert said[0] == said[1]
    assert said[0][0] == 404


def without(body: dict[str, str], resource_id: str) -> dict[str, str]:
    """Return an answer without what differs by itself."""
    return {name: value.replace(resource_id, "ID") for name, value in body.items() if name != "request_id"}


@pytest.mark.parametrize("user", ["operator", "admin"])
def test_nobody_is_offered_another_domains_resource(sandbox, magistrala, config, user):
    for resource_id in (seed.OTHER_CLIENT_ID, str(uuid.uuid4())):
        offers = find_resources(
            config=config,
            resource_type="client",
            text=resource_id,
            magistrala=magistrala,
            token=sandbox.token(user),
        )
        assert offers.found == ()


def test_whatever_it_is_the_words_are_the_same_for_a_fleet(sandbox, magistrala):
    token = sandbox.token("admin")

    def words(resource_id: str) -> str:
        with pytest.raises(BootstrapError) as caught:
            fetch(ResourceRef(seed.DOMAIN_ID, "client", resource_id), magistrala=magistrala, token=token)
        return str(caught.value).replace(resource_id, "ID")

    assert words(seed.OTHER_CLIENT_ID) == words(str(uuid.uuid4())) == words("no/id") == words("x" * 100)


@pytest.mark.parametrize("question", ["lists", "membership"])
def test_a_deadline_that_passes_while_it_is_asked_why_is_told_as_that(web, platform, monkeypatch, question):
    answers(web, "clients", NOTHING, member(*MEMBER))

    def too_late(*_arguments: Any, **_options: Any) -> Any:
        raise deadline_passed("clients")

    monkeypatch.setattr(platform, question, too_late)

    with pytest.raises(DeadlinePassed):
        fetch(ResourceRef(DOMAIN, "client", CLIENT), magistrala=platform, token="token")
